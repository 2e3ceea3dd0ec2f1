import type { PreTrainedTokenizer } from '@xenova/transformers'
import { readCharsmap } from './charsmap.ts'
import type { PipelinePart } from './parts.ts'
import type { TokenizerFile } from './tokenizerFile.ts'

/** What the library calls of a normalizer. */
interface LibraryNormalizer {
  normalize?: (text: string) => string
  normalizers?: (LibraryNormalizer | null)[]
}

/** The library takes every `Precompiled` map for NFKC, and prepends to no text at all; here both do what they say. */
export function mendNormalizers(
  part: PipelinePart,
  normalizer: LibraryNormalizer | null,
  field = 'normalizer',
): void {
  if (part === null || normalizer === null) return
  if (part.type === 'Sequence') {
    const parts = part['normalizers'] as PipelinePart[]
    parts.forEach((one, i) =>
      mendNormalizers(one, normalizer.normalizers?.[i] ?? null, `${field}.normalizers[${i}]`),
    )
  } else if (part.type === 'Prepend') {
    const start = String(part['prepend'])
    normalizer.normalize = (text) => (text === '' ? '' : start + text)
  } else if (part.type === 'Precompiled') {
    const map = part['precompiled_charsmap']
    normalizer.normalize = readCharsmap(typeof map === 'string' ? map : '', `${field}.precompiled_charsmap`)
  }
}

const byteToken = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`

/** A Unigram vocabulary with byte tokens spells what it does not know in them; the library knows that only of BPE. */
export function mendByteFallback(file: TokenizerFile, { _tokenizer: { model } }: PreTrainedTokenizer): void {
  if (file.model.type !== 'Unigram' || file.model['byte_fallback'] !== true || model === null) return
  const words = model.tokens_to_ids
  const encode = model.encode.bind(model)
  const encoder = new TextEncoder()
  const pieces = (token: string): string[] => {
    if (words.has(token)) return [token]
    const bytes = Array.from(encoder.encode(token), byteToken)
    return bytes.every((byte) => words.has(byte)) ? bytes : [token]
  }
  model.encode = (tokens) => encode(tokens).flatMap(pieces)
}

/** WordLevel, which the library has not: a word is one token, or the unknown one. */
export function mendWordLevel(file: TokenizerFile, { _tokenizer: { model } }: PreTrainedTokenizer): void {
  if (file.model.type !== 'WordLevel' || model === null) return
  const unknown = String(file.model['unk_token'])
  for (const [word, id] of Object.entries(file.model['vocab'] as Record<string, number>)) {
    model.tokens_to_ids.set(word, id)
    model.vocab[id] ??= word
  }
  model.encode = (words) => words.map((word) => (model.tokens_to_ids.has(word) ? word : unknown))
}
