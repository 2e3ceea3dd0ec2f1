import { badFile } from '../badFile.ts'
import type { Cursor } from './cursor.ts'
import { VALUE_TYPES, type GgufField, type GgufNumbers, type GgufNumberType } from './fields.ts'

export interface NumberFormat {
  bytes: 1 | 2 | 4 | 8
  read(view: DataView): number | bigint
  write(view: DataView, value: number | bigint): void
  /** The list whose little-endian bytes these are. */
  list(bytes: ArrayBuffer): GgufNumbers
}

/** How each numeric type lies in a file. */
export const NUMBERS: Readonly<Record<GgufNumberType, NumberFormat>> = {
  uint8: {
    bytes: 1,
    read: (view) => view.getUint8(0),
    write: (view, value) => view.setUint8(0, Number(value)),
    list: (bytes) => new Uint8Array(bytes),
  },
  int8: {
    bytes: 1,
    read: (view) => view.getInt8(0),
    write: (view, value) => view.setInt8(0, Number(value)),
    list: (bytes) => new Int8Array(bytes),
  },
  uint16: {
    bytes: 2,
    read: (view) => view.getUint16(0, true),
    write: (view, value) => view.setUint16(0, Number(value), true),
    list: (bytes) => new Uint16Array(bytes),
  },
  int16: {
    bytes: 2,
    read: (view) => view.getInt16(0, true),
    write: (view, value) => view.setInt16(0, Number(value), true),
    list: (bytes) => new Int16Array(bytes),
  },
  uint32: {
    bytes: 4,
    read: (view) => view.getUint32(0, true),
    write: (view, value) => view.setUint32(0, Number(value), true),
    list: (bytes) => new Uint32Array(bytes),
  },
  int32: {
    bytes: 4,
    read: (view) => view.getInt32(0, true),
    write: (view, value) => view.setInt32(0, Number(value), true),
    list: (bytes) => new Int32Array(bytes),
  },
  float32: {
    bytes: 4,
    read: (view) => view.getFloat32(0, true),
    write: (view, value) => view.setFloat32(0, Number(value), true),
    list: (bytes) => new Float32Array(bytes),
  },
  float64: {
    bytes: 8,
    read: (view) => view.getFloat64(0, true),
    write: (view, value) => view.setFloat64(0, Number(value), true),
    list: (bytes) => new Float64Array(bytes),
  },
  uint64: {
    bytes: 8,
    read: (view) => plain(view.getBigUint64(0, true)),
    write: (view, value) => view.setBigUint64(0, BigInt(value), true),
    list: (bytes) => new BigUint64Array(bytes),
  },
  int64: {
    bytes: 8,
    read: (view) => plain(view.getBigInt64(0, true)),
    write: (view, value) => view.setBigInt64(0, BigInt(value), true),
    list: (bytes) => new BigInt64Array(bytes),
  },
}

/** Up to ±(2⁵³ − 1) a number, beyond it the bigint itself. */
function plain(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** One value with its type before it. */
export function readField(cursor: Cursor, key: string): GgufField {
  const type = readType(cursor, `${key}: type`)
  if (type === 'array') return readArray(cursor, key)
  if (type === 'string') return { type, value: cursor.string(key) }
  if (type === 'bool') return { type, value: readFlag(cursor, key) }
  return { type, value: NUMBERS[type].read(cursor.view(NUMBERS[type].bytes, key)) }
}

function readType(cursor: Cursor, field: string): (typeof VALUE_TYPES)[number] {
  const id = cursor.u32(field)
  const type = VALUE_TYPES[id]
  if (type === undefined) throw badFile(cursor.file, field, String(id), `0 to ${VALUE_TYPES.length - 1}`)
  return type
}

function readFlag(cursor: Cursor, key: string): boolean {
  const byte = cursor.view(1, key).getUint8(0)
  if (byte > 1) throw badFile(cursor.file, key, `byte ${byte}`, '0 or 1')
  return byte === 1
}

function readArray(cursor: Cursor, key: string): GgufField {
  const type = 'array'
  const of = readType(cursor, `${key}: type of its entries`)
  if (of === 'array') throw badFile(cursor.file, key, 'a list of lists', 'a list of plain values')
  if (of === 'string') {
    const value: string[] = []
    const count = cursor.count(`${key}: length`, 8)
    for (let n = 0; n < count; n++) value.push(cursor.string(`${key}[${n}]`))
    return { type, of, value }
  }
  const bytesEach = of === 'bool' ? 1 : NUMBERS[of].bytes
  const count = cursor.count(`${key}: length`, bytesEach)
  const { buffer, byteOffset, byteLength } = cursor.view(count * bytesEach, key)
  const bytes = new Uint8Array(buffer, byteOffset, byteLength)
  if (of !== 'bool') {
    const copy = new ArrayBuffer(byteLength)
    new Uint8Array(copy).set(bytes)
    return { type, of, value: NUMBERS[of].list(copy) }
  }
  const odd = bytes.find((byte) => byte > 1)
  if (odd !== undefined) throw badFile(cursor.file, key, `holding byte ${odd}`, 'entries of 0 or 1')
  return { type, of, value: Array.from(bytes, (byte) => byte === 1) }
}
