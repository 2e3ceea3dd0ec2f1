import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { f16ToF32, f32ToBf16, bf16ToF32, f32ToF16, decodeFloats } from '../../src/formats/floats.ts'
import { packMatrix, unpackMatrix } from './pack.ts'
import { randomSource } from '../random.ts'

interface Fixture {
  rows: number
  cols: number
  data: string
  q8_0: { blocks: string; values: string }
  q4_0: { blocks: string; values: string }
  halves: { singles: string; bits: string }
}

const fixture = JSON.parse(readFileSync(new URL('gguf_quants.json', import.meta.url), 'utf8')) as Fixture
const decode = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text, 'base64'))
const floats = (text: string): Float32Array => new Float32Array(decode(text).buffer)
const data = floats(fixture.data)

/** ggml's interleaved blocks (scale, then integers) as the two planes. */
function planes(blocks: Uint8Array, integers: number): { quants: Uint8Array; scales: Uint16Array } {
  const count = blocks.length / (integers + 2)
  const quants = new Uint8Array(count * integers)
  const scales = new Uint16Array(count)
  for (let b = 0; b < count; b++) {
    const at = b * (integers + 2)
    scales[b] = (blocks[at] ?? 0) | ((blocks[at + 1] ?? 0) << 8)
    quants.set(blocks.subarray(at + 2, at + 2 + integers), b * integers)
  }
  return { quants, scales }
}

describe.each([
  { format: 'q8_0', integers: 32 },
  { format: 'q4_0', integers: 16 },
] as const)('$format', ({ format, integers }) => {
  const { rows, cols } = fixture
  const packed = packMatrix(format, rows, cols, data)
  const expected = planes(decode(fixture[format].blocks), integers)

  test('packs the same integers and scales as the gguf package', () => {
    const scales = [...new Uint16Array(packed.scales.buffer)].slice(0, expected.scales.length)
    const quants = new Uint8Array(packed.quants.buffer)
    expect(scales).toEqual([...expected.scales])
    for (let i = 0; i < quants.length; i++) expect(`${i}: ${quants[i]}`).toBe(`${i}: ${expected.quants[i]}`)
  })

  test('unpacks to the same values as the gguf package', () => {
    expect([...unpackMatrix(format, rows, cols, packed)]).toEqual([...floats(fixture[format].values)])
  })

  test('rows packed two at a time equal all rows at once', () => {
    const parts = []
    for (let row = 0; row < rows; row += 2) {
      const count = Math.min(2, rows - row)
      parts.push(packMatrix(format, count, cols, data.subarray(row * cols, (row + count) * cols)))
    }
    expect(parts.flatMap(({ quants }) => [...quants])).toEqual([...packed.quants])
    expect(parts.flatMap(({ scales }) => [...scales])).toEqual([...packed.scales])
  })

  test.each([NaN, Infinity, -Infinity, 3e38])(
    'a block holding %s unpacks to NaN alone, its neighbours unharmed',
    (bad) => {
      const poisoned = Float32Array.from(data.subarray(0, 64))
      poisoned[5] = bad
      const values = unpackMatrix(format, 1, 64, packMatrix(format, 1, 64, poisoned))
      expect([...values.subarray(0, 32)].every(Number.isNaN)).toBe(true)
      expect([...values.subarray(32)].every(Number.isFinite)).toBe(true)
    },
  )

  test('a width that is no multiple of 32 is a bug', () => {
    expect(() => packMatrix(format, 1, 48, new Float32Array(48))).toThrow('whole blocks')
  })
})

describe('plain formats', () => {
  test.each([
    { format: 'f32', cols: 5, words: 8 },
    { format: 'f32', cols: 8, words: 8 },
    { format: 'f16', cols: 5, words: 4 },
    { format: 'f16', cols: 12, words: 8 },
  ] as const)('$format rows of $cols take $words words, zero-padded', ({ format, cols, words }) => {
    const values = randomSource(1)
      .normal(3 * cols)
      .map((x) => f16ToF32(f32ToF16(x)))
    const packed = packMatrix(format, 3, cols, values)
    expect(packed.quants.length).toBe(3 * words)
    expect(packed.scales.length).toBe(0)
    expect([...unpackMatrix(format, 3, cols, packed)]).toEqual([...values])
    const used = format === 'f32' ? cols : Math.ceil(cols / 2)
    for (let row = 0; row < 3; row++) {
      expect(
        [...packed.quants.subarray(row * words + used, (row + 1) * words)].every((word) => word === 0),
      ).toBe(true)
    }
  })
})

describe('f16', () => {
  test('rounds as numpy does: random, ties, subnormals, overflow', () => {
    const singles = floats(fixture.halves.singles)
    const bits = new Uint16Array(decode(fixture.halves.bits).buffer)
    for (let i = 0; i < singles.length; i++) {
      expect(`${singles[i]} → ${f32ToF16(singles[i] ?? 0)}`).toBe(`${singles[i]} → ${bits[i]}`)
    }
  })

  test('all 65,536 halves survive the way to f32 and back', () => {
    const all = Uint16Array.from({ length: 65_536 }, (_, i) => i)
    const wide = decodeFloats('F16', new Uint8Array(all.buffer))
    for (const bits of all) {
      const value = f16ToF32(bits)
      const isNaNBits = (bits & 0x7fff) > 0x7c00
      const back = f32ToF16(value)
      if (Object.is(wide[bits], value) && (isNaNBits ? (back & 0x7fff) > 0x7c00 : back === bits)) continue
      expect.fail(`half ${bits}: ${value}, in an array ${wide[bits]}, back ${back}`)
    }
  })
})

describe('bf16', () => {
  test('all 65,536 values survive the way to f32 and back', () => {
    const all = Uint16Array.from({ length: 65_536 }, (_, i) => i)
    const wide = decodeFloats('BF16', new Uint8Array(all.buffer))
    for (const bits of all) {
      const value = bf16ToF32(bits)
      const ok = Number.isNaN(value) ? Number.isNaN(bf16ToF32(f32ToBf16(value))) : f32ToBf16(value) === bits
      if (ok && Object.is(wide[bits], value)) continue
      expect.fail(`bf16 ${bits}: ${value}, back ${f32ToBf16(value)}`)
    }
  })

  test.each([
    { value: 1 + 2 ** -8, bits: 0x3f80, why: 'a tie goes to even, down' },
    { value: 1 + 3 * 2 ** -8, bits: 0x3f82, why: 'a tie goes to even, up' },
    { value: 1 + 2 ** -8 + 2 ** -20, bits: 0x3f81, why: 'above the tie' },
    { value: 3.4e38, bits: 0x7f80, why: 'overflow' },
  ])('$why', ({ value, bits }) => {
    expect(f32ToBf16(value)).toBe(bits)
  })
})

test('checkpoint bytes decode at any alignment', () => {
  const bytes = new Uint8Array(9)
  new DataView(bytes.buffer).setFloat64(1, -2.5, true)
  expect([...decodeFloats('F64', bytes.subarray(1))]).toEqual([-2.5])
  new DataView(bytes.buffer).setFloat32(1, 0.1, true)
  expect([...decodeFloats('F32', bytes.subarray(1, 5))]).toEqual([Math.fround(0.1)])
})
