import rankWgsl from '../../shaders/ops/rank.wgsl?raw'
import topWgsl from '../../shaders/ops/top.wgsl?raw'
import { kernel, reduceProvider } from '../gpu/providers.ts'
import type { ShaderSource } from '../gpu/shader.ts'
import type { LayoutKey } from '../gpu/pipelines.ts'
import type { Variant } from '../api/model.ts'
import { selectKernel } from './select.ts'

const HEADER_WORDS = 4

/** Up to so many candidates, CPU adapters find them in rounds. Measured: a third of select's time at 32, a tenth at 5; it grows with k. */
const MAX_ROUNDS = 32

/** A kernel and its bindings. */
export interface RankStep {
  readonly shader: ShaderSource
  readonly layout: LayoutKey
}

/** Words of a row's cell with `k` candidates. */
export const cellWords = (k: number): number => HEADER_WORDS + 2 * k

/** Finds the `k` candidates of every row: batch, parameters (vocab, k), logits, records, and what select draws. */
export function candidateStep(variant: Variant, k: number): RankStep {
  const shared: LayoutKey = [
    [0, 'read'],
    [1, 'uniform'],
    [2, 'read'],
    [3, 'write'],
  ]
  return variant.threadPerOutput && k <= MAX_ROUNDS
    ? { shader: kernel({ name: 'top', text: topWgsl }, []), layout: shared }
    : { shader: selectKernel(variant), layout: [...shared, [4, 'write']] }
}

/** Entropy, probabilities and the rank of a token, of every row that needs logits: batch, parameters, logits, records, cells. */
export function rankStep(variant: Variant): RankStep {
  const reduction = variant.threadPerOutput ? 'reduce_tree' : reduceProvider(variant)
  return {
    shader: kernel({ name: 'rank', text: rankWgsl }, [reduction]),
    layout: [
      [0, 'read'],
      [1, 'uniform'],
      [2, 'read'],
      [3, 'read'],
      [4, 'write'],
    ],
  }
}

/** What the kernel found for one row. */
export interface RankCell {
  /** Of the whole row, in nats. NaN, like every probability, when a logit is NaN or +∞ or all are −∞. */
  entropy: number
  /** Descending, ties by lowest id. */
  top: { id: number; probability: number }[]
  /** Probability of the row's token, and how many come before it; they mean nothing in a row without one. */
  probability: number
  rank: number
}

/** Reads row `row` of cells `[rows, cellWords(k)]`. */
export function parseCell(cells: Float32Array, row: number, k: number): RankCell {
  const floats = cells.subarray(row * cellWords(k), (row + 1) * cellWords(k))
  const words = new Uint32Array(floats.buffer, floats.byteOffset, floats.length)
  const sound = words[0] === 1
  const float = (at: number): number => (sound ? (floats[at] ?? NaN) : NaN)
  return {
    entropy: float(1),
    top: Array.from(words.subarray(HEADER_WORDS, HEADER_WORDS + k), (id, i) => {
      return { id, probability: float(HEADER_WORDS + k + i) }
    }),
    probability: float(2),
    rank: words[3] ?? 0,
  }
}
