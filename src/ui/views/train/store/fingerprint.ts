import type { EncodedExample } from './encodeRecords.ts'

const OFFSET = 0x811c_9dc5
const PRIME = 0x0100_0193

/** FNV-1a (Fowler, Noll and Vo) over ids and masks: examples that are the same come to the same text. */
export function fingerprintOf(examples: readonly EncodedExample[]): string {
  let hash = OFFSET
  const add = (value: number): void => {
    hash = Math.imul(hash ^ value, PRIME) >>> 0
  }
  for (const { ids, mask, rejected } of examples) {
    for (const part of [{ ids, mask }, ...(rejected ? [rejected] : [])]) {
      add(part.ids.length)
      for (const [at, id] of part.ids.entries()) {
        add(id)
        add(part.mask[at] ?? 0)
      }
    }
  }
  return `${examples.length}:${hash.toString(16)}`
}
