import { invariant, TokenscopeError } from '../../errors.ts'
import { bf16ToF32 } from '../floats.ts'
import { half, type DequantiseBlock } from './block.ts'
import { ggmlType, type GgmlTypeName } from './ggmlTypes.ts'
import { q2K, q3K, q4K, q5K, q6K } from './kQuants.ts'

const { fround } = Math

/** The 32 four-bit values of 16 bytes: the low halves are the first sixteen. */
function nibble(bytes: DataView, at: number, n: number): number {
  return (bytes.getUint8(at + (n & 15)) >> (n < 16 ? 0 : 4)) & 15
}

/** d · (q − offset), q of four bits. */
const q4_0: DequantiseBlock = (bytes, at, out, to) => {
  const d = half(bytes, at)
  for (let n = 0; n < 32; n++) out[to + n] = fround(d * (nibble(bytes, at + 2, n) - 8))
}

/** d · q + m, q of four bits. */
const q4_1: DequantiseBlock = (bytes, at, out, to) => {
  const d = half(bytes, at)
  const m = half(bytes, at + 2)
  for (let n = 0; n < 32; n++) out[to + n] = fround(fround(d * nibble(bytes, at + 4, n)) + m)
}

/** The fifth bits of 32 values stand in a word before the others. */
function five(bytes: DataView, at: number, n: number): number {
  return nibble(bytes, at + 4, n) | (((bytes.getUint32(at, true) >>> n) & 1) << 4)
}

const q5_0: DequantiseBlock = (bytes, at, out, to) => {
  const d = half(bytes, at)
  for (let n = 0; n < 32; n++) out[to + n] = fround(d * (five(bytes, at + 2, n) - 16))
}

const q5_1: DequantiseBlock = (bytes, at, out, to) => {
  const d = half(bytes, at)
  const m = half(bytes, at + 2)
  for (let n = 0; n < 32; n++) out[to + n] = fround(fround(d * five(bytes, at + 4, n)) + m)
}

const q8_0: DequantiseBlock = (bytes, at, out, to) => {
  const d = half(bytes, at)
  for (let n = 0; n < 32; n++) out[to + n] = fround(d * bytes.getInt8(at + 2 + n))
}

/** The sixteen levels of IQ4_NL and IQ4_XS (ggml's `kvalues_iq4nl`). */
export const IQ4_LEVELS = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113] as const

const iq4Nl: DequantiseBlock = (bytes, at, out, to) => {
  const d = half(bytes, at)
  for (let n = 0; n < 32; n++) out[to + n] = fround(d * (IQ4_LEVELS[nibble(bytes, at + 2, n)] ?? 0))
}

/** Eight runs of 32 with six-bit scales less 32: four low bits each in `at + 4`, two high bits each in a word before. */
const iq4Xs: DequantiseBlock = (bytes, at, out, to) => {
  const d = half(bytes, at)
  const high = bytes.getUint16(at + 2, true)
  for (let run = 0; run < 8; run++) {
    const low = (bytes.getUint8(at + 4 + (run >> 1)) >> (4 * (run & 1))) & 15
    const scale = fround(d * ((low | (((high >> (2 * run)) & 3) << 4)) - 32))
    for (let n = 0; n < 32; n++) {
      out[to + 32 * run + n] = fround(scale * (IQ4_LEVELS[nibble(bytes, at + 8 + 16 * run, n)] ?? 0))
    }
  }
}

/** The sixteen values of e2m1, doubled (OCP Microscaling Formats 1.0). */
export const MXFP4_LEVELS = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12] as const

/** A shared exponent byte; half of 2^(e − 127), as the levels are doubled. */
const mxfp4: DequantiseBlock = (bytes, at, out, to) => {
  const d = 2 ** (bytes.getUint8(at) - 128)
  for (let n = 0; n < 32; n++) out[to + n] = fround(d * (MXFP4_LEVELS[nibble(bytes, at + 1, n)] ?? 0))
}

const BLOCKS: ReadonlyMap<GgmlTypeName, DequantiseBlock> = new Map([
  ['F32', (bytes, at, out, to) => void (out[to] = bytes.getFloat32(at, true))],
  ['F16', (bytes, at, out, to) => void (out[to] = half(bytes, at))],
  ['BF16', (bytes, at, out, to) => void (out[to] = bf16ToF32(bytes.getUint16(at, true)))],
  ['F64', (bytes, at, out, to) => void (out[to] = bytes.getFloat64(at, true))],
  ['Q4_0', q4_0],
  ['Q4_1', q4_1],
  ['Q5_0', q5_0],
  ['Q5_1', q5_1],
  ['Q8_0', q8_0],
  ['Q2_K', q2K],
  ['Q3_K', q3K],
  ['Q4_K', q4K],
  ['Q5_K', q5K],
  ['Q6_K', q6K],
  ['IQ4_NL', iq4Nl],
  ['IQ4_XS', iq4Xs],
  ['MXFP4', mxfp4],
])

/** Types whose values are known here. */
export const READABLE_TYPES: readonly GgmlTypeName[] = [...BLOCKS.keys()]

/**
 * The values of whole blocks, as f32.
 *
 * @param bytes Whole blocks of `type`: a row, several, or a part of one.
 * @throws `unsupported` for a type that is known by name only.
 */
export function dequantise(type: GgmlTypeName, bytes: Uint8Array): Float32Array {
  const block = BLOCKS.get(type)
  const { blockElements, blockBytes } = ggmlType(type)
  if (!block || blockBytes === null) throw unreadable(type)
  invariant(bytes.byteLength % blockBytes === 0, `whole blocks of ${type}`)
  const blocks = bytes.byteLength / blockBytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const out = new Float32Array(blocks * blockElements)
  for (let n = 0; n < blocks; n++) block(view, n * blockBytes, out, n * blockElements)
  return out
}

/** The refusal of a type by name. */
export function unreadable(type: GgmlTypeName, where = 'The tensor'): TokenscopeError {
  const expected = READABLE_TYPES.join(', ')
  return new TokenscopeError('unsupported', `${where} is of type ${type}, expected one of ${expected}.`, {
    hint: 'Fetch the model in another type, such as Q4_K_M or Q8_0.',
    details: { field: 'type', got: type, expected },
  })
}
