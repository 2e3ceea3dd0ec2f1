import { isObject, type JsonRecord, type PipelinePart } from './parts.ts'
import type { ReadTokenizer } from './tokenizerFile.ts'

/** How ids become text when every id stands for fixed bytes: join the bytes, read them as UTF-8. */
export interface ByteTable {
  /** Bytes of one id; empty for an id outside the vocabulary. */
  bytes(id: number): Uint8Array
  /** One leading space of a whole text belongs to the tokenizer, not to the text (SentencePiece). */
  stripStart: boolean
}

interface Rules {
  byteLevel: boolean
  byteFallback: boolean
  replacements: [string, string][]
  stripStart: boolean
}

/** GPT-2's map of bytes to printable characters: printable Latin-1 stands for itself, the rest for U+0100 and up. */
function byteLevelAlphabet(): Map<string, number> {
  const alphabet = new Map<string, number>()
  let next = 0x100
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad)
    alphabet.set(String.fromCodePoint(printable ? byte : next++), byte)
  }
  return alphabet
}

/** Bytes by the characters that byte-level vocabularies write for them. */
export const BYTE_ALPHABET: ReadonlyMap<string, number> = byteLevelAlphabet()
const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/

function leaves(part: PipelinePart): NonNullable<PipelinePart>[] {
  if (part === null) return []
  return part.type === 'Sequence' ? (part['decoders'] as PipelinePart[]).flatMap(leaves) : [part]
}

/** The string a decoder's Replace looks for, or null for a pattern. */
function replaced(part: JsonRecord): string | null {
  const pattern = part['pattern']
  return isObject(pattern) && typeof pattern['String'] === 'string' ? pattern['String'] : null
}

function addRule(rules: Rules, part: NonNullable<PipelinePart>): boolean {
  switch (part.type) {
    case 'ByteLevel':
      rules.byteLevel = true
      return true
    case 'ByteFallback':
      rules.byteFallback = true
      return true
    case 'Fuse':
      return true
    case 'Metaspace': {
      const { replacement } = part
      rules.replacements.push([typeof replacement === 'string' ? replacement : '▁', ' '])
      const fallback = part['add_prefix_space'] === false ? 'never' : 'always'
      rules.stripStart = (part['prepend_scheme'] ?? fallback) !== 'never'
      return true
    }
    case 'Replace': {
      const from = replaced(part)
      // A longer string could span two tokens.
      if (from === null || [...from].length !== 1) return false
      rules.replacements.push([from, String(part['content'])])
      return true
    }
    case 'Strip':
      rules.stripStart = true
      return part['content'] === ' ' && part['start'] === 1 && part['stop'] === 0
    default:
      return false
  }
}

function readRules(decoder: PipelinePart): Rules | null {
  const rules: Rules = { byteLevel: false, byteFallback: false, replacements: [], stripStart: false }
  const parts = leaves(decoder)
  const simple = parts.length > 0 && parts.every((part) => addRule(rules, part))
  return simple ? rules : null
}

function alphabetBytes(token: string): Uint8Array | null {
  const bytes = Array.from(token, (character) => BYTE_ALPHABET.get(character))
  return bytes.includes(undefined) ? null : Uint8Array.from(bytes as number[])
}

/**
 * The bytes each id stands for under the file's decoder, or null when its text depends on its neighbours (WordPiece,
 * end-of-word suffixes, no decoder at all).
 */
export function createByteTable({ file, tokens, added }: ReadTokenizer): ByteTable | null {
  const rules = readRules(file.decoder)
  if (rules === null) return null
  const encoder = new TextEncoder()
  return {
    stripStart: rules.stripStart,
    bytes(id) {
      const token = tokens[id]
      if (token === undefined) return new Uint8Array()
      // Added tokens are spelled as they are, not in the byte alphabet.
      if (rules.byteLevel) return (added.has(id) ? null : alphabetBytes(token)) ?? encoder.encode(token)
      const byte = rules.byteFallback ? BYTE_TOKEN.exec(token)?.[1] : undefined
      if (byte !== undefined) return Uint8Array.of(parseInt(byte, 16))
      return encoder.encode(rules.replacements.reduce((text, [from, to]) => text.replaceAll(from, to), token))
    },
  }
}
