import { TokenscopeError } from '../errors.ts'
import { ChatTemplate, readTemplate } from './chat-template.ts'
import { byteDetokenizer, textDetokenizer, type Detokenizer } from './detokenizer.ts'
import { createDecoder, createEncoder, type EncodeOptions } from './encoder.ts'
import { refuse, type ForeignRegex } from './parts.ts'
import { Sandbox } from './sandbox.ts'
import { readIds, readSpecialTokens } from './special-tokens.ts'
import { createByteTable } from './token-bytes.ts'
import { parseJsonFile, readTokenizerFile, type ReadTokenizer, type TokenizerFile } from './tokenizer-file.ts'
import type { ChatMessage, Tokenizer } from './types.ts'

/** The files of a tokenizer as they lie beside the weights; only the first is needed. */
export interface TokenizerFiles {
  tokenizerJson: Uint8Array
  tokenizerConfig?: Uint8Array | undefined
  specialTokensMap?: Uint8Array | undefined
  generationConfig?: Uint8Array | undefined
  /** chat_template.jinja, which wins over the one in tokenizer_config.json. */
  chatTemplate?: Uint8Array | undefined
}

/** A tokenizer that can also stream. */
export interface TextTokenizer extends Tokenizer {
  /** What was read differently from how the files say it; empty for sound files. */
  readonly warnings: readonly string[]
  /**
   * Text of ids as they come, special ones left out.
   * @param after the ids before: with any, the text goes on and keeps its leading space
   */
  detokenizer(options?: { after?: readonly number[] }): Detokenizer
  /** What each id adds to the text where it stands, special ones nothing; joined, they are the decoded text. */
  tokenTexts(ids: readonly number[]): string[]
}

/** Milliseconds a foreign pattern may run; long texts get more, in proportion. */
const PATTERN_LIMIT = 1000
const CHARACTERS_PER_MS = 200
/** Milliseconds for building a foreign tokenizer, whose patterns have been probed by then. */
const BUILD_LIMIT = 20_000

type AsyncEncode = (text: string, options: EncodeOptions) => Promise<number[]>

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

/** Patterns that nobody has checked run in the sandbox, each time under a limit. */
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
  template: ChatTemplate | null
  hasChatTemplate: boolean
  bosId: number | null
  eosIds: readonly number[]
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
  readonly hasChatTemplate: boolean
  readonly warnings: readonly string[]

  readonly #read: ReadTokenizer
  readonly #encode: AsyncEncode
  readonly #sandbox: Sandbox
  readonly #template: ChatTemplate | null
  readonly #startDetokenizer: (after: readonly number[]) => Detokenizer
  readonly #bytes: (id: number) => Uint8Array

  constructor({ read, encode, sandbox, template, hasChatTemplate, bosId, eosIds }: Parts) {
    this.size = read.tokens.reduce((count, token) => (token === undefined ? count : count + 1), 0)
    this.bosId = bosId
    this.eosIds = eosIds
    this.hasChatTemplate = hasChatTemplate
    this.warnings = summary(read.warnings)
    this.#read = read
    this.#encode = encode
    this.#sandbox = sandbox
    this.#template = template
    const table = createByteTable(read)
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

  tokenTexts(ids: readonly number[]): string[] {
    const detokenizer = this.detokenizer()
    const texts = ids.map((id) => detokenizer.push(id))
    const last = texts.pop()
    return last === undefined ? [] : [...texts, last + detokenizer.flush()]
  }

  tokenBytes(id: number): Uint8Array {
    return this.#bytes(id)
  }

  isSpecial(id: number): boolean {
    return this.#read.added.get(id)?.special === true
  }

  async applyChatTemplate(messages: readonly ChatMessage[]): Promise<string> {
    if (this.#template !== null) return this.#template.render(messages)
    throw new TokenscopeError('unsupported', 'This model has no chat template.', {
      hint: 'Write the prompt as raw text instead.',
      details: { file: 'tokenizer_config.json', field: 'chat_template' },
    })
  }

  dispose(): void {
    this.#sandbox.dispose()
  }
}

/**
 * Loads a tokenizer from its files.
 * Throws `bad-file` or `unsupported`, naming file, field, what was found and what was expected.
 * @param options.vocabRows rows of the embedding matrix; every id must be below it
 */
export async function loadTokenizer(
  files: TokenizerFiles,
  { vocabRows }: { vocabRows: number },
): Promise<TextTokenizer> {
  const optional = (bytes: Uint8Array | undefined, name: string) => (bytes ? parseJsonFile(bytes, name) : {})
  const config = optional(files.tokenizerConfig, 'tokenizer_config.json')
  const map = optional(files.specialTokensMap, 'special_tokens_map.json')
  const generation = optional(files.generationConfig, 'generation_config.json')
  const read = readTokenizerFile(files.tokenizerJson, vocabRows)
  const tokens = readSpecialTokens(config, map)
  const sandbox = new Sandbox()
  try {
    const encode = read.foreign.length === 0 ? trustedEncode(read.file) : await sandboxedEncode(read, sandbox)
    const jinja = files.chatTemplate ? new TextDecoder().decode(files.chatTemplate) : readTemplate(config)
    const template = jinja === null ? null : new ChatTemplate(jinja, tokens, sandbox)
    const idOf = (token: string | undefined) => (token === undefined ? undefined : read.ids.get(token))
    const ids = [idOf(tokens.eos_token), ...readIds(generation['eos_token_id'], vocabRows)]
    return new LoadedTokenizer({
      read,
      encode,
      sandbox,
      template,
      hasChatTemplate: (await template?.isUsable()) ?? false,
      bosId: idOf(tokens.bos_token) ?? readIds(generation['bos_token_id'], vocabRows)[0] ?? null,
      eosIds: [...new Set(ids.filter((id) => id !== undefined))].sort((a, b) => a - b),
    })
  } catch (error) {
    sandbox.dispose()
    throw error
  }
}
