import type { BatchRow } from '../../src/run/batch.ts'
import type { Mask, ScoresAttrs, Window } from '../../src/program/attrs.ts'
import { seenEnd, seenRange } from '../../src/program/mask.ts'
import type { Step } from '../../src/program/step.ts'
import { randomSource, type RandomSource } from '../random.ts'
import { createPages, writePages, type PagedValues, type Row } from '../reference.ts'
import { kept, opStep } from './opHarness.ts'

export interface Shape {
  group: number
  kvHeads: number
  headDim: number
}

/** Which positions rows see. */
export interface Sight {
  mask: Mask
  window: Window
}

export const CAUSAL: Sight = { mask: 'causal', window: null }

/** Sequences of some lengths whose last rows are new, in pages that lie shuffled in the pool. */
export interface Scene {
  attrs: ScoresAttrs
  rows: Row[]
  batch: BatchRow[]
  lengths: number[]
  k: PagedValues
  v: PagedValues
  /** Keys and values of the new rows, [rows, kvHeads · headDim]. */
  newK: Float32Array
  newV: Float32Array
  q: Float32Array
  pool: number
}

function shuffledTables(
  lengths: readonly number[],
  random: RandomSource,
): { tables: number[][]; pool: number } {
  const pool = lengths.reduce((sum, length) => sum + Math.ceil(length / 32), 0) + 2
  const order = random.permutation(pool)
  return { tables: lengths.map((length) => order.splice(0, Math.ceil(length / 32))), pool }
}

export function makeScene(
  shape: Shape,
  sequences: readonly { length: number; rows: number }[],
  seed: number,
  sight: Sight = CAUSAL,
): Scene {
  const random = randomSource(seed)
  const { group, kvHeads, headDim } = shape
  const heads = group * kvHeads
  const lengths = sequences.map(({ length }) => length)
  const { tables, pool } = shuffledTables(lengths, random)
  const k = createPages(pool, shape, tables)
  const v = createPages(pool, shape, tables)
  k.values.fill(NaN)
  v.values.fill(NaN)
  const size = kvHeads * headDim
  for (const [sequence, { length, rows }] of sequences.entries()) {
    const held = Array.from({ length: length - rows }, (_, position) => ({ sequence, position }))
    writePages(k, shape, held, random.normal(held.length * size))
    writePages(v, shape, held, random.outliers(held.length * size + 1))
  }
  const rows = sequences.flatMap(({ length, rows: count }, sequence) =>
    Array.from({ length: count }, (_, i) => {
      const position = length - count + i
      return { sequence, position, seen: seenRange(sight, position, length) }
    }),
  )
  const batch = rows.map(({ sequence, position }) => ({
    token: 0,
    position,
    pages: tables[sequence]!,
    slot: sequence,
    end: seenEnd(sight.mask, position, lengths[sequence]!),
  }))
  return {
    attrs: { heads, kvHeads, headDim, scale: 1 / Math.sqrt(headDim), softcap: null, ...sight },
    rows,
    batch,
    lengths,
    k,
    v,
    newK: random.normal(rows.length * size),
    newV: random.outliers(rows.length * size),
    q: random.normal(rows.length * heads * headDim, 2),
    pool,
  }
}

export function cacheStep({ kvHeads, headDim, window }: ScoresAttrs, rows: number): Step {
  const attrs = { kvHeads, headDim, window }
  return opStep('cache', 'cache', { inputs: ['k', 'v'], axes: kept(rows, kvHeads * headDim), attrs })
}

/** Few rows take decode attention, many prefill; the last of a text see it all, or what is near. */
export const SIGHTS: readonly Sight[] = [
  { mask: 'causal', window: 12 },
  { mask: 'bidirectional', window: null },
  { mask: 'bidirectional', window: 5 },
  { mask: { prefix: 40 }, window: null },
  { mask: { prefix: 129 }, window: 33 },
]
