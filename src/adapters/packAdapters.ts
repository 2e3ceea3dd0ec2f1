import type { LoraModule } from './types.ts'
import { NO_BIAS } from '../ops/operands.ts'
import type { StoredView } from '../weights/store.ts'
import { FORMATS } from '../weights/formats/index.ts'
import { planeLayout } from '../weights/formats/layout.ts'

/** Layout of lib/adapter_lora.wgsl. */
export const PART_WORDS = 12
export const TABLE_WORD = 4

export interface PlacedModule {
  slot: number
  module: LoraModule
}

/** A part while its group is laid out. */
export interface StackPart {
  step: string
  view: StoredView
  modules: PlacedModule[]
  firstRank: number
  bias: { slot: number; delta: Float32Array } | null
}

/** DoRA's factor per output, of the adapter in `slot`. */
export interface DoraScale {
  slot: number
  values: Float64Array
}

/** Stacked A's with a table of (adapter, α/r) behind them, in the place of scales. A group with biases alone gets one zero rank. */
export function packStackedA(modules: readonly PlacedModule[], ranks: number, cols: number) {
  const plain = planeLayout(FORMATS.f32, ranks, cols)
  const tableWord = plain.bytes / 4
  const layout = { ...plain, words: { ...plain.words, scales: tableWord } }
  const words = new Uint32Array(tableWord + ranks * 2)
  const floats = new Float32Array(words.buffer)
  let rank = 0
  for (const { slot, module } of modules) {
    for (let r = 0; r < module.rank; r++, rank++) {
      floats.set(module.a.subarray(r * cols, (r + 1) * cols), rank * plain.stride * 4)
      words[tableWord + 2 * rank] = slot
      floats[tableWord + 2 * rank + 1] = module.scaling
    }
  }
  return { words, layout }
}

const rowsOf = ({ view }: StackPart): number => view.end - view.begin
const ranksOf = ({ modules }: StackPart): number => modules.reduce((sum, { module }) => sum + module.rank, 0)

/** B's of a part side by side: [outputs, ranks]. */
function placeB(part: StackPart, floats: Float32Array, at: number): void {
  const ranks = ranksOf(part)
  let column = 0
  for (const { module } of part.modules) {
    for (let row = 0; row < rowsOf(part); row++) {
      floats.set(module.b.subarray(row * module.rank, (row + 1) * module.rank), at + row * ranks + column)
    }
    column += module.rank
  }
}

/** The table of parts, then B, g and d of each. `ranks` counts those of all parts. */
export function packParts(
  parts: readonly StackPart[],
  doraScales: readonly (DoraScale | null)[],
  ranks: number,
): Uint32Array<ArrayBuffer> {
  const start = TABLE_WORD + parts.length * PART_WORDS
  const vectorsOf = (part: StackPart, i: number): number =>
    ranksOf(part) + (doraScales[i] ? 1 : 0) + (part.bias ? 1 : 0)
  const words = new Uint32Array(
    parts.reduce((sum, part, i) => sum + rowsOf(part) * vectorsOf(part, i), start),
  )
  const floats = new Float32Array(words.buffer)
  words.set([parts.length, ranks])
  let at = start
  const allocate = (size: number): number => (at += size) - size
  parts.forEach((part, i) => {
    const b = allocate(rowsOf(part) * ranksOf(part))
    placeB(part, floats, b)
    const doraScale = doraScales[i]
    const g = doraScale ? allocate(rowsOf(part)) : NO_BIAS
    if (doraScale) floats.set(doraScale.values, g)
    const d = part.bias ? allocate(rowsOf(part)) : NO_BIAS
    if (part.bias) floats.set(part.bias.delta, d)
    const { output } = part.view
    // A part with DoRA is that of one adapter, whose ranks are all of the part's.
    const row = [
      output,
      output + rowsOf(part),
      part.firstRank,
      ranksOf(part),
      b,
      g,
      d,
      part.bias?.slot ?? doraScale?.slot ?? 0,
      0,
      ranksOf(part),
    ]
    words.set(row, TABLE_WORD + i * PART_WORDS)
  })
  return words
}
