import { TokenscopeError } from '../errors.ts'
import type { ChatTemplateInfo } from '../api/chat.ts'
import type { ChatTemplate } from './chatTemplate.ts'
import { readAuthorSampling } from './authorSampling.ts'
import { alternativeSpeller, SPELL_WINDOW } from './alternatives.ts'
import { byteDetokenizer, textDetokenizer, type Detokenizer } from './detokenizer.ts'
import type { EncodeOptions } from '../api/generate.ts'
import { createDecoder, createEncoder } from './encoder.ts'
import { refuse, type ForeignRegex, type JsonRecord } from './parts.ts'
import { Sandbox } from './sandbox.ts'
import { readTemplates } from './templates.ts'
import { readIds, readSpecialTokens } from './specialTokens.ts'
import { createByteTable, type ByteTable } from './tokenBytes.ts'
import {
  parseJsonFile,
  readTokenizer,
  type ReadTokenizer,
  type TokenizerFile,
  type TokenizerSurroundings,
} from './tokenizerFile.ts'
import type { ChatMessage, ChatOptions, Tokenizer } from './types.ts'

/**
 * The files of a tokenizer as they lie beside the weights: tokenizer.json, or else vocab.json with merges.txt, or else
 * tokenizer.model. The rest may be absent.
 */
export interface TokenizerFiles {
  /** As a file, or what one would hold: made of another file, it need not be written and read again. */
  tokenizerJson?: Uint8Array | JsonRecord | undefined
  vocabJson?: Uint8Array | undefined
  mergesTxt?: Uint8Array | undefined
  /** A SentencePiece model, Unigram or BPE. */
  tokenizerModel?: Uint8Array | undefined
  tokenizerConfig?: Uint8Array | undefined
  specialTokensMap?: Uint8Array | undefined
  generationConfig?: Uint8Array | undefined
  /** chat_template.jinja, which wins over the one in tokenizer_config.json. */
  chatTemplate?: Uint8Array | undefined
}

/** What belongs to a tokenizer besides its own content, already parsed. */
export interface TokenizerOptions extends TokenizerSurroundings {
  /** generation_config.json */
  generationConfig?: JsonRecord | undefined
  /** Wins over the one in tokenizer_config.json. */
  chatTemplate?: string | undefined
}

type TextSampling = NonNullable<ReturnType<typeof readAuthorSampling>>

/** A tokenizer that can also stream. */
export interface TextTokenizer extends Tokenizer {
  /** What was read differently from how the files say it; empty for sound files. */
  readonly warnings: readonly string[]
  /** How generation_config.json would have texts sampled; null when it does not say. */
  readonly sampling: TextSampling | null
  /**
   * Text of ids as they come, special ones left out.
   * @param after the ids before: with any, the text goes on and keeps its leading space
   */
  detokenizer(options?: { after?: readonly number[] }): Detokenizer
}

/** Milliseconds a foreign pattern may run; long texts get more, in proportion. */
const PATTERN_LIMIT = 1000
const CHARACTERS_PER_MS = 200
/** Milliseconds for building a foreign tokenizer, whose patterns have been probed by then. */
const BUILD_LIMIT = 20_000

type AsyncEncode = (text: string, options: Required<EncodeOptions>) => Promise<number[]>

function trustedEncode(file: TokenizerFile): AsyncEncode {
  let encode: ReturnType<typeof createEncoder>
  try {
    encode = createEncoder(file)
  } catch (error) {
    return refuse(
      'pipeline',
      error instanceof Error ? error.message : String(error),
      'parts that can be built',
      {
        code: 'unsupported',
      },
    )
  }
  // eslint-disable-next-line @typescript-eslint/require-await -- the sandboxed twin is asynchronous
  return async (text, options) => encode(text, options)
}

async function probe({ field, pattern }: ForeignRegex, sandbox: Sandbox): Promise<void> {
  const reply = await sandbox.run({ kind: 'probe', pattern }, PATTERN_LIMIT)
  if (reply.status === 'done') return
  const reason =
    reply.status === 'failed' ? reply.message : `no answer within ${PATTERN_LIMIT} ms on a short text`
  refuse(field, pattern, `a pattern that runs here (${reason})`, { code: 'unsupported' })
}

/** Unchecked patterns run in the sandbox, each time under a limit. */
async function sandboxedEncode(read: ReadTokenizer, sandbox: Sandbox): Promise<AsyncEncode> {
  for (const regex of read.foreign) await probe(regex, sandbox)
  const built = await sandbox.prepare({ kind: 'load', file: read.file }, BUILD_LIMIT)
  if (built.status !== 'done') refuse('pipeline', built, 'parts that can be built', { code: 'unsupported' })
  return async (text, options) => {
    const limit = PATTERN_LIMIT + text.length / CHARACTERS_PER_MS
    const reply = await sandbox.run({ kind: 'encode', text, options }, limit)
    if (reply.status === 'ids') return reply.ids
    const reason = reply.status === 'failed' ? reply.message : `it ran longer than ${Math.round(limit)} ms`
    throw new TokenscopeError(
      'unsupported',
      `The tokenizer's own pattern could not handle this text: ${reason}.`,
      {
        hint: 'Shorten the text, or pass token ids.',
        details: { file: 'tokenizer.json', field: read.foreign[0]?.field ?? '', reason },
      },
    )
  }
}

interface Parts {
  read: ReadTokenizer
  encode: AsyncEncode
  sandbox: Sandbox
  /** Templates run by code of their own, which most models never need. */
  openTemplate: () => Promise<ChatTemplate>
  hasChatTemplate: boolean
  sampling: TextSampling | null
  bosId: number | null
  eosIds: readonly number[]
  saysEnds: boolean
  mask: Tokenizer['mask']
}

/** The first of many like remarks stands for all. */
function summary(warnings: readonly string[]): string[] {
  const [first, ...more] = warnings
  if (first === undefined) return []
  return [more.length === 0 ? first : `${first} So it is with ${more.length} more.`]
}

class LoadedTokenizer implements TextTokenizer {
  readonly size: number
  readonly bosId: number | null
  readonly eosIds: readonly number[]
  readonly saysEnds: boolean
  readonly mask: Tokenizer['mask']
  readonly hasChatTemplate: boolean
  readonly warnings: readonly string[]
  readonly sampling: TextSampling | null

  readonly #read: ReadTokenizer
  readonly #encode: AsyncEncode
  readonly #sandbox: Sandbox
  readonly #openTemplate: () => Promise<ChatTemplate>
  readonly #startDetokenizer: (after: readonly number[]) => Detokenizer
  readonly #bytes: (id: number) => Uint8Array
  readonly #table: ByteTable | null

  constructor(parts: Parts) {
    const { read, encode, sandbox, openTemplate, hasChatTemplate, bosId, eosIds, mask } = parts
    this.size = read.tokens.reduce((count, token) => (token === undefined ? count : count + 1), 0)
    this.bosId = bosId
    this.eosIds = eosIds
    this.saysEnds = parts.saysEnds
    this.mask = mask
    this.hasChatTemplate = hasChatTemplate
    this.warnings = summary(read.warnings)
    this.sampling = parts.sampling
    this.#read = read
    this.#encode = encode
    this.#sandbox = sandbox
    this.#openTemplate = openTemplate
    const table = createByteTable(read)
    this.#table = table
    if (table !== null) {
      this.#bytes = (id) => table.bytes(id)
      this.#startDetokenizer = (after) => byteDetokenizer(table, after.length === 0)
    } else {
      const library = createDecoder(read.file)
      const decode = (ids: readonly number[]): string =>
        library(ids.filter((id) => read.tokens[id] !== undefined))
      this.#bytes = (id) => new TextEncoder().encode(decode([id]))
      this.#startDetokenizer = (after) => textDetokenizer(decode, after)
    }
  }

  encode(text: string, { addSpecialTokens = true, parseSpecial = false } = {}): Promise<number[]> {
    return this.#encode(text, { addSpecialTokens, parseSpecial })
  }

  decode(ids: readonly number[], { special = false } = {}): string {
    const detokenizer = this.#startDetokenizer([])
    const shown = special ? ids : ids.filter((id) => !this.isSpecial(id))
    return shown.map((id) => detokenizer.push(id)).join('') + detokenizer.flush()
  }

  detokenizer({ after = [] }: { after?: readonly number[] } = {}): Detokenizer {
    const inner = this.#startDetokenizer(after)
    return { push: (id) => (this.isSpecial(id) ? '' : inner.push(id)), flush: () => inner.flush() }
  }

  tokenTexts(ids: readonly number[], { after = [] }: { after?: readonly number[] } = {}): string[] {
    const detokenizer = this.#startDetokenizer(after)
    const shown = ids.map((id) => (this.isSpecial(id) ? '' : detokenizer.push(id)))
    const rest = detokenizer.flush()
    const last = shown.findLastIndex((_, i) => !this.isSpecial(ids[i] ?? -1))
    if (rest !== '' && last >= 0) shown[last] += rest
    return shown
  }

  speller(contextIds: readonly number[]): (id: number) => string {
    const shown = contextIds.slice(-SPELL_WINDOW).filter((id) => !this.isSpecial(id))
    const table = this.#table
    const spell = table ? alternativeSpeller(table, shown, contextIds.length === 0) : this.#spellBehind(shown)
    return (id) => (this.isSpecial(id) ? this.decode([id], { special: true }) : spell(id))
  }

  /** Texts that depend on their neighbours are those of the whole, less what stood there. */
  #spellBehind(shown: readonly number[]): (id: number) => string {
    return (id) => {
      const text = (this.tokenTexts([id], { after: shown })[0] ?? '').replace(/\ufffd+$/u, '')
      return text === '' ? this.decode([id], { special: true }) : text
    }
  }

  tokenBytes(id: number): Uint8Array {
    return this.#bytes(id)
  }

  isSpecial(id: number): boolean {
    return this.#read.added.get(id)?.special === true
  }

  async applyChatTemplate(messages: readonly ChatMessage[], options?: ChatOptions): Promise<string> {
    return (await this.#openTemplate()).render(messages, options)
  }

  async chatTemplate(): Promise<ChatTemplateInfo> {
    return (await this.#openTemplate()).describe()
  }

  dispose(): void {
    this.#sandbox.dispose()
  }
}

/**
 * Builds a tokenizer from the content of a tokenizer.json: `{ model, normalizer, pre_tokenizer, post_processor, decoder,
 * added_tokens }`, wherever it comes from.
 * Throws `bad-file` or `unsupported`, naming the field, what was found and what was expected.
 */
export async function buildTokenizer(
  json: JsonRecord,
  options: TokenizerOptions = {},
): Promise<TextTokenizer> {
  const {
    config = {},
    specialTokensMap = {},
    generationConfig: generation = {},
    vocabRows = Infinity,
  } = options
  const read = readTokenizer(json, options)
  const tokens = readSpecialTokens(config, specialTokensMap)
  const sandbox = new Sandbox()
  try {
    const encode = read.foreign.length === 0 ? trustedEncode(read.file) : await sandboxedEncode(read, sandbox)
    const templates = readTemplates(options.chatTemplate ?? config['chat_template'] ?? null)
    const openTemplate = async (): Promise<ChatTemplate> => {
      const { ChatTemplate } = await import('./chatTemplate.ts')
      return new ChatTemplate(templates, { ...tokens }, sandbox)
    }
    const idOf = (token: string | undefined) => (token === undefined ? undefined : read.ids.get(token))
    const ends = readIds(generation['eos_token_id'], vocabRows)
    const ids = [idOf(tokens.eos_token), ...ends]
    // Files without roles still spell it in one of these ways.
    const mask = [tokens.mask_token, '[MASK]', '<mask>'].find((text) => idOf(text) !== undefined)
    return new LoadedTokenizer({
      read,
      encode,
      sandbox,
      openTemplate,
      hasChatTemplate: templates.has('default'),
      sampling: readAuthorSampling(generation),
      bosId: idOf(tokens.bos_token) ?? readIds(generation['bos_token_id'], vocabRows)[0] ?? null,
      mask: mask === undefined ? null : { id: idOf(mask) ?? 0, text: mask },
      saysEnds: ends.length > 0,
      eosIds: [...new Set(ids.filter((id) => id !== undefined))].sort((a, b) => a - b),
    })
  } catch (error) {
    sandbox.dispose()
    throw error
  }
}

/** What a tokenizer.json would hold, from whichever of the files is there. Throws `bad-file` or `unsupported`. */
export async function tokenizerContent(files: TokenizerFiles, config: JsonRecord): Promise<JsonRecord> {
  const { tokenizerJson, vocabJson, mergesTxt, tokenizerModel } = files
  if (tokenizerJson instanceof Uint8Array) return parseJsonFile(tokenizerJson, 'tokenizer.json')
  if (tokenizerJson) return tokenizerJson
  if (vocabJson && mergesTxt) {
    const { tokenizerFromVocabulary } = await import('./vocabFiles.ts')
    return tokenizerFromVocabulary(vocabJson, mergesTxt, config)
  }
  if (tokenizerModel) {
    const { tokenizerFromSentencePiece } = await import('./sentencePiece.ts')
    return tokenizerFromSentencePiece(tokenizerModel, config)
  }
  throw new TokenscopeError(
    'bad-file',
    'No tokenizer.json, no vocab.json with merges.txt and no tokenizer.model.',
    {
      hint: 'Give the tokenizer files published with the model.',
      details: { expected: 'tokenizer.json' },
    },
  )
}

/**
 * Loads a tokenizer from its files.
 * Throws `bad-file` or `unsupported`, naming file, field, what was found and what was expected.
 * @param options.vocabRows rows of the embedding matrix; ids beyond them get a warning
 */
export async function loadTokenizer(
  files: TokenizerFiles,
  { vocabRows }: { vocabRows?: number } = {},
): Promise<TextTokenizer> {
  const optional = (bytes: Uint8Array | undefined, name: string) => (bytes ? parseJsonFile(bytes, name) : {})
  const config = optional(files.tokenizerConfig, 'tokenizer_config.json')
  return buildTokenizer(await tokenizerContent(files, config), {
    config,
    specialTokensMap: optional(files.specialTokensMap, 'special_tokens_map.json'),
    generationConfig: optional(files.generationConfig, 'generation_config.json'),
    chatTemplate: files.chatTemplate && new TextDecoder().decode(files.chatTemplate),
    vocabRows,
  })
}
