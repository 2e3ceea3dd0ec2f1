import type { LoadOptions } from '../api/model.ts'
import type { EngineClient } from '../worker/api.ts'
import type { AppStore } from './app.ts'
import type { Settings } from './settings.ts'
import type { TokenLog } from './tokenLog.ts'

export interface SessionParts {
  client: EngineClient
  app: AppStore
  log: TokenLog
  /** Milliseconds. */
  now: () => number
}

export interface LoadRequest {
  /** How the page calls it while it loads. */
  label: string
  /** What a link spells; null for dropped files. */
  id: string | null
  /** Settings of a run to start the moment the model answers. */
  first?: Settings | undefined
  /** Beside an engine elsewhere, which stays on show. */
  beside?: boolean | undefined
  /** How it is loaded, where that was chosen. */
  how?: Pick<LoadOptions, 'weights' | 'contextLength' | 'kvCache'> | undefined
}

/** A prompt that does not stand in the page's field. */
export interface GivenPrompt {
  ids: readonly number[]
  /** Strings that end the text. */
  stop?: readonly string[] | undefined
}
