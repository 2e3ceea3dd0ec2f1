import type { ExpertLayer, ExpertMap } from '../../../analysis/expertRoutes.ts'
import { expertsOf } from './store.ts'
import { hooksOf } from '../../context.ts'

export const [useExperts, useExpertsState] = hooksOf(expertsOf)

/** The layer on show, of those that have experts. */
export function useLayerOnShow({ layers }: ExpertMap): { line: number; layer: ExpertLayer | null } {
  const wanted = useExpertsState((state) => state.line)
  const line = Math.min(wanted, layers.length - 1)
  return { line, layer: layers[line] ?? null }
}
