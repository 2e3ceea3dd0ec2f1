import type { ByteTable } from './tokenBytes.ts'

/** Turns ids into text one by one; the pieces joined are the text of the whole. */
export interface Detokenizer {
  /** The text that became certain: whole code points, never a U+FFFD that a later id could still avert. */
  push(id: number): string
  /** What is left at the end: U+FFFD for bytes that never became a character. */
  flush(): string
}

const SPACE = 0x20
/** Ids of context that decide how the next one is joined. */
const CONTEXT = 4

/** @param atStart whether the text begins here, so that the tokenizer's own leading space goes */
export function byteDetokenizer(table: ByteTable, atStart: boolean): Detokenizer {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let strip = table.stripStart && atStart
  return {
    push(id) {
      let bytes = table.bytes(id)
      if (strip && bytes.length > 0) {
        if (bytes[0] === SPACE) bytes = bytes.subarray(1)
        strip = false
      }
      return decoder.decode(bytes, { stream: true })
    },
    flush: () => decoder.decode(),
  }
}

/**
 * For decoders that look at neighbours: the text of the ids so far, less the text of those already shown.
 * @param decode text of a run of ids
 * @param after ids that come before the first one
 */
export function textDetokenizer(
  decode: (ids: readonly number[]) => string,
  after: readonly number[],
): Detokenizer {
  let shown = after.slice(-CONTEXT)
  let pending: number[] = []
  const takeText = (): string => {
    const text = decode([...shown, ...pending]).slice(decode(shown).length)
    if (pending.length > 0) shown = [...shown, ...pending].slice(-CONTEXT)
    pending = []
    return text
  }
  return {
    push(id) {
      pending.push(id)
      return decode([...shown, ...pending]).endsWith('�') ? '' : takeText()
    },
    flush: takeText,
  }
}
