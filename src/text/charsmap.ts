import { refuse } from './parts.ts'

/** Bits of a unit of the double-array trie, as darts-clone lays them out. */
const HAS_LEAF = 1 << 8
const WIDE_OFFSET = 1 << 9
const VALUE = 0x7fffffff
const LABEL = 0x800000ff

/** Graphemes of more bytes than this are taken character by character. */
const MAX_GRAPHEME = 6

function offset(unit: number): number {
  return (unit >>> 10) << ((unit & WIDE_OFFSET) >>> 6)
}

function decodeBase64(text: string, field: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return refuse(field, text, 'base64')
  }
}

/**
 * Reads a `Precompiled` map of SentencePiece: the size of a trie in bytes, the trie of spellings, then their
 * replacements, each ended by a zero byte.
 * Throws `bad-file`.
 * @returns the normalisation the map stands for
 */
export function readCharsmap(base64: string, field: string): (text: string) => string {
  if (base64 === '') return (text) => text
  const bytes = decodeBase64(base64, field)
  const view = new DataView(bytes.buffer)
  const size = bytes.length < 4 ? -1 : view.getUint32(0, true)
  if (size < 4 || size % 4 !== 0 || 4 + size > bytes.length) {
    return refuse(field, `${bytes.length} bytes`, 'a trie and its replacements')
  }
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true))
  const replacements = bytes.subarray(4 + size)
  const encoder = new TextEncoder()
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

  /** The replacement of the shortest spelling that begins the piece; null without one. */
  const replacement = (piece: Uint8Array): string | null => {
    let at = offset(units[0] ?? 0)
    for (const byte of piece) {
      if (byte === 0) return null
      at ^= byte
      const unit = units[at] ?? 0
      if ((unit & LABEL) >>> 0 !== byte) return null
      at ^= offset(unit)
      if ((unit & HAS_LEAF) === 0) continue
      const start = (units[at] ?? 0) & VALUE
      const end = replacements.indexOf(0, start)
      return decoder.decode(replacements.subarray(start, end < 0 ? undefined : end))
    }
    return null
  }
  const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
  const cache = new Map<string, string>()
  const normalized = (grapheme: string): string => {
    const bytes = encoder.encode(grapheme)
    const replaced = bytes.length < MAX_GRAPHEME ? replacement(bytes) : null
    if (replaced !== null) return replaced
    return Array.from(grapheme, (character) => replacement(encoder.encode(character)) ?? character).join('')
  }
  return (text) => {
    let result = ''
    for (const { segment } of segmenter.segment(text)) {
      let done = cache.get(segment)
      if (done === undefined) cache.set(segment, (done = normalized(segment)))
      result += done
    }
    return result
  }
}
