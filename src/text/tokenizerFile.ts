import { configPostProcessor, configTokens } from './configTokens.ts'
import { readSpecialTokens } from './specialTokens.ts'
import {
  isObject,
  PipelineReader,
  refuse,
  shown,
  type ForeignRegex,
  type JsonRecord,
  type PipelinePart,
} from './parts.ts'

const MAX_BYTES = 64 * 2 ** 20

export interface AddedToken {
  id: number
  content: string
  special: boolean
}

/** A tokenizer.json that has been read strictly, in the form the library takes. Plain data: it can be sent to the sandbox. */
export interface TokenizerFile {
  version: '1.0'
  added_tokens: (AddedToken & JsonRecord)[]
  normalizer: PipelinePart
  pre_tokenizer: PipelinePart
  post_processor: PipelinePart
  decoder: PipelinePart
  model: JsonRecord & { type: 'BPE' | 'WordPiece' | 'Unigram' | 'WordLevel' }
}

export interface ReadTokenizer {
  file: TokenizerFile
  /** Every token by its spelling; added tokens win. */
  ids: Map<string, number>
  /** Spelling by id; undefined where the vocabulary has a hole. */
  tokens: (string | undefined)[]
  added: Map<number, AddedToken>
  /** Unchecked patterns: the tokenizer must run in the sandbox. */
  foreign: ForeignRegex[]
  /** What was read differently from how it is written, one sentence each. */
  warnings: string[]
}

/** Parses a JSON object file. Throws `bad-file`. */
export function parseJsonFile(bytes: Uint8Array, file: string, maxBytes = MAX_BYTES): JsonRecord {
  if (bytes.byteLength > maxBytes) {
    refuse('size', `${bytes.byteLength} bytes`, `at most ${maxBytes} bytes`, { file })
  }
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    refuse('content', error instanceof Error ? error.message : String(error), 'JSON in UTF-8', { file })
  }
  return isObject(value) ? value : refuse('content', value, 'a JSON object', { file })
}

/** Ids no vocabulary reaches: a list that long would fill the memory. */
const MAX_IDS = 2 ** 24

class Vocabulary {
  readonly ids = new Map<string, number>()
  readonly tokens: (string | undefined)[] = []

  add(token: string, id: unknown, field: string): number {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= MAX_IDS) {
      return refuse(field, id, `an integer from 0 to ${MAX_IDS - 1}`)
    }
    const other = this.tokens[id]
    if (other !== undefined && other !== token)
      refuse(field, id, `an id of its own; ${JSON.stringify(other)} has it`)
    this.tokens[id] = token
    this.ids.set(token, id)
    return id
  }
}

function readBpe(model: JsonRecord, vocabulary: Vocabulary): void {
  const { vocab, merges } = model
  if (!isObject(vocab)) return refuse('model.vocab', vocab, 'an object of token: id')
  for (const [token, id] of Object.entries(vocab)) {
    vocabulary.add(token, id, `model.vocab[${JSON.stringify(token)}]`)
  }
  if (!Array.isArray(merges)) return refuse('model.merges', merges, 'a list')
  const prefix = model['continuing_subword_prefix']
  if (prefix !== null && prefix !== undefined && prefix !== '') {
    refuse('model.continuing_subword_prefix', prefix, 'none', { code: 'unsupported' })
  }
  // One form for all: the library guesses the form from the first merge.
  model['merges'] = merges.map((merge: unknown, i) => readMerge(merge, `model.merges[${i}]`, vocabulary))
}

function readMerge(merge: unknown, field: string, { ids }: Vocabulary): [string, string] {
  const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge
  if (!Array.isArray(pair) || pair.length !== 2) return refuse(field, merge, 'two tokens')
  const [left, right] = pair as unknown[]
  if (typeof left !== 'string' || typeof right !== 'string') return refuse(field, merge, 'two tokens')
  for (const token of [left, right, left + right]) {
    if (!ids.has(token)) refuse(field, merge, `tokens of the vocabulary; ${JSON.stringify(token)} is absent`)
  }
  return [left, right]
}

function readWordPiece(model: JsonRecord, vocabulary: Vocabulary): void {
  const { vocab, unk_token: unknown } = model
  if (!isObject(vocab)) return refuse('model.vocab', vocab, 'an object of token: id')
  for (const [token, id] of Object.entries(vocab)) {
    vocabulary.add(token, id, `model.vocab[${JSON.stringify(token)}]`)
  }
  if (typeof unknown !== 'string' || !vocabulary.ids.has(unknown)) {
    refuse('model.unk_token', unknown, 'a token of the vocabulary')
  }
  if (typeof model['continuing_subword_prefix'] !== 'string') {
    refuse('model.continuing_subword_prefix', model['continuing_subword_prefix'], 'a string')
  }
}

function readUnigram(model: JsonRecord, vocabulary: Vocabulary): void {
  const { vocab, unk_id: unknown } = model
  if (!Array.isArray(vocab) || vocab.length === 0)
    return refuse('model.vocab', vocab, 'a list of [token, score]')
  vocab.forEach((entry: unknown, id) => {
    const field = `model.vocab[${id}]`
    const [token, score] = Array.isArray(entry) ? (entry as unknown[]) : []
    if (typeof token !== 'string' || typeof score !== 'number' || !Number.isFinite(score)) {
      return refuse(field, entry, '[token, score]')
    }
    vocabulary.add(token, id, field)
  })
  if (typeof unknown !== 'number' || !Number.isInteger(unknown) || unknown < 0 || unknown >= vocab.length) {
    refuse('model.unk_id', unknown, `an id from 0 to ${vocab.length - 1}`)
  }
}

function readWordLevel(model: JsonRecord, vocabulary: Vocabulary): void {
  const { vocab, unk_token: unknown } = model
  if (!isObject(vocab)) return refuse('model.vocab', vocab, 'an object of token: id')
  for (const [token, id] of Object.entries(vocab)) {
    vocabulary.add(token, id, `model.vocab[${JSON.stringify(token)}]`)
  }
  if (typeof unknown !== 'string' || !vocabulary.ids.has(unknown)) {
    refuse('model.unk_token', unknown, 'a token of the vocabulary')
  }
}

/** The model's kind; files from before the kind was written are told by what they hold. */
function modelType(model: JsonRecord): unknown {
  if (model['type'] !== undefined) return model['type']
  if (Array.isArray(model['vocab'])) return 'Unigram'
  return 'merges' in model ? 'BPE' : undefined
}

function readModel(value: unknown, vocabulary: Vocabulary): TokenizerFile['model'] {
  if (!isObject(value)) return refuse('model', value, 'an object')
  const type = modelType(value)
  const model = { ...value }
  switch (type) {
    case 'BPE':
      readBpe(model, vocabulary)
      return { ...model, type }
    case 'WordPiece':
      readWordPiece(model, vocabulary)
      return { ...model, type }
    case 'Unigram':
      readUnigram(model, vocabulary)
      return { ...model, type }
    case 'WordLevel':
      readWordLevel(model, vocabulary)
      return { ...model, type }
    default:
      return refuse('model.type', type, 'BPE, WordPiece, Unigram or WordLevel', { code: 'unsupported' })
  }
}

/**
 * The id an added token gets when the file gives it one that the vocabulary uses for something else: as in Hugging
 * Face's library its spelling decides, and a new spelling goes behind the vocabulary.
 */
function resolvedId(content: string, vocabulary: Vocabulary): number {
  return vocabulary.ids.get(content) ?? vocabulary.tokens.length
}

function readAdded(
  value: unknown,
  vocabulary: Vocabulary,
  warnings: string[],
): TokenizerFile['added_tokens'] {
  if (value === null || value === undefined) return []
  if (!Array.isArray(value)) return refuse('added_tokens', value, 'a list')
  const declared = new Set<unknown>()
  return value.map((entry: unknown, i) => {
    const field = `added_tokens[${i}]`
    if (!isObject(entry)) return refuse(field, entry, 'an object')
    const { content, id: stated } = entry
    if (typeof content !== 'string' || content === '')
      return refuse(`${field}.content`, content, 'a non-empty string')
    if (entry['single_word'] === true) refuse(`${field}.single_word`, true, 'false', { code: 'unsupported' })
    if (declared.has(stated)) refuse(`${field}.id`, stated, 'an id of its own')
    declared.add(stated)
    const other = typeof stated === 'number' ? vocabulary.tokens[stated] : undefined
    const moved = other !== undefined && other !== content
    const id = vocabulary.add(content, moved ? resolvedId(content, vocabulary) : stated, `${field}.id`)
    if (moved)
      warnings.push(
        `tokenizer.json: ${field} ${shown(content)} asks for id ${shown(stated)}, which is ${shown(other)}; it has id ${id}.`,
      )
    return { ...entry, id, content, special: entry['special'] === true }
  })
}

/** Adds what the files beside it declare; a spelling that is there already takes their flags. */
function addConfigTokens(
  added: TokenizerFile['added_tokens'],
  { config = {}, specialTokensMap = {} }: TokenizerSurroundings,
  vocabulary: Vocabulary,
): TokenizerFile['added_tokens'] {
  const bySpelling = new Map(added.map((token) => [token.content, token]))
  for (const token of configTokens(config, specialTokensMap, vocabulary.ids, vocabulary.tokens.length)) {
    const { content } = token
    if (token['single_word'] === true) {
      refuse(`the added token ${shown(content)}`, 'single_word', 'one that need not stand alone', {
        code: 'unsupported',
      })
    }
    vocabulary.add(content, token.id, `the added token ${shown(content)}`)
    bySpelling.set(content, { ...bySpelling.get(content), ...token })
  }
  return [...bySpelling.values()]
}

/** A remark on ids that no row of the embedding belongs to: such a token can be written, not run. */
function rowWarnings({ tokens }: Vocabulary, rows: number | undefined): string[] {
  const beyond = rows === undefined ? [] : tokens.slice(rows).filter((token) => token !== undefined)
  if (beyond.length === 0) return []
  const first = `${shown(beyond[0])}${beyond.length > 1 ? ' is the first' : ''}`
  return [
    `The tokenizer has ${beyond.length} ids beyond the ${rows} rows of the embedding (${first}); the model cannot read them.`,
  ]
}

/** What stands beside a tokenizer and changes it. */
export interface TokenizerSurroundings {
  /** tokenizer_config.json */
  config?: JsonRecord | undefined
  /** special_tokens_map.json */
  specialTokensMap?: JsonRecord | undefined
  /** Rows of the embedding matrix, where there is one: ids beyond them get a warning. */
  vocabRows?: number | undefined
}

/**
 * Reads the content of a tokenizer.json strictly: everything the library would accept silently and run wrongly is
 * refused here. Throws `bad-file` for broken files, `unsupported` for parts that are not implemented.
 */
export function readTokenizer(json: JsonRecord, surroundings: TokenizerSurroundings = {}): ReadTokenizer {
  const { config = {}, specialTokensMap = {} } = surroundings
  const vocabulary = new Vocabulary()
  const model = readModel(json['model'], vocabulary)
  const warnings: string[] = []
  const declared = readAdded(json['added_tokens'], vocabulary, warnings)
  const added_tokens = addConfigTokens(declared, surroundings, vocabulary)
  warnings.push(...rowWarnings(vocabulary, surroundings.vocabRows))
  const reader = new PipelineReader((token) => vocabulary.ids.has(token))
  const roles = readSpecialTokens(config, specialTokensMap)
  const file: TokenizerFile = {
    version: '1.0',
    added_tokens,
    normalizer: reader.normalizer(json['normalizer']),
    pre_tokenizer: reader.preTokenizer(json['pre_tokenizer']),
    post_processor: reader.postProcessor(configPostProcessor(config, roles, json['post_processor'])),
    decoder: reader.decoder(json['decoder']),
    model,
  }
  const added = new Map(added_tokens.map((token) => [token.id, token]))
  return { file, ids: vocabulary.ids, tokens: vocabulary.tokens, added, foreign: reader.foreign, warnings }
}
