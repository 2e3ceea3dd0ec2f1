import type { ByteTable } from './tokenBytes.ts'

/** Ids before the one in question: enough for any character and for joiners between words. */
export const SPELL_WINDOW = 6
const SPACE = 0x20
const LONGEST = 4

const name = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`

/** Bytes that a character beginning with this one has; 0 for a byte that begins none. */
function lengthFrom(lead: number): number {
  if (lead < 0x80) return 1
  return lead >= 0xf0 && lead < 0xf8 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0
}

/** Bytes at the end that begin a character and do not complete it. */
function openLength(bytes: Uint8Array): number {
  for (let back = 1; back < LONGEST && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return lengthFrom(byte) > back ? back : 0
  }
  return 0
}

/** Text of bytes; of what is no character, the bytes by name, but for those of tokens before, which no longer become one. */
function spell(bytes: Uint8Array, openBytes: number): string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })
  let text = ''
  for (let at = 0; at < bytes.length;) {
    const length = Math.max(1, lengthFrom(bytes[at] ?? 0))
    try {
      text += decoder.decode(bytes.subarray(at, at + length))
      at += length
    } catch {
      // The first of several bytes that stand for nothing is marked, as the stream marks it.
      text += at >= openBytes ? name(bytes[at] ?? 0) : at === 0 ? '\ufffd' : ''
      at += 1
    }
  }
  return text
}

/**
 * Texts of ids that may follow others, as the stream would show them: the first word of a text without the tokenizer's own space, a
 * character that an id completes as itself. Bytes that leave a character open are named, as `<0xEA>`.
 * @param contextIds ids in front, without special ones; only the last few count
 * @param atStart whether a text begins with the id
 */
export function alternativeSpeller(
  table: ByteTable,
  contextIds: readonly number[],
  atStart: boolean,
): (id: number) => string {
  const written = Uint8Array.from(contextIds.slice(-SPELL_WINDOW).flatMap((id) => [...table.bytes(id)]))
  const open = written.subarray(written.length - openLength(written))
  return (id) => {
    const tokenBytes = table.bytes(id)
    const addedBytes =
      table.stripStart && atStart && tokenBytes[0] === SPACE ? tokenBytes.subarray(1) : tokenBytes
    const bytes = Uint8Array.from([...open, ...addedBytes])
    const closed = bytes.length - openLength(bytes)
    const left = bytes.subarray(Math.max(closed, open.length))
    return spell(bytes.subarray(0, closed), open.length) + Array.from(left, name).join('')
  }
}
