import { TokenscopeError } from '../errors.ts'
import type { Model } from '../api/model.ts'
import { outputOf, readAnatomy, type Anatomy } from './anatomy.ts'

/** What of a layer is patched: the residual stream behind it, or one of its two outputs. */
export const PATCH_KINDS = ['stream', 'attn', 'mlp'] as const
export type PatchKind = (typeof PATCH_KINDS)[number]

/** The step that is patched in a layer; empty where the layer has no such output. */
export function patchStep(anatomy: Anatomy, layer: number, kind: PatchKind): string {
  const step = kind === 'stream' ? anatomy.layers[layer]?.stream : outputOf(anatomy, layer, kind)
  return step ?? ''
}

/** Norms of one step of every layer, at every position. */
export interface NormGrid {
  layers: number
  positions: number
  /** `[layers, positions]`. */
  norms: Float32Array
}

/** Features asked of one forward: 64 MB. */
const BATCH_ELEMENTS = 1 << 24

export async function readNorms(model: Model, ids: readonly number[], kind: PatchKind): Promise<NormGrid> {
  const { layers, hidden } = model.info
  const anatomy = await readAnatomy(model)
  const norms = new Float32Array(layers * ids.length)
  const together = Math.max(1, Math.floor(BATCH_ELEMENTS / (ids.length * hidden)))
  for (let from = 0; from < layers; from += together) {
    const count = Math.min(together, layers - from)
    const probes = Array.from({ length: count }, (_, i) => patchStep(anatomy, from + i, kind))
    const traced = await model.trace(ids, { probes: probes.filter((probe) => probe !== '') })
    probes.forEach((probe, i) => {
      // A layer without such an output adds nothing there.
      if (probe === '') return
      const tensor = traced.get(probe)
      if (tensor === undefined) throw new TokenscopeError('bad-argument', `${probe} was not traced.`)
      norms.set(rowNorms(tensor.data, ids.length), (from + i) * ids.length)
    })
  }
  return { layers, positions: ids.length, norms }
}

/** ‖x‖ of every row of `[rows, width]`. */
export function rowNorms(data: Float32Array, rows: number): Float32Array {
  const width = data.length / rows
  return Float32Array.from({ length: rows }, (_, row) => {
    let sum = 0
    for (let at = row * width; at < (row + 1) * width; at++) sum += (data[at] ?? 0) ** 2
    return Math.sqrt(sum)
  })
}
