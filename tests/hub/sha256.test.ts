import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { Sha256 } from '../../src/sources/kept/sha256.ts'

const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + 7) % 256)

test('SHA-256 of any length, however it is cut, is that of the standard', () => {
  for (const length of [0, 1, 3, 55, 56, 63, 64, 65, 119, 120, 127, 128, 1000, 100_003]) {
    const bytes = bytesOf(length)
    const expected = createHash('sha256').update(bytes).digest('hex')
    for (const piece of [1, 17, 64, 1000, length + 1]) {
      const hash = new Sha256()
      for (let at = 0; at < length; at += piece) hash.update(bytes.subarray(at, at + piece))
      expect(hash.digest(), `${length} bytes by ${piece}`).toBe(expected)
    }
  }
})
