import { useStore } from 'zustand'
import { precisionOf, type PrecisionRuns, type PrecisionState } from './store.ts'
import { useSession } from '../../context.ts'

export function usePrecision(): PrecisionRuns {
  return precisionOf(useSession())
}

/** A slice of the state; select primitives or objects kept in it. */
export function usePrecisionState<T>(select: (state: PrecisionState) => T): T {
  return useStore(usePrecision().state, select)
}
