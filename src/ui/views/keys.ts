import type { ViewKey } from '../components/useViewKeys.ts'
import { keys as adapters } from './adapters/keys.ts'
import { keys as attention } from './attention/keys.ts'
import { keys as branches } from './branches/keys.ts'
import { keys as chat } from './chat/keys.ts'
import { keys as compare } from './compare/keys.ts'
import { keys as edits } from './edits/keys.ts'
import { keys as lens } from './lens/keys.ts'
import { keys as map } from './map/keys.ts'
import { keys as precision } from './precision/keys.ts'
import { keys as score } from './score/keys.ts'
import { keys as speculate } from './speculate/keys.ts'
import { keys as steps } from './steps/keys.ts'
import { keys as tokenizer } from './tokenizer/keys.ts'
import { keys as trace } from './trace/keys.ts'
import { keys as train } from './train/keys.ts'

/** Keys that views add to those of the page, by the view's name; fetched with the sheet that lists them. */
export const VIEW_KEYS: Readonly<Record<string, readonly ViewKey[]>> = {
  adapters,
  attention,
  branches,
  chat,
  compare,
  edits,
  lens,
  map,
  precision,
  score,
  speculate,
  steps,
  tokenizer,
  trace,
  train,
}
