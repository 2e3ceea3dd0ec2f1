import { invariant } from '../errors.ts'
import { MAX_ADAPTERS } from '../program/batchLayout.ts'

/** One row of a forward: a token at a position of a sequence. */
export interface BatchRow {
  /** Vocabulary id, or {@link FROM_SAMPLER} for the last token drawn on the GPU in this sampler slot. */
  token: number
  position: number
  /** Page table of the row's sequence; equal arrays by identity share one table. */
  pages: readonly number[]
  /** Of its sequence: where the sampler leaves its draws, and which of a set's edits are its own. */
  slot: number
  /** Tokens of the whole text as its call began: rotations of some models go by it. Absent: short. */
  textLength?: number | undefined
  /** End of the positions it sees, before any window; absent: behind its own. All of them are in its pages by then. */
  end?: number | undefined
  /** Its row of the learned positions; absent: its position. */
  learned?: number | undefined
  /** Scale of each loaded adapter for this row, then the strength of edits; absent: the base. */
  scales?: Float32Array | undefined
  /** Set when the row's logits are wanted. */
  logits?: LogitRow | undefined
}

/** What the head and the sampler need for one row. */
export interface LogitRow {
  /** Row of the logits buffer. */
  ringRow: number
  /** Candidates to keep, at most 256. */
  candidates: number
  /** 1 / temperature; 0 is greedy. */
  inverseTemperature: number
  topK: number
  topP: number
  minP: number
  seed: readonly [low: number, high: number]
  /** Index of the draw. */
  counter: number
}

/** Logits that the host reads itself: nothing is drawn from them. */
export function plainLogits(ringRow: number, candidates = 1): LogitRow {
  const off = { inverseTemperature: 0, topK: 0, topP: 1, minP: 0 }
  return { ringRow, candidates, ...off, seed: [0, 0], counter: 0 }
}

export const FROM_SAMPLER = 0xffff_ffff
const HEADER = 8
const ROW_WORDS = 7
const LOGIT_WORDS = 12
const TILE_WORDS = 2

/** Words a batch of `rows` rows may take, with page tables of `tables` sequences of `pages` pages. */
export function batchWords(rows: number, tables: number, pages: number): number {
  return HEADER + rows * (ROW_WORDS + LOGIT_WORDS + TILE_WORDS + MAX_ADAPTERS + 1) + tables * pages
}

/** Runs of neighbouring rows of one sequence, at most `size` long: prefill attention's tiles. */
function tilesOf(rows: readonly BatchRow[], size: number): [first: number, count: number][] {
  const tiles: [number, number][] = []
  rows.forEach((row, i) => {
    const tile = tiles.at(-1)
    if (tile && rows[i - 1]?.pages === row.pages && tile[1] < size) tile[1] += 1
    else tiles.push([i, 1])
  })
  return tiles
}

/**
 * The words `shaders/lib/batch.wgsl` reads. `tile` is the largest tile of prefill attention; `tableRow` gives the first row of the
 * section of the rotary tables that a text of some length turns by.
 */
export function packBatch(
  rows: readonly BatchRow[],
  tile: number,
  adapters = 0,
  tableRow: (textLength: number) => number = () => 0,
): Uint32Array<ArrayBuffer> {
  const logitRows = rows.flatMap((row, i) => (row.logits ? [{ row, i, logits: row.logits }] : []))
  const tiles = tilesOf(rows, tile)
  const tables = [...new Set(rows.map((row) => row.pages))]
  const rowsAt = HEADER
  const logitsAt = rowsAt + rows.length * ROW_WORDS
  const tilesAt = logitsAt + logitRows.length * LOGIT_WORDS
  const scalesAt = tilesAt + tiles.length * TILE_WORDS
  let tableAt = scalesAt + rows.length * adapters
  const offsets = new Map<readonly number[], number>()
  for (const table of tables) {
    offsets.set(table, tableAt)
    tableAt += table.length
  }
  const words = new Uint32Array(tableAt)
  const floats = new Float32Array(words.buffer)
  words.set([rows.length, logitRows.length, tiles.length, rowsAt, logitsAt, tilesAt, scalesAt, adapters])
  rows.forEach((row, i) => {
    const { token, position, pages, slot, textLength = 0, end = position + 1, learned = position } = row
    const table = offsets.get(pages)
    invariant(table !== undefined, 'every row has a page table')
    words.set([token, position, table, slot, tableRow(textLength), end, learned], rowsAt + i * ROW_WORDS)
  })
  rows.forEach(({ scales }, i) => {
    if (scales) floats.set(scales.subarray(0, adapters), scalesAt + i * adapters)
  })
  logitRows.forEach(({ row, i, logits }, n) => {
    const at = logitsAt + n * LOGIT_WORDS
    words.set([i, logits.ringRow, row.slot, logits.candidates], at)
    floats[at + 4] = logits.inverseTemperature
    words[at + 5] = logits.topK
    floats[at + 6] = logits.topP
    floats[at + 7] = logits.minP
    words.set([logits.seed[0], logits.seed[1], logits.counter], at + 8)
  })
  tiles.forEach((pair, i) => words.set(pair, tilesAt + i * TILE_WORDS))
  for (const [table, at] of offsets) words.set(table, at)
  return words
}
