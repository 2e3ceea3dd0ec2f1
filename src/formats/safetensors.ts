import { TokenscopeError } from '../errors.ts'
import { badFile, recogniseForeign } from './badFile.ts'
import { readRange } from './byteRange.ts'
import { parseStrictJson, type JsonObject, type JsonValue } from './strictJson.ts'
import type { DType, FileSource, TensorInfo, TensorType } from './tensors.ts'

/** The reference reader's own limit. */
export const MAX_HEADER_BYTES = 100_000_000

const BITS: ReadonlyMap<string, number> = new Map<DType, number>([
  ['F64', 64],
  ['F32', 32],
  ['F16', 16],
  ['BF16', 16],
  ['F8_E4M3', 8],
  ['F8_E5M2', 8],
  ['I64', 64],
  ['I32', 32],
  ['I16', 16],
  ['I8', 8],
  ['U64', 64],
  ['U32', 32],
  ['U16', 16],
  ['U8', 8],
  ['BOOL', 8],
])

/** Types the format knows and nothing here can compute with. */
const UNREADABLE_BITS: ReadonlyMap<string, number> = new Map([
  ['F4', 4],
  ['F6_E2M3', 6],
  ['F6_E3M2', 6],
  ['F8_E8M0', 8],
  ['C64', 64],
])

/** Bytes of one element. */
export function dtypeBytes(dtype: TensorType): number {
  return (BITS.get(dtype) ?? 0) / 8
}

export interface SafetensorsHeader {
  /** In file order; byte ranges are those of the file. */
  tensors: TensorInfo[]
  metadata: ReadonlyMap<string, string>
  /** What the whole file must measure. */
  fileBytes: number
}

/**
 * Length of the JSON header, from the file's first eight bytes.
 * @param size Bytes of the file, null when unknown.
 */
export function parseHeaderLength(start: Uint8Array, file: string, size: number | null): number {
  if (start.byteLength === 0) throw badFile(file, 'file', 'empty', 'a safetensors file')
  if (start.byteLength < 8) throw badFile(file, 'size', `${start.byteLength} bytes`, 'at least 8')
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true)
  const room = size === null ? MAX_HEADER_BYTES : Math.min(MAX_HEADER_BYTES, size - 8)
  if (length >= 2n && length <= room) return Number(length)
  const foreign = recogniseForeign(start)
  if (foreign) throw badFile(file, 'file', foreign.what, 'a safetensors file', foreign.hint)
  const limit = length > MAX_HEADER_BYTES ? MAX_HEADER_BYTES : room
  throw badFile(file, 'header length', `${length} bytes`, `2 to ${limit} bytes`)
}

/** Reads and checks the header of one file. */
export async function readSafetensorsHeader(
  source: FileSource,
  file: string,
  signal?: AbortSignal,
): Promise<SafetensorsHeader> {
  const size = await source.size(file)
  const start = await readRange(source, file, 0, Math.min(8, size ?? 8), signal)
  const length = parseHeaderLength(start, file, size)
  const header = await readRange(source, file, 8, 8 + length, signal)
  return parseSafetensorsHeader(header, file, size)
}

/**
 * Every tensor of a header, checked: known types, exact byte counts, no overlap, no hole, nothing after the last.
 * @param header Only the JSON bytes, padding included.
 * @param size Bytes of the file, null when unknown (then the end is checked while reading).
 */
export function parseSafetensorsHeader(
  header: Uint8Array,
  file: string,
  size: number | null,
): SafetensorsHeader {
  if (header[0] !== 0x7b) {
    throw badFile(
      file,
      'header',
      `a text that starts with byte ${header[0] ?? 'none'}`,
      "a JSON object, starting with '{'",
    )
  }
  const root = asObject(parseStrictJson(header, file), file, 'header')
  const dataBegin = 8 + header.byteLength
  const metadata = new Map<string, string>()
  const tensors: TensorInfo[] = []
  for (const [name, value] of Object.entries(root)) {
    if (name === '__metadata__') parseMetadata(value, file, metadata)
    else tensors.push(parseTensor(name, asObject(value, file, name), file, dataBegin))
  }
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end)
  const fileBytes = checkLayout(tensors, file, dataBegin)
  if (size !== null && size !== fileBytes) {
    const hint =
      size < fileBytes
        ? 'The download was cut off; fetch the file again.'
        : 'Something was appended to the file; fetch it again.'
    throw badFile(file, 'size', `${size} bytes`, `${fileBytes}, where the last tensor ends`, hint)
  }
  return { tensors, metadata, fileBytes }
}

function asObject(value: JsonValue, file: string, field: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw badFile(file, field, kind(value), 'an object')
}

function kind(value: JsonValue | undefined): string {
  if (value === undefined) return 'missing'
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'object')
    return Array.isArray(value) ? 'a list' : value === null ? 'null' : 'an object'
  return JSON.stringify(value).slice(0, 60)
}

function parseMetadata(value: JsonValue, file: string, into: Map<string, string>): void {
  for (const [key, text] of Object.entries(asObject(value, file, '__metadata__'))) {
    if (typeof text !== 'string') throw badFile(file, `__metadata__.${key}`, kind(text), 'a string')
    into.set(key, text)
  }
}

/** A list of whole numbers ≥ 0. */
function parseSizes(value: JsonValue | undefined, file: string, field: string): number[] {
  if (!Array.isArray(value)) throw badFile(file, field, kind(value), 'a list of whole numbers')
  return value.map((size, index) => {
    if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return size
    throw badFile(file, `${field}[${index}]`, kind(size), 'a whole number from 0 to 2^53 − 1')
  })
}

function parseTensor(name: string, entry: JsonObject, file: string, dataBegin: number): TensorInfo {
  const dtype = entry['dtype']
  const bits = typeof dtype === 'string' ? (BITS.get(dtype) ?? UNREADABLE_BITS.get(dtype)) : undefined
  if (bits === undefined)
    throw badFile(file, `${name}.dtype`, kind(dtype), `one of ${[...BITS.keys()].join(', ')}`)
  const shape = parseSizes(entry['shape'], file, `${name}.shape`)
  const offsets = parseSizes(entry['data_offsets'], file, `${name}.data_offsets`)
  const [begin, end] = offsets
  if (begin === undefined || end === undefined || offsets.length !== 2 || end < begin) {
    throw badFile(file, `${name}.data_offsets`, `[${offsets.join(', ')}]`, '[begin, end] with begin ≤ end')
  }
  const total = bitCount(shape, bits, file, name)
  const spanBits = (end - begin) * 8
  if (spanBits !== total) {
    const expected = `${total / 8}, the bytes of ${kind(dtype)} [${shape.join(', ')}]`
    throw badFile(file, `${name}.data_offsets`, `a span of ${end - begin} bytes`, expected)
  }
  if (!isReadable(dtype)) {
    throw new TokenscopeError(
      'unsupported',
      `${file}: ${name}.dtype is ${kind(dtype)}, which cannot be computed with here.`,
      {
        hint: 'Use the model as published in float16, bfloat16 or float32.',
        details: { file, field: `${name}.dtype`, got: kind(dtype), expected: [...BITS.keys()].join(', ') },
      },
    )
  }
  return { name, dtype, shape, file, begin: dataBegin + begin, end: dataBegin + end }
}

function isReadable(dtype: JsonValue | undefined): dtype is DType {
  return typeof dtype === 'string' && BITS.has(dtype)
}

/** Bits of a tensor; refuses products beyond 2⁵³ and bits that fill no whole bytes (4-bit types). */
function bitCount(shape: readonly number[], bits: number, file: string, name: string): number {
  let total = bits
  for (const size of shape) {
    // A zero anywhere makes the tensor empty, but the reference reader multiplies in order and still refuses an overflow before it.
    total *= size
    if (!Number.isSafeInteger(total)) {
      throw badFile(file, `${name}.shape`, `[${shape.join(', ')}]`, 'a tensor of at most 2^53 bits')
    }
  }
  if (total % 8 !== 0)
    throw badFile(file, `${name}.shape`, `${total} bits of data`, 'a whole number of bytes')
  return total
}

/** Checks that sorted tensors cover the data without overlap or hole; returns where the last ends. */
function checkLayout(tensors: readonly TensorInfo[], file: string, dataBegin: number): number {
  let at = dataBegin
  for (const { name, begin, end } of tensors) {
    if (begin !== at) {
      const got = begin < at ? `an overlap of ${at - begin} bytes` : `a hole of ${begin - at} bytes`
      throw badFile(
        file,
        `${name}.data_offsets`,
        got,
        `a begin of ${at - dataBegin}, where the tensor before ends`,
      )
    }
    at = end
  }
  return at
}
