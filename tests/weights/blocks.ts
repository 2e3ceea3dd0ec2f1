/** Blocks of every ggml type with gguf's values for them; made by tools/reference/block_fixtures.py. */
import { readFileSync } from 'node:fs'
import type { FormatName } from '../../src/weights/formats/index.ts'

type Span = readonly [at: number, bytes: number]

interface Index {
  cases: readonly { format: FormatName; rows: number; cols: number; blocks: Span; values: Span }[]
  floats: { rows: number; cols: number; data: Span }
  packs: readonly { format: FormatName; blocks: Span }[]
}

export interface BlockCase {
  readonly format: FormatName
  readonly rows: number
  readonly cols: number
  /** As a file holds them. */
  readonly blocks: Uint8Array
  /** [rows, cols] */
  readonly values: Float32Array
}

const folder = new URL('../fixtures/blocks/', import.meta.url)
const index = JSON.parse(readFileSync(new URL('blocks.json', folder), 'utf8')) as Index
const bytes = new Uint8Array(readFileSync(new URL('blocks.bin', folder)))

const slice = ([at, length]: Span): Uint8Array<ArrayBuffer> => bytes.slice(at, at + length)
const floats = (span: Span): Float32Array<ArrayBuffer> => new Float32Array(slice(span).buffer)

export const BLOCK_CASES: readonly BlockCase[] = index.cases.map(({ blocks, values, ...rest }) => ({
  ...rest,
  blocks: slice(blocks),
  values: floats(values),
}))

/** [rows, cols] that gguf quantised. */
export const FLOATS = { ...index.floats, data: floats(index.floats.data) }

/** What {@link FLOATS} became. */
export const PACKED = index.packs.map(({ format, blocks }) => ({ format, blocks: slice(blocks) }))
