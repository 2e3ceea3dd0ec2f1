import { invariant } from '../errors.ts'
import type { CachedSequence, Model } from '../api/model.ts'
import { readAnatomy } from './anatomy.ts'
import { nextTask } from './breather.ts'

/** Euclidean norms of the keys and values of a text, over all key-value heads: `[layers, positions]` each. */
export interface CacheNorms {
  layers: number
  positions: number
  k: Float32Array
  v: Float32Array
}

/** Values read by one forward. */
const BATCH_ELEMENTS = 1 << 22

/** Norms of the rows of `[rows, width]`, summed in f64. */
function rowNorms(data: Float32Array, rows: number, into: Float32Array): void {
  const width = data.length / rows
  for (let row = 0; row < rows; row++) {
    let squares = 0
    for (let i = row * width; i < (row + 1) * width; i++) squares += data[i]! * data[i]!
    into[row] = Math.sqrt(squares)
  }
}

/** Yields once, when all layers are read. */
export async function* readCacheNorms(model: Model, ids: readonly number[]): AsyncIterable<CacheNorms> {
  const { layers, kvHeads, headDim } = model.info
  const anatomy = await readAnatomy(model)
  const positions = ids.length
  const norms = {
    layers,
    positions,
    k: new Float32Array(layers * positions),
    v: new Float32Array(layers * positions),
  }
  const step = Math.max(1, Math.floor(BATCH_ELEMENTS / (2 * positions * kvHeads * headDim)))
  for (let from = 0; from < layers; from += step) {
    const some = Array.from({ length: Math.min(step, layers - from) }, (_, i) => from + i)
    const cacheOfLayer = (layer: number): string => anatomy.layers[layer]?.attention?.cache ?? ''
    const caching = some.filter((layer) => cacheOfLayer(layer) !== '')
    const traced = await model.trace(ids, { probes: caching.map(cacheOfLayer) })
    for (const layer of caching) {
      const tensor = traced.get(cacheOfLayer(layer))
      invariant(tensor, `${cacheOfLayer(layer)} was not traced`)
      const half = tensor.data.length / 2 // [2, rows, kvHeads · headDim]
      const line = [layer * positions, (layer + 1) * positions] as const
      rowNorms(tensor.data.subarray(0, half), positions, norms.k.subarray(...line))
      rowNorms(tensor.data.subarray(half), positions, norms.v.subarray(...line))
      await nextTask()
    }
  }
  yield norms
}

/** The sequence that holds most of a text from its beginning, of equal ones the one used last; null when none does. */
export function holderOf(
  sequences: readonly CachedSequence[],
  ids: readonly number[],
): { index: number; held: number } | null {
  let best: { index: number; held: number } | null = null
  sequences.forEach(({ tokens }, index) => {
    const held = tokens.length
    const same = held <= ids.length && tokens.every((id, at) => id === ids[at])
    if (same && held > 0 && held >= (best?.held ?? 0)) best = { index, held }
  })
  return best
}

export type PositionWriter = 'reused' | 'prefill' | 'decode' | 'unknown' | 'unwritten'

/** Positions `[from, to)` and what wrote their keys and values. */
export interface WrittenSpan {
  from: number
  to: number
  writer: PositionWriter
}

/** Who wrote which positions of a text of `length` tokens, of which the cache holds `held`; `prompt` were read by the last run. */
export function writtenSpans(
  { length, held, prompt }: { length: number; held: number; prompt: number },
  timing: { reused: number | null } | null,
): WrittenSpan[] {
  const reused = timing?.reused ?? null
  const read: WrittenSpan[] =
    reused === null
      ? [{ from: 0, to: held, writer: 'unknown' }]
      : [
          { from: 0, to: Math.min(reused, held), writer: 'reused' },
          { from: reused, to: Math.min(prompt, held), writer: 'prefill' },
          { from: prompt, to: held, writer: 'decode' },
        ]
  return [...read, { from: held, to: length, writer: 'unwritten' } as const].filter(
    ({ from, to }) => to > from,
  )
}

/** For every sequence, how many pages it shares with which others. */
export function sharedWith(
  sequences: readonly CachedSequence[],
  index: number,
): { index: number; pages: number }[] {
  const ownPages = new Set(sequences[index]?.pages.map(({ page }) => page))
  return sequences
    .map(({ pages }, other) => ({
      index: other,
      pages: pages.filter(({ page }) => ownPages.has(page)).length,
    }))
    .filter(({ index: other, pages }) => other !== index && pages > 0)
}

/** Sequences by the page they hold. */
export function holdersOf(sequences: readonly CachedSequence[]): ReadonlyMap<number, readonly number[]> {
  const holders = new Map<number, number[]>()
  sequences.forEach(({ pages }, index) => {
    for (const { page } of pages) holders.set(page, [...(holders.get(page) ?? []), index])
  })
  return holders
}
