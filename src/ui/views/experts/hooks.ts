import { useStore } from 'zustand'
import type { ExpertLayer, ExpertMap } from '../../../analysis/expertRoutes.ts'
import { expertsOf, type Experts, type ExpertsState } from './store.ts'
import { useSession } from '../../context.ts'

export function useExperts(): Experts {
  return expertsOf(useSession())
}

export function useExpertsState<T>(select: (state: ExpertsState) => T): T {
  return useStore(useExperts().state, select)
}

/** The layer on show, of those that have experts. */
export function useLayerOnShow({ layers }: ExpertMap): { line: number; layer: ExpertLayer | null } {
  const wanted = useExpertsState((state) => state.line)
  const line = Math.min(wanted, layers.length - 1)
  return { line, layer: layers[line] ?? null }
}
