import { invariant } from '../errors.ts'
import { statsOf } from '../maths/stats.ts'
import type { TensorData, TensorStats } from '../api/model.ts'
import { MAGIC, PRELUDE, VERSION, type Coding } from './layout.ts'
import { crc32, deflate, toPlanes } from './pack.ts'
import type { TraceContent } from './types.ts'

interface PackedTensor {
  bytes: Uint8Array
  entry: {
    step: string
    shape: readonly number[]
    coding: Coding
    bytes: number
    crc: number
    stats: TensorStats
  }
}

async function packTensor(step: string, { shape, data }: TensorData): Promise<PackedTensor> {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const packed = await deflate(toPlanes(raw))
  const [coding, bytes] = packed.length < raw.length ? (['planes', packed] as const) : (['raw', raw] as const)
  const stats = await statsOf(async function* () {
    yield await Promise.resolve(data)
  })
  return { bytes, entry: { step, shape, coding, bytes: bytes.length, crc: crc32(bytes), stats } }
}

/** JSON knows no NaN and no infinities: they are written as words. */
function spellNumber(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}

/** A run as the bytes of a trace file; see layout.ts. */
export async function writeTrace({ tensors, adapters, ...content }: TraceContent): Promise<Uint8Array> {
  const packed: PackedTensor[] = []
  for (const [step, tensor] of tensors) packed.push(await packTensor(step, tensor))
  // Files name the adapters so since their first version.
  const header = { ...content, mix: adapters, tensors: packed.map(({ entry }) => entry) }
  const plain = new TextEncoder().encode(JSON.stringify(header, spellNumber))
  const stored = await deflate(plain)
  const size = packed.reduce((sum, { bytes }) => sum + bytes.length, PRELUDE + stored.length)
  const file = new Uint8Array(size)
  const view = new DataView(file.buffer)
  file.set(MAGIC)
  const words = [VERSION, stored.length, plain.length, crc32(stored)]
  words.forEach((word, index) => view.setUint32(MAGIC.length + index * 4, word, true))
  file.set(stored, PRELUDE)
  let at = PRELUDE + stored.length
  for (const { bytes } of packed) {
    file.set(bytes, at)
    at += bytes.length
  }
  invariant(at === size, 'a trace file is as long as its parts')
  return file
}
