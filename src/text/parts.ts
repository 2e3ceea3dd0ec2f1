import { TokenscopeError, type ErrorCode } from '../errors.ts'
import { GPT2_REGEX, KNOWN_REGEXES } from './knownRegexes.ts'

export type JsonRecord = Record<string, unknown>

/** A part of the pipeline as the library takes it; null does nothing. */
export type PipelinePart = (JsonRecord & { type: string }) | null

export interface ForeignRegex {
  field: string
  pattern: string
}

const MAX_DEPTH = 8
const MAX_PATTERN = 4096

export function isObject(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A value as an error message shows it. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined'
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

/** Refuses a tokenizer file, naming file, field, what was found and what was expected. */
export function refuse(
  field: string,
  got: unknown,
  expected: string,
  { file = 'tokenizer.json', code = 'bad-file' }: { file?: string; code?: ErrorCode } = {},
): never {
  throw new TokenscopeError(code, `${file}: ${field} is ${shown(got)}; expected ${expected}.`, {
    hint: 'Use the tokenizer files published with the model.',
    details: { file, field, got: shown(got), expected },
  })
}

function readString(part: JsonRecord, key: string, field: string): string {
  const value = part[key]
  return typeof value === 'string' ? value : refuse(`${field}.${key}`, value, 'a string')
}

function oneOf(value: unknown, field: string, allowed: readonly string[]): string {
  if (typeof value === 'string' && allowed.includes(value)) return value
  return refuse(field, value, allowed.join(', '), { code: 'unsupported' })
}

/** Reads the parts of a tokenizer.json strictly and rewrites those that the library runs differently from Hugging Face's. */
export class PipelineReader {
  readonly foreign: ForeignRegex[] = []

  readonly #has: (token: string) => boolean

  /** @param has whether a token is in the vocabulary or among the added tokens */
  constructor(has: (token: string) => boolean) {
    this.#has = has
  }

  normalizer(value: unknown, field = 'normalizer', depth = 0): PipelinePart {
    if (value === null || value === undefined) return null
    const part = this.#typed(value, field, depth)
    switch (part.type) {
      case 'Sequence':
        return { type: 'Sequence', normalizers: this.#list(part, 'normalizers', field, depth, 'normalizer') }
      case 'Replace':
        // The library hands the content to String.replaceAll, where `$` is special.
        return {
          ...this.#replace(part, field),
          content: readString(part, 'content', field).replaceAll('$', '$$$$'),
        }
      case 'Prepend':
        return { type: 'Prepend', prepend: readString(part, 'prepend', field) }
      case 'BertNormalizer':
        return bertNormalizer(part)
      default:
        oneOf(part.type, `${field}.type`, [
          'Sequence',
          'Replace',
          'Prepend',
          'NFC',
          'NFD',
          'NFKC',
          'NFKD',
          'Lowercase',
          'Strip',
          'StripAccents',
          'BertNormalizer',
          'Precompiled',
        ])
        return part
    }
  }

  preTokenizer(value: unknown, field = 'pre_tokenizer', depth = 0): PipelinePart {
    if (value === null || value === undefined) return null
    const part = this.#typed(value, field, depth)
    switch (part.type) {
      case 'Sequence':
        return {
          type: 'Sequence',
          pretokenizers: this.#list(part, 'pretokenizers', field, depth, 'preTokenizer'),
        }
      case 'Split':
        return this.#split(part, field)
      case 'ByteLevel':
        return byteLevel(part)
      case 'Metaspace':
        return metaspace(part, field)
      case 'Digits':
        // The library knows only ASCII digits here; the original takes every Unicode number.
        return split(part['individual_digits'] === true ? String.raw`\p{N}` : String.raw`\p{N}+`)
      case 'Punctuation':
        return punctuation(part, field)
      case 'Whitespace':
        return { ...split(String.raw`\w+|[^\w\s]+`), invert: true, behavior: 'Removed' }
      default:
        oneOf(part.type, `${field}.type`, [
          'Sequence',
          'Split',
          'ByteLevel',
          'Metaspace',
          'Digits',
          'Punctuation',
          'Whitespace',
          'WhitespaceSplit',
          'BertPreTokenizer',
        ])
        return part
    }
  }

  postProcessor(value: unknown, field = 'post_processor', depth = 0): PipelinePart {
    if (value === null || value === undefined) return null
    const part = this.#typed(value, field, depth)
    switch (part.type) {
      case 'Sequence':
        return { type: 'Sequence', processors: this.#list(part, 'processors', field, depth, 'postProcessor') }
      case 'TemplateProcessing':
        return {
          type: 'TemplateProcessing',
          single: this.#template(part['single'], `${field}.single`),
          pair: [],
        }
      case 'BertProcessing':
      case 'RobertaProcessing':
        this.#token(Array.isArray(part['cls']) ? part['cls'][0] : part['cls'], `${field}.cls`)
        this.#token(Array.isArray(part['sep']) ? part['sep'][0] : part['sep'], `${field}.sep`)
        return part
      default:
        oneOf(part.type, `${field}.type`, [
          'Sequence',
          'TemplateProcessing',
          'BertProcessing',
          'RobertaProcessing',
          'ByteLevel',
        ])
        return part
    }
  }

  decoder(value: unknown, field = 'decoder', depth = 0): PipelinePart {
    if (value === null || value === undefined) return null
    const part = this.#typed(value, field, depth)
    switch (part.type) {
      case 'Sequence':
        return { type: 'Sequence', decoders: this.#list(part, 'decoders', field, depth, 'decoder') }
      case 'Replace': {
        const foreign = this.foreign.length
        const replace = this.#replace(part, field)
        // Decoding is synchronous, so it cannot run where it could be stopped.
        if (this.foreign.length > foreign) {
          refuse(`${field}.pattern.Regex`, this.foreign.at(-1)?.pattern, 'a String or a known pattern', {
            code: 'unsupported',
          })
        }
        return { ...replace, content: readString(part, 'content', field) }
      }
      default:
        oneOf(part.type, `${field}.type`, [
          'Sequence',
          'Replace',
          'ByteLevel',
          'ByteFallback',
          'Fuse',
          'Strip',
          'Metaspace',
          'WordPiece',
          'BPEDecoder',
        ])
        return part
    }
  }

  #typed(value: unknown, field: string, depth: number): NonNullable<PipelinePart> {
    if (depth > MAX_DEPTH) refuse(field, `nested ${depth} deep`, `at most ${MAX_DEPTH} nested sequences`)
    if (!isObject(value) || typeof value['type'] !== 'string')
      return refuse(field, value, 'an object with a type')
    return { ...value, type: value['type'] }
  }

  #list(
    part: JsonRecord,
    key: string,
    field: string,
    depth: number,
    kind: 'normalizer' | 'preTokenizer' | 'postProcessor' | 'decoder',
  ): PipelinePart[] {
    const list = part[key]
    if (!Array.isArray(list)) return refuse(`${field}.${key}`, list, 'a list')
    return list.map((item: unknown, i) => this[kind](item, `${field}.${key}[${i}]`, depth + 1))
  }

  #pattern(part: JsonRecord, field: string): { Regex: string } | { String: string } {
    const pattern = part['pattern']
    if (!isObject(pattern)) return refuse(`${field}.pattern`, pattern, 'an object with Regex or String')
    if (typeof pattern['String'] === 'string') return { String: pattern['String'] }
    const source = readString(pattern, 'Regex', `${field}.pattern`)
    if (source.length > MAX_PATTERN) {
      refuse(`${field}.pattern.Regex`, `${source.length} characters`, `at most ${MAX_PATTERN} characters`)
    }
    if (!KNOWN_REGEXES.has(source)) this.foreign.push({ field: `${field}.pattern.Regex`, pattern: source })
    return { Regex: source }
  }

  #replace(part: JsonRecord, field: string): JsonRecord & { type: string } {
    return { type: 'Replace', pattern: this.#pattern(part, field) }
  }

  #split(part: JsonRecord, field: string): PipelinePart {
    const pattern = this.#pattern(part, field)
    const behavior = part['behavior'] ?? 'Isolated'
    if (behavior === 'Isolated') return { type: 'Split', pattern, behavior, invert: false }
    if (behavior === 'Removed') return { type: 'Split', pattern, behavior, invert: part['invert'] === true }
    // The library knows no merging; for one character it is a pattern of its own.
    if ('String' in pattern && [...pattern.String].length === 1 && part['invert'] !== true) {
      const merging = oneOf(behavior, `${field}.behavior`, ['Isolated', 'Removed', ...MERGING])
      return split(mergedPattern(pattern.String, merging))
    }
    return refuse(`${field}.behavior`, behavior, 'Isolated or Removed', { code: 'unsupported' })
  }

  #template(items: unknown, field: string): unknown[] {
    if (!Array.isArray(items)) return refuse(field, items, 'a list')
    items.forEach((item: unknown, i) => {
      const at = `${field}[${i}]`
      if (!isObject(item)) return refuse(at, item, 'a SpecialToken or a Sequence')
      const special = item['SpecialToken']
      if (isObject(special)) return this.#token(special['id'], `${at}.SpecialToken.id`)
      const sequence = item['Sequence']
      if (!isObject(sequence) || sequence['id'] !== 'A') refuse(at, item, 'a SpecialToken or Sequence A')
    })
    return items
  }

  #token(token: unknown, field: string): void {
    if (typeof token !== 'string' || !this.#has(token)) refuse(field, token, 'a token of the vocabulary')
  }
}

/** Ideographs that BERT sets apart as words. */
const IDEOGRAPH = String.raw`[\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}\x{2A700}-\x{2B81F}\x{2B920}-\x{2CEAF}\x{F900}-\x{FAFF}\x{2F800}-\x{2FA1F}]`

/** The library goes through the text in UTF-16 units here and misses the ideographs above U+FFFF. */
function bertNormalizer(part: JsonRecord): PipelinePart {
  if (part['handle_chinese_chars'] !== true) return { ...part, type: 'BertNormalizer' }
  const cleaned = { type: 'BertNormalizer', clean_text: part['clean_text'] }
  const apart = { type: 'Replace', pattern: { Regex: IDEOGRAPH }, content: ' $& ' }
  const folded = { ...part, type: 'BertNormalizer', clean_text: false, handle_chinese_chars: false }
  return { type: 'Sequence', normalizers: [cleaned, apart, folded] }
}

const MERGING = ['MergedWithPrevious', 'MergedWithNext']

function split(regex: string): JsonRecord & { type: string } {
  return { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false }
}

/** Every piece ends (`MergedWithPrevious`) or begins (`MergedWithNext`) with the character, in one linear pattern. */
function mergedPattern(character: string, behavior: string): string {
  const point = `\\x{${(character.codePointAt(0) ?? 0).toString(16)}}`
  return behavior === 'MergedWithNext' ? `${point}?[^${point}]+|${point}` : `[^${point}]+${point}?|${point}`
}

function byteLevel(part: JsonRecord): PipelinePart {
  const bytes = { type: 'ByteLevel', add_prefix_space: part['add_prefix_space'] === true, use_regex: false }
  if (part['use_regex'] === false) return bytes
  if (bytes.add_prefix_space) return { ...bytes, use_regex: true }
  // The library's built-in pattern takes JavaScript's white space, which differs from Unicode's in two characters.
  return { type: 'Sequence', pretokenizers: [split(GPT2_REGEX), bytes] }
}

function metaspace(part: JsonRecord, field: string): PipelinePart {
  const replacement = part['replacement'] ?? '▁'
  if (typeof replacement !== 'string' || [...replacement].length !== 1) {
    return refuse(`${field}.replacement`, replacement, 'one character')
  }
  const fallback = part['add_prefix_space'] === false ? 'never' : 'always'
  const scheme = oneOf(part['prepend_scheme'] ?? fallback, `${field}.prepend_scheme`, [
    'always',
    'first',
    'never',
  ])
  const space = { type: 'Metaspace', replacement, prepend_scheme: scheme }
  // The library leaves out the split before each replacement character.
  return part['split'] === false
    ? space
    : { type: 'Sequence', pretokenizers: [space, split(mergedPattern(replacement, 'MergedWithNext'))] }
}

function punctuation(part: JsonRecord, field: string): PipelinePart {
  const behavior = oneOf(part['behavior'] ?? 'Isolated', `${field}.behavior`, [
    'Isolated',
    'Removed',
    'Contiguous',
  ])
  const mark = String.raw`[\p{P}\x{21}-\x{2F}\x{3A}-\x{40}\x{5B}-\x{60}\x{7B}-\x{7E}]`
  if (behavior === 'Contiguous') return split(`${mark}+`)
  return { ...split(mark), behavior }
}
