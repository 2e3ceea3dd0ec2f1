import type { KvFormatName, LoadFormat } from '../api/load.ts'
import type { ModelDescription } from '../arch/spec.ts'
import { invariant } from '../errors.ts'
import type { TensorInfo } from '../formats/tensors.ts'
import type { KvFormat } from '../ops/kvFormats.ts'
import { planArena } from '../program/arena.ts'
import { PAGE } from '../program/batchLayout.ts'
import { fuse } from '../program/fuse.ts'
import { elements, type Program } from '../program/step.ts'
import { cacheLayers, layerBytesPerPosition, type CacheLayer } from '../run/pagePool.ts'
import { MAX_LOGIT_ROWS, MAX_ROWS } from '../run/rows.ts'
import { cachePages, ringRows } from '../run/sizes.ts'
import { bytesFor } from '../weights/formats/layout.ts'
import { storedType, type FormatOf } from '../weights/load.ts'
import { bytesOfExpert, planMatrices } from '../weights/plan.ts'

/** What a model takes on the GPU. */
export interface Footprint {
  readonly weights: number
  /** Keys and values. */
  readonly cache: number
  /** Activations and kept logits. */
  readonly work: number
  readonly total: number
  /** Of one layer's keys or of an expert, the largest buffer that cannot be cut apart. */
  readonly largestBuffer: number
}

export interface FootprintRequest {
  readonly weights: LoadFormat | 'auto'
  readonly context: number
  readonly kvCache: KvFormatName
}

/** The tensors of a checkpoint, and the formats of their types. */
export interface StoredTensors {
  readonly tensors: ReadonlyMap<string, TensorInfo>
  readonly formatOf: FormatOf
}

const vectorBytes = (length: number): number => Math.ceil(length / 4) * 16

/** Bytes of the weights, and of the largest that lie in one buffer whatever it takes, from the tensors' types and shapes. */
function weightBytes(
  model: ModelDescription,
  { tensors, formatOf }: StoredTensors,
  asked: FootprintRequest['weights'],
): { weights: number; largest: number } {
  const stored = (name: string) => {
    const tensor = tensors.get(name)
    invariant(tensor, `${name} was found`)
    return storedType(tensor, formatOf)
  }
  const { plans } = planMatrices(model, { asked, stored })
  const matrices = plans.reduce((sum, { format, cols, group, parts }) => {
    const rows = parts.reduce((all, part) => all + part.rows, 0)
    const bias = parts.some((part) => part.bias) ? vectorBytes(rows) : 0
    return sum + bytesFor(format, rows, cols, group) + bias
  }, 0)
  const vectors = model.params.filter(({ role }) => role === 'vector')
  const weights = vectors.reduce((sum, { shape }) => sum + vectorBytes(elements(shape)), matrices)
  // Loading keeps the matrices of an expert apart where it must.
  const largest = plans.map((plan) =>
    Math.max(...plan.parts.map((part) => bytesOfExpert({ ...plan, parts: [part] }))),
  )
  return { weights, largest: Math.max(0, ...largest) }
}

/** Bytes of the pages of keys and values of a text of `context` positions, and of the largest buffer among them. */
export function cacheBytes(
  layers: readonly CacheLayer[],
  context: number,
  format: KvFormat,
): Pick<Footprint, 'cache' | 'largestBuffer'> {
  const pages = cachePages(context)
  const each = layers.map((layer) => PAGE * layerBytesPerPosition(layer, format))
  const widest = Math.max(0, ...each)
  return {
    cache: each.reduce((sum, bytes) => sum + 2 * pages * bytes, widest),
    largestBuffer: pages * widest,
  }
}

function workBytes(program: Program, vocab: number, context: number): number {
  const lowered = fuse(program, { observed: [], isSingleBuffer: () => true, foldRows: MAX_LOGIT_ROWS })
  const { bytes } = planArena(lowered, new Set(['logits']))
  return bytes.reduce((sum, size) => sum + size, ringRows(vocab, context, Infinity) * vocab * 4)
}

/** What loading so would take on the GPU. */
export function footprint(
  model: ModelDescription,
  stored: StoredTensors,
  { weights: asked, context }: Pick<FootprintRequest, 'weights' | 'context'>,
  kv: KvFormat,
): Footprint {
  const program = model.record({ rows: MAX_ROWS, logitRows: MAX_LOGIT_ROWS, positions: context })
  const { weights, largest } = weightBytes(model, stored, asked)
  const { cache, largestBuffer: ofCache } = cacheBytes(cacheLayers(program), context, kv)
  const largestBuffer = Math.max(largest, ofCache)
  const work = workBytes(program, model.vocab, context)
  return { weights, cache, work, total: weights + cache + work, largestBuffer }
}
