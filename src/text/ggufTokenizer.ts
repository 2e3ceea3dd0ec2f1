import { TokenscopeError } from '../errors.ts'
import type { GgufFields } from '../formats/gguf/fields.ts'
import { GGUF_PRE_TOKENIZERS, type GgufPreTokenizer } from './ggufPreTokenizers.ts'
import { mergesOf, rankedPairs } from './ggufMerges.ts'

type Json = Record<string, unknown>

/** A tokenizer as its files would have it beside a checkpoint. */
export interface GgufTokenizer {
  /** tokenizer.json */
  tokenizerJson: Json
  /** tokenizer_config.json: special tokens by their roles, and the chat template. */
  tokenizerConfig: Json
  /** generation_config.json: the ids that end a text or a turn. */
  generationConfig: Json
  remarks: readonly string[]
}

/** Kinds of tokens by their number in `tokenizer.ggml.token_type`. */
const NORMAL = 1
const UNKNOWN = 2
const CONTROL = 3
const USER_DEFINED = 4
const BYTE = 6

/** Keys of special ids, and the roles they have in tokenizer_config.json. */
const ROLES = [
  ['bos', 'bos_token'],
  ['eos', 'eos_token'],
  ['unknown', 'unk_token'],
  ['padding', 'pad_token'],
  // Misspelled in the format.
  ['seperator', 'sep_token'],
  ['cls', 'cls_token'],
  ['mask', 'mask_token'],
] as const

/** The token list with what every kind of model needs of it. */
class Vocabulary {
  readonly fields: GgufFields
  readonly tokens: readonly string[]
  readonly remarks: string[] = []
  readonly #types: ArrayLike<number> | null

  constructor(fields: GgufFields, rows: number) {
    this.fields = fields
    const key = 'tokenizer.ggml.tokens'
    const all = fields.strings(key)
    if (all.length === 0) throw fields.fail(key, 'a list of at least one token')
    this.tokens = all.slice(0, rows)
    this.#types = fields.numbers('tokenizer.ggml.token_type')
    if (this.#types !== null && this.#types.length !== all.length)
      throw fields.fail('tokenizer.ggml.token_type', `${all.length} numbers, one for each token`)
  }

  type(id: number): number {
    return this.#types?.[id] ?? NORMAL
  }

  /** Spellings that are looked for in the text before anything else. */
  isAdded(id: number): boolean {
    const type = this.type(id)
    return (type === CONTROL || type === USER_DEFINED || type === UNKNOWN) && this.tokens[id] !== ''
  }

  added(): Json[] {
    return this.tokens.flatMap((content, id) =>
      this.isAdded(id) ? [{ ...ADDED, id, content, special: this.type(id) !== USER_DEFINED }] : [],
    )
  }

  /** Ids by spelling, of the tokens that `chosen` takes. The first of equal spellings counts, as in the original. */
  ids(chosen: (id: number) => boolean): Map<string, number> {
    const ids = new Map<string, number>()
    let doubled = 0
    this.tokens.forEach((token, id) => {
      if (!chosen(id)) return
      if (ids.has(token)) doubled++
      else ids.set(token, id)
    })
    if (doubled > 0)
      this.remarks.push(`${doubled} tokens are spelled as others are; the first of each is used.`)
    return ids
  }

  scores(): ArrayLike<number> {
    const key = 'tokenizer.ggml.scores'
    const scores = this.fields.numbers(key)
    if (scores === null || scores.length < this.tokens.length)
      throw this.fields.fail(key, 'one score for each token')
    return scores
  }

  /** The id a key names, null when it is absent or outside the vocabulary. */
  id(role: string): number | null {
    const key = `tokenizer.ggml.${role}_token_id`
    if (!this.fields.has(key)) return null
    const id = this.fields.count(key, { max: 2 ** 32 - 1 })
    if (id < this.tokens.length) return id
    this.remarks.push(`${key} is ${id}, outside the ${this.tokens.length} tokens, and is ignored.`)
    return null
  }
}

const ADDED = { single_word: false, lstrip: false, rstrip: false, normalized: false } as const
const SPACE = '▁'
const TO_SPACE = { type: 'Replace', pattern: { String: SPACE }, content: ' ' } as const
const FROM_SPACE = { type: 'Replace', pattern: { String: ' ' }, content: SPACE } as const

/**
 * The tokenizer in a GGUF file's metadata, in the form of the files that Transformers would write for the same model; null
 * when the file has none (`tokenizer.ggml.model` absent, `none` or `no_vocab`).
 *
 * @param rows Rows of the embedding; tokens beyond them are left out.
 * @throws `bad-file` for lists that disagree, `unsupported` for a kind of tokenizer or pre-tokenizer that is not implemented.
 */
export function ggufTokenizer(fields: GgufFields, rows: number): GgufTokenizer | null {
  const key = 'tokenizer.ggml.model'
  const kind = fields.has(key) ? fields.text(key) : 'none'
  if (kind === 'none' || kind === 'no_vocab') return null
  const build = KINDS.get(kind)
  if (!build) throw unsupported(fields, key, kind, [...KINDS.keys()])
  const vocabulary = new Vocabulary(fields, rows)
  const { ends, ...parts } = build(vocabulary)
  const tokenizerJson = {
    version: '1.0',
    added_tokens: vocabulary.added(),
    ...parts,
    post_processor: postProcessor(vocabulary, ends),
  }
  return {
    tokenizerJson,
    tokenizerConfig: { ...roles(vocabulary), ...templates(fields) },
    generationConfig: generation(vocabulary),
    remarks: vocabulary.remarks,
  }
}

function unsupported(
  fields: GgufFields,
  key: string,
  got: string,
  supported: readonly string[],
): TokenscopeError {
  const expected = supported.join(', ')
  return new TokenscopeError(
    'unsupported',
    `${fields.file}: ${key} is ${JSON.stringify(got)}, expected one of ${expected}.`,
    {
      hint: 'The model can still be run on token ids.',
      details: { file: fields.file, field: key, got, expected },
    },
  )
}

/** What goes before and after a text where the file does not say. */
interface Ends {
  prefix: { ids: readonly string[]; added: boolean }
  suffix: { ids: readonly string[]; added: boolean }
}

interface Parts extends Json {
  model: Json
  normalizer: Json | null
  pre_tokenizer: Json | null
  decoder: Json | null
  ends: Ends
}

const sequence = (name: string, parts: Json[]): Json | null =>
  parts.length > 1 ? { type: 'Sequence', [name]: parts } : (parts[0] ?? null)

/** `gpt2`: merges over the printable alphabet of bytes. */
function byteLevel(vocabulary: Vocabulary): Parts {
  const { fields } = vocabulary
  const pre = preTokenizer(vocabulary)
  const merges = mergesOf(fields.strings('tokenizer.ggml.merges'))
  const merged = new Set(merges.flatMap(([left, right]) => [left, right, left + right]))
  const ids = vocabulary.ids((id) => !vocabulary.isAdded(id) || merged.has(vocabulary.tokens[id] ?? ''))
  const validMerges = merges.filter(
    ([left, right]) => ids.has(left) && ids.has(right) && ids.has(left + right),
  )
  if (validMerges.length < merges.length)
    vocabulary.remarks.push(
      `${merges.length - validMerges.length} merges name tokens that are not there, and are left out.`,
    )
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }
  const splits = pre.splits.map((Regex) => ({
    type: 'Split',
    pattern: { Regex },
    behavior: 'Isolated',
    invert: false,
  }))
  return {
    model: bpe(ids, validMerges, {
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: pre.ignoreMerges === true,
    }),
    normalizer: pre.nfc === true ? { type: 'NFC' } : null,
    pre_tokenizer: sequence('pretokenizers', [...splits, bytes]),
    decoder: bytes,
    ends: { prefix: { ids: ['bos'], added: pre.addBos === true }, suffix: { ids: ['eos'], added: false } },
  }
}

function bpe(
  ids: ReadonlyMap<string, number>,
  merges: readonly (readonly [string, string])[],
  options: Json,
): Json {
  const shape = { dropout: null, continuing_subword_prefix: null, end_of_word_suffix: null }
  return { type: 'BPE', ...shape, ...options, vocab: Object.fromEntries(ids), merges }
}

function preTokenizer({ fields, remarks }: Vocabulary): GgufPreTokenizer {
  const key = 'tokenizer.ggml.pre'
  if (!fields.has(key)) remarks.push(`The file does not say how text is cut (${key}); the default is used.`)
  const name = fields.text(key, 'default')
  const match = GGUF_PRE_TOKENIZERS.find(({ names }) => names.includes(name))
  if (match) return match
  throw unsupported(
    fields,
    key,
    name,
    GGUF_PRE_TOKENIZERS.flatMap(({ names }) => names),
  )
}

/** `llama`: SentencePiece's BPE. The best score goes first; a character without a token becomes its bytes. */
function sentencePiece(vocabulary: Vocabulary): Parts {
  const { fields, tokens } = vocabulary
  const prefix = fields.flag('tokenizer.ggml.add_space_prefix', true)
  const unknown = vocabulary.id('unknown') ?? tokens.findIndex((_, id) => vocabulary.type(id) === UNKNOWN)
  const ids = vocabulary.ids((id) => !vocabulary.isAdded(id) || id === unknown)
  const scores = vocabulary.scores()
  const pieces = new Map([...ids].filter(([, id]) => id !== unknown && vocabulary.type(id) !== BYTE))
  const byteFallback = Array.from({ length: 256 }, (_, byte) => byte).every((byte) =>
    ids.has(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
  )
  const options = {
    unk_token: tokens[unknown] ?? null,
    fuse_unk: true,
    byte_fallback: byteFallback,
    ignore_merges: false,
  }
  const start = prefix ? [{ type: 'Prepend', prepend: SPACE }] : []
  const strip = prefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []
  return {
    model: bpe(ids, rankedPairs(pieces, scores), options),
    normalizer: sequence('normalizers', [...start, FROM_SPACE]),
    pre_tokenizer: null,
    decoder: sequence('decoders', [TO_SPACE, { type: 'ByteFallback' }, { type: 'Fuse' }, ...strip]),
    ends: { prefix: { ids: ['bos'], added: true }, suffix: { ids: ['eos'], added: false } },
  }
}

/** `t5`: SentencePiece's Unigram. */
function unigram(vocabulary: Vocabulary): Parts {
  const { fields, tokens } = vocabulary
  const scores = vocabulary.scores()
  const charsmap = fields.numbers('tokenizer.ggml.precompiled_charsmap')
  const scheme = fields.flag('tokenizer.ggml.add_space_prefix', true) ? 'always' : 'never'
  const metaspace = { type: 'Metaspace', replacement: SPACE, prepend_scheme: scheme, split: true }
  const collapse = fields.flag('tokenizer.ggml.remove_extra_whitespaces', false)
    ? [{ type: 'WhitespaceSplit' }]
    : []
  return {
    model: {
      type: 'Unigram',
      unk_id: vocabulary.id('unknown') ?? tokens.findIndex((_, id) => vocabulary.type(id) === UNKNOWN),
      vocab: tokens.map((token, id) => [token, scores[id] ?? 0]),
      byte_fallback: false,
    },
    normalizer:
      charsmap === null || charsmap.length === 0
        ? null
        : { type: 'Precompiled', precompiled_charsmap: base64(charsmap) },
    pre_tokenizer: sequence('pretokenizers', [...collapse, metaspace]),
    decoder: metaspace,
    ends: { prefix: { ids: ['bos'], added: false }, suffix: { ids: ['eos'], added: true } },
  }
}

function base64(bytes: ArrayLike<number>): string {
  let text = ''
  for (let n = 0; n < bytes.length; n++) text += String.fromCharCode((bytes[n] ?? 0) & 255)
  return btoa(text)
}

/** `bert`: WordPiece. The file marks beginnings of words instead of their continuations. */
function wordPiece(vocabulary: Vocabulary): Parts {
  const { tokens } = vocabulary
  const ids = new Map<string, number>()
  tokens.forEach((token, id) => ids.set(pieceOf(token), id))
  const unknown = tokens[vocabulary.id('unknown') ?? -1] ?? '[UNK]'
  // A vocabulary without capitals was made from lowered text, which the file does not say.
  const lowercase = !tokens.some((token, id) => !vocabulary.isAdded(id) && /[A-Z]/.test(token))
  return {
    model: {
      type: 'WordPiece',
      unk_token: unknown,
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(ids),
    },
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    ends: {
      prefix: { ids: ['bos', 'cls'], added: true },
      suffix: { ids: ['seperator', 'eos'], added: true },
    },
  }
}

function pieceOf(token: string): string {
  if (token.startsWith(SPACE)) return token.slice(1)
  return /^\[.*\]$/s.test(token) ? token : `##${token}`
}

const KINDS: ReadonlyMap<string, (vocabulary: Vocabulary) => Parts> = new Map([
  ['gpt2', byteLevel],
  ['llama', sentencePiece],
  ['t5', unigram],
  ['bert', wordPiece],
])

/** What goes around a text, as the file says, else as its kind of tokenizer does. */
function postProcessor(vocabulary: Vocabulary, { prefix, suffix }: Ends): Json | null {
  const { fields, tokens } = vocabulary
  const first = (roles: readonly string[]): string | undefined => {
    const id = roles.map((role) => vocabulary.id(role)).find((candidate) => candidate !== null)
    return id === undefined || id === null ? undefined : tokens[id]
  }
  const stated = suffix.ids.includes('seperator') ? 'add_sep_token' : 'add_eos_token'
  const bos = fields.flag('tokenizer.ggml.add_bos_token', prefix.added) ? first(prefix.ids) : undefined
  const eos = fields.flag(`tokenizer.ggml.${stated}`, suffix.added) ? first(suffix.ids) : undefined
  if (bos === undefined && eos === undefined) return null
  const special = (id: string | undefined): Json[] =>
    id === undefined ? [] : [{ SpecialToken: { id, type_id: 0 } }]
  const single = [...special(bos), { Sequence: { id: 'A', type_id: 0 } }, ...special(eos)]
  const used = [bos, eos].filter((token) => token !== undefined)
  const entries = used.map((token) => [token, { id: token, ids: [tokens.indexOf(token)], tokens: [token] }])
  return { type: 'TemplateProcessing', single, pair: single, special_tokens: Object.fromEntries(entries) }
}

function roles(vocabulary: Vocabulary): Json {
  const named = ROLES.flatMap(([key, role]) => {
    const id = vocabulary.id(key)
    return id === null ? [] : [[role, vocabulary.tokens[id]]]
  })
  return Object.fromEntries(named)
}

/** The default template, with the named ones beside it where there are any. */
function templates(fields: GgufFields): Json {
  const key = 'tokenizer.chat_template'
  const named = [...fields.keys()]
    .filter((other) => other.startsWith(`${key}.`))
    .map((other) => ({ name: other.slice(key.length + 1), template: fields.text(other) }))
  if (!fields.has(key)) return named.length > 0 ? { chat_template: named } : {}
  const template = fields.text(key)
  return { chat_template: named.length > 0 ? [{ name: 'default', template }, ...named] : template }
}

function generation(vocabulary: Vocabulary): Json {
  const ends = [vocabulary.id('eos'), vocabulary.id('eot')].filter((id) => id !== null)
  const bos = vocabulary.id('bos')
  return { ...(bos === null ? {} : { bos_token_id: bos }), eos_token_id: [...new Set(ends)] }
}
