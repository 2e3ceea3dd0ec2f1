import type { ModelDescription } from '../arch/spec.ts'
import { isOp } from '../program/step.ts'
import { blankReport } from './blankReport.ts'
import type { LoraModule, ParsedAdapter } from './types.ts'

/** Rank 1, all zeros, on every product of the layers. */
export function emptyAdapter(model: ModelDescription): ParsedAdapter {
  const { steps } = model.record({ rows: 1, logitRows: 0, positions: 1 })
  const products = steps.filter((step) => isOp(step, 'linear'))
  const modules = products.flatMap(({ name: step, params: [matrix] }): LoraModule[] => {
    const [out, inner] = matrix?.shape ?? []
    if (out === undefined || inner === undefined) return []
    const sizes = { rows: [0, out] as const, in: inner, out, rank: 1, alpha: 1, scaling: 1 }
    const factors = { a: new Float32Array(inner), b: new Float32Array(out), magnitude: null }
    return [{ step, kind: 'linear', source: step, ...sizes, ...factors }]
  })
  return { name: '', modules, replacements: [], report: blankReport('') }
}
