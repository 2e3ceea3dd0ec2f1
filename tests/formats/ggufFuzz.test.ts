import { expect, test } from 'vitest'
import { TokenscopeError } from '../../src/errors.ts'
import { parseGgufHeader } from '../../src/formats/gguf/header.ts'
import { buildGgufModel } from '../../src/formats/gguf/model.ts'
import { joinHeaders } from '../../src/formats/gguf/split.ts'
import { randomSource, type RandomSource } from '../random.ts'
import { tinyGguf } from './ggufBuild.ts'

const ROUNDS = Number(
  process.env['TOKENSCOPE_FUZZ_ROUNDS'] ?? (process.env['TOKENSCOPE_ALL'] === '1' ? 10_000_000 : 100_000),
)
const NO_FACTORS = { freqs: null, long: null, short: null }

/** Numbers at which lengths, counts and offsets go wrong. */
const EDGES = [
  0n,
  1n,
  2n,
  12n,
  13n,
  31n,
  255n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 40n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
]

/** One to four edits: a byte, a number of 4 or 8 bytes, a range copied from elsewhere, an end cut off. */
function mutate(original: Uint8Array, random: RandomSource): Uint8Array {
  let bytes = original.slice()
  for (let edit = 0; edit <= random.integer(4); edit++) {
    const at = random.integer(bytes.length)
    const kind = random.integer(8)
    const view = new DataView(bytes.buffer)
    const edge = EDGES[random.integer(EDGES.length)] ?? 0n
    if (kind < 3) bytes[at] = random.integer(256)
    else if (kind < 4 && at + 4 <= bytes.length) view.setUint32(at, Number(BigInt.asUintN(32, edge)), true)
    else if (kind < 6 && at + 8 <= bytes.length) view.setBigUint64(at, edge, true)
    else if (kind < 7) bytes.copyWithin(at, random.integer(bytes.length), random.integer(bytes.length))
    else if (random.integer(8) === 0) bytes = bytes.slice(0, Math.max(1, at))
  }
  return bytes
}

test(`${ROUNDS} mutated headers: opened or refused with a typed error`, { timeout: 7_200_000 }, () => {
  const full = tinyGguf()
  const { dataBegin } = parseGgufHeader(full, 'f', full.length)
  const header = full.subarray(0, dataBegin)
  const cut = full.length - header.length
  const random = randomSource(11)
  let opened = 0
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = mutate(header, random)
    try {
      buildGgufModel(joinHeaders([parseGgufHeader(bytes, 'f', bytes.length + cut, true)]), NO_FACTORS)
      opened++
    } catch (error) {
      if (!(error instanceof TokenscopeError)) throw error
    }
  }
  // Both outcomes must occur, or the edits test nothing.
  expect(opened).toBeGreaterThan(ROUNDS / 1000)
  expect(opened).toBeLessThan(ROUNDS)
})
