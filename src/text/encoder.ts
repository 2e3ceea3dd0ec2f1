import { PreTrainedTokenizer } from '@xenova/transformers'
import type { EncodeOptions } from '../api/generate.ts'
import { invariant } from '../errors.ts'
import { mendByteFallback, mendNormalizers, mendWordLevel } from './libraryMends.ts'
import type { TokenizerFile } from './tokenizerFile.ts'

export type Encode = (text: string, options: Required<EncodeOptions>) => number[]

/** Tokenizer files without a vocabulary: only the pipeline. */
const NO_WORDS = { type: 'BPE', vocab: {}, merges: [] }
const CONFIG = { clean_up_tokenization_spaces: false }

/** Lone surrogates have no UTF-8; every tokenizer sees them as U+FFFD. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '�')
}

/**
 * The same tokenizer blind to special tokens, so that their spelling is text like any other. The vocabulary is shared,
 * but for Unigram, whose search takes any entry: there the special entries get spellings that no text has.
 */
function withoutSpecial(file: TokenizerFile, full: PreTrainedTokenizer): PreTrainedTokenizer {
  const special = file.added_tokens.filter((token) => token.special)
  const added_tokens = file.added_tokens.filter((token) => !token.special)
  if (file.model.type !== 'Unigram') {
    const plain = new PreTrainedTokenizer({ ...file, added_tokens, model: NO_WORDS }, CONFIG)
    mendNormalizers(file.normalizer, plain._tokenizer.normalizer)
    plain._tokenizer.model = full._tokenizer.model
    return plain
  }
  const ids = new Set(special.map((token) => token.id))
  const entries = file.model['vocab'] as [string, number][]
  // A lone surrogate cannot occur in well-formed text.
  const vocab = entries.map(([token, score], id) => [ids.has(id) ? `\ud800${id}` : token, score])
  const plain = build({ ...file, added_tokens, model: { ...file.model, vocab } })
  for (const { content, id } of special) plain._tokenizer.model?.tokens_to_ids.set(content, id)
  return plain
}

/**
 * The library puts added tokens into the vocabulary, where plain text of one character would find them. They are
 * recognised by spelling before that.
 */
function hideAddedCharacters(file: TokenizerFile, { _tokenizer: { model } }: PreTrainedTokenizer): void {
  const vocab = file.model['vocab'] as object
  for (const { content } of file.added_tokens) {
    if ([...content].length === 1 && !Object.hasOwn(vocab, content)) model?.tokens_to_ids.delete(content)
  }
}

/**
 * A vocabulary without a token for the unknown leaves out characters it has no entry for. The original does so before
 * merging, which lets their neighbours merge; the library would do it after.
 */
function leaveOutUnknown(file: TokenizerFile, { _tokenizer: { model } }: PreTrainedTokenizer): void {
  const { type, unk_token: unknown, byte_fallback: fallback } = file.model
  if (type !== 'BPE' || typeof unknown === 'string' || fallback === true || model === null) return
  const words = model.tokens_to_ids
  const encode = model.encode.bind(model)
  const orUnknown = (token: string): string =>
    words.has(token)
      ? token
      : Array.from(token, (character) => (words.has(character) ? character : '')).join('')
  model.encode = (tokens) => encode(tokens.map(orUnknown))
}

/** The library's tokenizer, running every part as the original does. */
function build(file: TokenizerFile): PreTrainedTokenizer {
  const model = file.model.type === 'WordLevel' ? NO_WORDS : file.model
  const tokenizer = new PreTrainedTokenizer({ ...file, model }, CONFIG)
  mendNormalizers(file.normalizer, tokenizer._tokenizer.normalizer)
  mendByteFallback(file, tokenizer)
  mendWordLevel(file, tokenizer)
  return tokenizer
}

/** The library's tokenizer as the file has it, and blind to special tokens. Throws what the library throws. */
export function buildLibrary(file: TokenizerFile): { full: PreTrainedTokenizer; plain: PreTrainedTokenizer } {
  const full = build(file)
  if (file.model.type !== 'Unigram') hideAddedCharacters(file, full)
  leaveOutUnknown(file, full)
  return { full, plain: withoutSpecial(file, full) }
}

/** Builds the library's tokenizer. Throws what the library throws, e.g. on a pattern that JavaScript cannot run. */
export function createEncoder(file: TokenizerFile): Encode {
  const { full, plain } = buildLibrary(file)
  return (text, { addSpecialTokens, parseSpecial }) => {
    const ids = (parseSpecial ? full : plain).encode(wellFormed(text), {
      add_special_tokens: addSpecialTokens,
    })
    invariant(ids.every(Number.isInteger), 'the tokenizer gave an id outside its vocabulary')
    return ids
  }
}

/** Only the library's decoder: no pattern of the file runs here but the decoder's own. */
export function createDecoder(file: TokenizerFile): (ids: readonly number[]) => string {
  const { model } = file
  const words = model.type === 'BPE' ? { ...model, merges: [] } : model
  const tokenizer = build({
    ...file,
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    model: words,
  })
  return (ids) => (ids.length === 0 ? '' : tokenizer.decode([...ids], { skip_special_tokens: false }))
}

/** Runs one pattern over strings made to trip it up; returns when it has survived them all. For the sandbox only. */
export function probePattern(pattern: string): void {
  const pre_tokenizer = { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false }
  const parts = { added_tokens: [], normalizer: null, pre_tokenizer, post_processor: null, decoder: null }
  const { _tokenizer } = new PreTrainedTokenizer({ ...parts, model: NO_WORDS }, CONFIG)
  const letters = [...new Set([...'aA0 \n.-é가', ...pattern.slice(0, 200)])]
  const pairs = letters.slice(0, 12).flatMap((a) => letters.slice(0, 12).map((b) => a + b))
  for (const unit of [...letters, ...pairs]) {
    for (const end of ['', '\u0001', '!']) _tokenizer.pre_tokenizer?.pre_tokenize(unit.repeat(40) + end)
  }
}
