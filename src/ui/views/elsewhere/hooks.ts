import { useStore } from 'zustand'
import type { RemoteEngine } from '../../../api/model.ts'
import { remoteOf } from '../../../state/app.ts'
import { engineOf, type Engine, type EngineState } from '../../../state/elsewhere/engine.ts'
import { useApp, useSession } from '../../context.ts'

export function useEngine(): Engine {
  return engineOf(useSession())
}

export function useEngineState<T>(select: (state: EngineState) => T): T {
  return useStore(useEngine().state, select)
}

/** The engine that answers; null while the tab's own model does. */
export function useRemote(): RemoteEngine | null {
  return useApp(remoteOf) ?? null
}

/** Name and port, as people tell machines apart. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url
}
