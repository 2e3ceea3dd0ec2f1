import type { RemoteEngine } from '../../../api/model.ts'
import { remoteOf } from '../../../state/app.ts'
import { engineOf } from '../../../state/elsewhere/engine.ts'
import { hooksOf, useApp } from '../../context.ts'

export const [useEngine, useEngineState] = hooksOf(engineOf)

/** The engine that answers; null while the tab's own model does. */
export function useRemote(): RemoteEngine | null {
  return useApp(remoteOf) ?? null
}

/** Name and port, as people tell machines apart. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url
}
