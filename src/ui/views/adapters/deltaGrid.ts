import type { ModuleAnalysis } from '../../../api/model.ts'
import type { Anatomy } from '../../../analysis/anatomy.ts'
import { placeOf } from '../../../state/stepPlace.ts'
import { LEVELS } from '../../draw/palette.ts'

/** The modules of an adapter as a table: one line per layer, one column per kind of module. */
export interface DeltaGrid {
  columns: readonly string[]
  /** `label` is a layer number, or the step itself for what lies outside the layers. */
  lines: readonly { label: string; cells: readonly (ModuleAnalysis | null)[] }[]
  /** Largest ‖ΔW‖/‖W‖ at scale 1. */
  largest: number
}

export function deltaGrid(modules: readonly ModuleAnalysis[], anatomy: Anatomy): DeltaGrid {
  const inLayers = modules.flatMap((module) => {
    const { layer, local } = placeOf(anatomy, module.step)
    return layer === null ? [] : [{ layer, name: local, module }]
  })
  const columns = [...new Set(inLayers.map(({ name }) => name))]
  const layers = [...new Set(inLayers.map(({ layer }) => layer))].sort((a, b) => a - b)
  const find = (layer: number, name: string) =>
    inLayers.find((one) => one.layer === layer && one.name === name)?.module ?? null
  const lines = layers.map((layer) => ({
    label: String(layer),
    cells: columns.map((name) => find(layer, name)),
  }))
  const outside = modules
    .filter((module) => !inLayers.some((inside) => inside.module === module))
    .map((module) => ({ label: module.step, cells: [module] }))
  return {
    columns,
    lines: [...lines, ...outside],
    largest: Math.max(0, ...modules.map(({ ratio }) => ratio)),
  }
}

/** Palette step of a ratio, linear up to the largest of its map. */
export function deltaLevel(ratio: number, largest: number): number {
  if (largest <= 0) return 0
  return Math.min(LEVELS - 1, Math.floor((ratio / largest) * LEVELS))
}
