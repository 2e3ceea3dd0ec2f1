import { TokenscopeError } from '../../errors.ts'
import { badFile, recogniseForeign } from '../badFile.ts'
import { Cursor, NeedMore } from './cursor.ts'
import type { GgufField, GgufMetadata } from './fields.ts'
import { ggmlTypeById, type GgmlTypeName } from './ggmlTypes.ts'
import { readField } from './values.ts'

/** Room for the largest vocabularies with their merges several times over. */
export const MAX_HEADER_BYTES = 128 * 1024 * 1024
const MAX_KEY_BYTES = 65_535
/** ggml keeps names in 64 bytes, one of them zero. */
const MAX_NAME_BYTES = 63
const MAX_DIMENSIONS = 4
const DEFAULT_ALIGNMENT = 32
const MAX_ALIGNMENT = 65_536
/** Bytes of the shortest key with its value, and of the shortest tensor record. */
const LEAST_FIELD = 8 + 1 + 4 + 1
const LEAST_TENSOR = 8 + 4 + 4 + 8

export interface GgufTensor {
  /** As the file spells it. */
  name: string
  type: GgmlTypeName
  /** Row-major, outermost first: the reverse of how the file lists it. [] is a scalar. */
  shape: readonly number[]
  file: string
  /** First byte in the file. */
  offset: number
  bytes: number
}

export interface GgufHeader {
  file: string
  version: number
  fields: GgufMetadata
  /** In the order of their data. */
  tensors: readonly GgufTensor[]
  alignment: number
  /** Where the data begins. */
  dataBegin: number
  /** What the file must measure at least. */
  fileBytes: number
}

/**
 * Everything before the data, checked: known types, whole blocks, sizes that add up, no overlap, nothing past the end.
 *
 * @param bytes The beginning of the file, or all of it.
 * @param size Bytes of the file, null when unknown.
 * @throws `bad-file` for what is malformed, `unsupported` for versions and types that were taken out of the format, and
 * {@link NeedMore} when `bytes` end within the header although the file does not.
 */
export function parseGgufHeader(
  bytes: Uint8Array,
  file: string,
  size: number | null,
  complete = bytes.byteLength === size,
): GgufHeader {
  const limit = Math.min(size ?? MAX_HEADER_BYTES, MAX_HEADER_BYTES)
  const cursor = new Cursor(file, bytes, limit, complete)
  const version = readVersion(cursor, bytes)
  const tensorCount = cursor.count('tensor count', LEAST_TENSOR)
  const fieldCount = cursor.count('metadata count', LEAST_FIELD)
  const fields = readFields(cursor, fieldCount)
  const alignment = readAlignment(fields, file)
  const records: TensorRecord[] = []
  for (let n = 0; n < tensorCount; n++) records.push(readTensor(cursor, n, alignment))
  refuseDuplicates(records, file)
  const dataBegin = Math.ceil(cursor.position / alignment) * alignment
  const tensors = records
    .map(({ offset, ...tensor }) => ({ ...tensor, offset: dataBegin + offset }))
    .sort((a, b) => a.offset - b.offset || a.bytes - b.bytes)
  const fileBytes = checkLayout(tensors, file, tensorCount === 0 ? cursor.position : dataBegin, size)
  return { file, version, fields, tensors, alignment, dataBegin, fileBytes }
}

/** The fields that are whole in the beginning of a file; those of a header that ends later are left out. Throws as {@link parseGgufHeader}. */
export function parseLeadingFields(bytes: Uint8Array, file: string, size: number | null): GgufMetadata {
  const cursor = new Cursor(file, bytes, Math.min(size ?? MAX_HEADER_BYTES, MAX_HEADER_BYTES), false)
  readVersion(cursor, bytes)
  cursor.count('tensor count', LEAST_TENSOR)
  const fields = new Map<string, GgufField>()
  try {
    readFields(cursor, cursor.count('metadata count', LEAST_FIELD), fields)
  } catch (cause) {
    if (!(cause instanceof NeedMore)) throw cause
  }
  return fields
}

function readVersion(cursor: Cursor, bytes: Uint8Array): number {
  const { file } = cursor
  if (bytes.byteLength === 0) throw badFile(file, 'file', 'empty', 'a GGUF file')
  const magic = String.fromCharCode(...bytes.subarray(0, 4))
  if (magic === 'FUGG') throw bigEndian(file)
  if (magic !== 'GGUF') {
    const foreign = recogniseForeign(bytes)
    if (foreign) throw badFile(file, 'file', foreign.what, 'a GGUF file', foreign.hint)
    throw badFile(file, 'magic', JSON.stringify(magic), '"GGUF"')
  }
  cursor.skip(4, 'magic')
  const version = cursor.u32('version')
  if (version === 2 || version === 3) return version
  if ((version & 0xffff) === 0 && version !== 0) throw bigEndian(file)
  if (version === 1) {
    throw new TokenscopeError('unsupported', `${file} is GGUF version 1, expected 2 or 3.`, {
      hint: 'Files of 2023 are no longer read; fetch the model again in a newer version.',
      details: { file, field: 'version', got: 1, expected: [2, 3] },
    })
  }
  throw badFile(file, 'version', String(version), '2 or 3')
}

function bigEndian(file: string): TokenscopeError {
  return new TokenscopeError('unsupported', `${file} is a big-endian GGUF file, expected little-endian.`, {
    hint: 'It was made for another kind of computer; fetch the usual one.',
    details: { file, field: 'version', got: 'big-endian', expected: 'little-endian' },
  })
}

function readFields(cursor: Cursor, count: number, fields = new Map<string, GgufField>()): GgufMetadata {
  for (let n = 0; n < count; n++) {
    const key = cursor.string(`key ${n}`)
    if (key === '' || key.length > MAX_KEY_BYTES)
      throw badFile(
        cursor.file,
        `key ${n}`,
        key === '' ? 'empty' : `${key.length} characters`,
        `1 to ${MAX_KEY_BYTES} characters`,
      )
    if (fields.has(key)) throw badFile(cursor.file, quoted(key), 'there twice', 'once')
    fields.set(key, readField(cursor, quoted(key)))
  }
  return fields
}

/** A name from the file as a message shows it. */
function quoted(name: string): string {
  return /^[\w.-]{1,80}$/.test(name) ? name : JSON.stringify(name.slice(0, 80))
}

function readAlignment(fields: GgufMetadata, file: string): number {
  const key = 'general.alignment'
  const field = fields.get(key)
  if (field === undefined) return DEFAULT_ALIGNMENT
  const { type, value } = field
  const power =
    typeof value === 'number' && value >= 8 && value <= MAX_ALIGNMENT && (value & (value - 1)) === 0
  if (type !== 'uint32' || !power) {
    const got = type === 'uint32' ? String(value) : `of type ${type}`
    throw badFile(file, key, got, `a uint32, a power of two from 8 to ${MAX_ALIGNMENT}`)
  }
  return value
}

/** A tensor whose offset still counts from the beginning of the data. */
type TensorRecord = GgufTensor

function readTensor(cursor: Cursor, n: number, alignment: number): TensorRecord {
  const { file } = cursor
  const name = cursor.string(`name of tensor ${n}`)
  if (
    name.length > MAX_NAME_BYTES ||
    new TextEncoder().encode(name).byteLength > MAX_NAME_BYTES ||
    name === ''
  )
    throw badFile(file, `name of tensor ${n}`, quoted(name), `1 to ${MAX_NAME_BYTES} bytes`)
  const at = quoted(name)
  const dimensions = cursor.u32(`${at}: dimensions`)
  if (dimensions > MAX_DIMENSIONS)
    throw badFile(file, `${at}: dimensions`, String(dimensions), `0 to ${MAX_DIMENSIONS}`)
  const sizes: number[] = []
  for (let axis = 0; axis < dimensions; axis++) {
    const size = cursor.u64(`${at}: dimension ${axis}`)
    if (size > BigInt(Number.MAX_SAFE_INTEGER))
      throw badFile(
        file,
        `${at}: dimension ${axis}`,
        String(BigInt.asIntN(64, size)),
        'a whole number from 0 to 2^53 − 1',
      )
    sizes.push(Number(size))
  }
  const id = cursor.u32(`${at}: type`)
  const { name: type, bytes } = sizeOf(id, sizes, file, at)
  const offset = cursor.u64(`${at}: offset`)
  if (offset > BigInt(Number.MAX_SAFE_INTEGER) || offset % BigInt(alignment) !== 0n)
    throw badFile(file, `${at}: offset`, String(offset), `a multiple of the alignment, ${alignment}`)
  return { name, type, shape: sizes.toReversed(), file, offset: Number(offset), bytes }
}

/** Bytes of a tensor; refuses unknown types, rows that are no whole blocks, products beyond 2⁵³. */
function sizeOf(
  id: number,
  sizes: readonly number[],
  file: string,
  at: string,
): { name: GgmlTypeName; bytes: number } {
  const type = ggmlTypeById(id)
  if (!type) throw badFile(file, `${at}: type`, String(id), 'a type of ggml')
  const { name, blockElements, blockBytes } = type
  if (blockBytes === null) {
    throw new TokenscopeError(
      'unsupported',
      `${file}: ${at} is of type ${name}, which was taken out of the format.`,
      {
        hint: 'Fetch the model in a current type, such as Q4_K_M or Q8_0.',
        details: { file, field: `${at}: type`, got: name, expected: 'a current type' },
      },
    )
  }
  const row = sizes[0] ?? 1
  if (row % blockElements !== 0)
    throw badFile(
      file,
      `${at}: row`,
      `${row} weights`,
      `whole blocks of ${blockElements}, as ${name} has them`,
    )
  let elements = 1
  for (const size of sizes) {
    elements *= size
    if (!Number.isSafeInteger(elements))
      throw badFile(file, `${at}: shape`, `[${sizes.join(', ')}]`, 'at most 2^53 weights')
  }
  const bytes = (elements / blockElements) * blockBytes
  if (!Number.isSafeInteger(bytes)) throw badFile(file, `${at}: size`, `${bytes} bytes`, 'at most 2^53')
  return { name, bytes }
}

function refuseDuplicates(tensors: readonly TensorRecord[], file: string): void {
  const seen = new Set<string>()
  for (const { name } of tensors) {
    if (seen.has(name)) throw badFile(file, quoted(name), 'there twice', 'once')
    seen.add(name)
  }
}

/** Checks that sorted tensors do not overlap and end within the file; returns where the last one ends. */
function checkLayout(
  tensors: readonly GgufTensor[],
  file: string,
  dataBegin: number,
  size: number | null,
): number {
  let end = dataBegin
  for (const { name, offset, bytes } of tensors) {
    if (offset < end)
      throw badFile(
        file,
        `${quoted(name)}: offset`,
        `${end - offset} bytes into the tensor before`,
        `${end} or more`,
      )
    end = offset + bytes
    if (!Number.isSafeInteger(end))
      throw badFile(file, `${quoted(name)}: offset`, String(offset), 'an end below 2^53')
    if (size !== null && end > size)
      throw badFile(
        file,
        'size',
        `${size} bytes`,
        `at least ${end}, where ${quoted(name)} ends`,
        'The download was cut off; fetch the file again.',
      )
  }
  return end
}
