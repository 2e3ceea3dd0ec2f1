import { TokenscopeError } from '../errors.ts'
import type { FileSource } from '../formats/tensors.ts'
import { loadTokenizer, type TextTokenizer, type TokenizerFiles } from './tokenizer.ts'
import type { ChatTemplateInfo } from '../api/chat.ts'
import type { ChatMessage, ChatOptions } from './types.ts'

const MAX_FILE = 100 * 2 ** 20

/** Kinds of tokenizer files, the first that is whole being read. */
const CONTENT = [
  { tokenizerJson: 'tokenizer.json' },
  { vocabJson: 'vocab.json', mergesTxt: 'merges.txt' },
  { tokenizerModel: 'tokenizer.model' },
] as const satisfies readonly Partial<Record<keyof TokenizerFiles, string>>[]

const BESIDE = {
  tokenizerConfig: 'tokenizer_config.json',
  specialTokensMap: 'special_tokens_map.json',
  generationConfig: 'generation_config.json',
  chatTemplate: 'chat_template.jinja',
} as const satisfies Partial<Record<keyof TokenizerFiles, string>>

/**
 * The tokenizer files of a folder; null when there are none.
 * Throws `bad-file` for one that is too large, `network` when one cannot be reached.
 */
export async function readTokenizerFiles(
  source: FileSource,
  signal?: AbortSignal,
): Promise<TokenizerFiles | null> {
  const read = async (names: Partial<Record<keyof TokenizerFiles, string>>): Promise<TokenizerFiles> => {
    const entries = Object.entries(names).map(async ([key, name]) => {
      const exists = await source.has(name)
      return [key, exists ? await source.read(name, { maxBytes: MAX_FILE, signal }) : undefined] as const
    })
    return Object.fromEntries(await Promise.all(entries))
  }
  for (const names of CONTENT) {
    const content = await read(names)
    const isComplete = Object.keys(names).every((key) => content[key as keyof TokenizerFiles] !== undefined)
    if (isComplete) return { ...content, ...(await read(BESIDE)) }
  }
  return null
}

export interface TokenizerInfo {
  id: string
  /** Number of ids, added tokens included. */
  vocab: number
  bosId: number | null
  /** Ids that end a text. */
  eosIds: readonly number[]
  hasChatTemplate: boolean
  /** What was read differently from how the files say it; empty for sound files. */
  warnings: readonly string[]
}

/** A tokenizer by itself, as `loadTokenizer` gives it. */
export interface LoadedTokenizer {
  readonly info: TokenizerInfo
  /** Ids of a text; `parseSpecial: false` treats the spelling of a special token as plain text. */
  encode(text: string, options?: { addSpecialTokens?: boolean; parseSpecial?: boolean }): Promise<number[]>
  /** Text of ids, special tokens left out. */
  decode(ids: readonly number[]): Promise<string>
  /** What each id adds to the text, in context; joined they are `decode(ids)`. */
  tokenTexts(ids: readonly number[]): Promise<string[]>
  /** Messages through the model's own template. Throws `unsupported` without one or when it fails, see `renderChatTemplate`. */
  applyChatTemplate(messages: readonly ChatMessage[], options?: ChatOptions): Promise<string>
  /** The model's own template, and what it reads. */
  chatTemplate(): Promise<ChatTemplateInfo>
  dispose(): Promise<void>
}

function handle(id: string, tokenizer: TextTokenizer): LoadedTokenizer {
  const { size, bosId, eosIds, hasChatTemplate, warnings } = tokenizer
  return {
    info: { id, vocab: size, bosId, eosIds, hasChatTemplate, warnings },
    encode: (text, options) => tokenizer.encode(text, options),
    decode: (ids) => Promise.resolve(tokenizer.decode(ids)),
    tokenTexts: (ids) => Promise.resolve(tokenizer.tokenTexts(ids)),
    applyChatTemplate: (messages, options) => tokenizer.applyChatTemplate(messages, options),
    chatTemplate: () => tokenizer.chatTemplate(),
    dispose: () => Promise.resolve(tokenizer.dispose()),
  }
}

/** The tokenizer of a folder, without its model. Throws `bad-file` where there is none. */
export async function openTokenizer(source: FileSource, signal?: AbortSignal): Promise<LoadedTokenizer> {
  const files = await readTokenizerFiles(source, signal)
  if (files !== null) return handle(source.label, await loadTokenizer(files))
  throw new TokenscopeError('bad-file', `${source.label} has no tokenizer.`, {
    hint: 'Give a folder with tokenizer.json, with vocab.json and merges.txt, or with tokenizer.model.',
    details: { field: 'source', got: source.label, expected: 'tokenizer.json' },
  })
}
