import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { dequantise, READABLE_TYPES } from '../../src/formats/gguf/dequantise.ts'
import { GGML_TYPES, ggmlType, type GgmlTypeName } from '../../src/formats/gguf/ggmlTypes.ts'

interface Fixture {
  blocks: number
  strides: number[]
  types: {
    type: GgmlTypeName
    id: number
    blockBytes: number
    scales: number[]
    blocks: number[]
    values: string
    sha256: string
  }[]
}

const FILE = join(import.meta.dirname, '../fixtures/gguf/dequantise.json')
const fixture = JSON.parse(readFileSync(FILE, 'utf8')) as Fixture

/** The finaliser of MurmurHash3, as in the script that wrote the fixture. */
function mix(word: number): number {
  let w = word >>> 0
  w = Math.imul(w ^ (w >>> 16), 0x85ebca6b)
  w = Math.imul(w ^ (w >>> 13), 0xc2b2ae35)
  return (w ^ (w >>> 16)) >>> 0
}

function blocksOf({ id, blockBytes, scales }: Fixture['types'][number]): Uint8Array {
  const count = Math.ceil((fixture.blocks * blockBytes) / 4)
  const seed = Math.imul(id, 0x9e3779b9)
  const words = Uint32Array.from({ length: count }, (_, i) => mix(i + seed))
  const view = new DataView(words.buffer)
  for (let block = 0; block < fixture.blocks; block++) {
    for (const [s, at] of scales.entries()) {
      view.setUint16(block * blockBytes + at, Math.imul(block, fixture.strides[s] ?? 0) & 0xffff, true)
    }
  }
  return new Uint8Array(words.buffer, 0, fixture.blocks * blockBytes)
}

/** Bits of values, every NaN the same. */
function bitsOf(values: Float32Array): Uint32Array {
  const bits = new Uint32Array(values.buffer.slice(0), values.byteOffset, values.length)
  for (let n = 0; n < values.length; n++) if (Number.isNaN(values[n])) bits[n] = 0x7fc00000
  return bits
}

test.each(fixture.types)(
  '$type: every pattern of its scales gives the reference values, bit for bit',
  (record) => {
    const { type, blockBytes, blocks, values, sha256 } = record
    expect(ggmlType(type)).toMatchObject({ id: record.id, blockBytes })
    const bytes = blocksOf(record)
    const expected = new Uint32Array(new Uint8Array(Buffer.from(values, 'base64')).buffer)
    const shown = blocks.map((n) =>
      bitsOf(dequantise(type, bytes.subarray(n * blockBytes, (n + 1) * blockBytes))),
    )
    expect(shown.flatMap((bits) => [...bits])).toEqual([...expected])
    const all = bitsOf(dequantise(type, bytes))
    expect(createHash('sha256').update(new Uint8Array(all.buffer)).digest('hex')).toBe(sha256)
  },
)

test('every type that is read is in the fixture, but F64', () => {
  expect([...READABLE_TYPES].sort()).toEqual(['F64', ...fixture.types.map(({ type }) => type)].sort())
})

test('a type known by name alone is refused by it', () => {
  for (const { name } of GGML_TYPES.filter((type) => !READABLE_TYPES.includes(type.name))) {
    expect(() => dequantise(name, new Uint8Array())).toThrow(expect.objectContaining({ code: 'unsupported' }))
  }
})
