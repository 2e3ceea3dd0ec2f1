import { expect, test } from 'vitest'
import { TokenscopeError } from '../../src/errors.ts'
import { parseHeaderLength, parseSafetensorsHeader } from '../../src/formats/safetensors.ts'
import { parseShardIndex } from '../../src/formats/safetensorsIndex.ts'
import { randomSource } from '../random.ts'
import { bytesOf, wellFormed } from './build.ts'

const ROUNDS = Number(process.env['TOKENSCOPE_FUZZ_ROUNDS'] ?? 20_000)
const PIECES = [
  '"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\\',
  '\\u12',
  '-',
  '1e999',
  '99999999999999999999',
  'null',
  '"dtype"',
  '"F4"',
  '\u0000',
]

const file = wellFormed({
  'model.a': { dtype: 'F32', shape: [2, 3], bytes: 24 },
  'model.b': { dtype: 'BF16', shape: [4], bytes: 8 },
  'model.c': { dtype: 'I64', shape: [], bytes: 8 },
})
const index = bytesOf(
  '{"metadata":{"total_size":40},"weight_map":{"model.a":"one.safetensors","model.b":"two.safetensors"}}',
)

/** One to four random edits: a byte changed, a piece inserted, a range cut or repeated. */
function mutate(original: Uint8Array, random: ReturnType<typeof randomSource>): Uint8Array {
  let bytes = [...original]
  for (let edit = 0; edit <= random.integer(4); edit++) {
    const at = random.integer(bytes.length + 1)
    const kind = random.integer(4)
    if (kind === 0) bytes[Math.min(at, bytes.length - 1)] = random.integer(256)
    if (kind === 1)
      bytes.splice(at, random.integer(3), ...bytesOf(PIECES[random.integer(PIECES.length)] ?? ''))
    if (kind === 2) bytes.splice(at, random.integer(20))
    if (kind === 3) bytes = [...bytes.slice(0, at), ...bytes.slice(Math.max(0, at - random.integer(30)))]
  }
  return Uint8Array.from(bytes)
}

function openFile(bytes: Uint8Array): void {
  const length = parseHeaderLength(bytes.subarray(0, 8), 'f', bytes.length)
  parseSafetensorsHeader(bytes.subarray(8, 8 + length), 'f', bytes.length)
}

test.each([
  { what: 'safetensors', original: file, open: openFile },
  { what: 'index', original: index, open: (bytes: Uint8Array) => void parseShardIndex(bytes, 'f') },
])(`${ROUNDS} mutated $what files: opened or refused with a typed error`, ({ original, open }) => {
  const random = randomSource(7)
  let opened = 0
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = mutate(original, random)
    try {
      open(bytes)
      opened++
    } catch (error) {
      if (!(error instanceof TokenscopeError)) throw error
    }
  }
  // Both outcomes must occur, or the edits test nothing.
  expect(opened).toBeGreaterThan(ROUNDS / 1000)
  expect(opened).toBeLessThan(ROUNDS)
})
