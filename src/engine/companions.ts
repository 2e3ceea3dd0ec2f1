import type { FileSource } from '../formats/tensors.ts'
import { loadTokenizer, type TextTokenizer } from '../text/tokenizer.ts'

/** Most bytes of a small JSON file. */
export const SMALL_FILE = 32 * 1024 * 1024
const TOKENIZER_FILE = 100 * 1024 * 1024

async function optionalFile(
  source: FileSource,
  name: string,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  return (await source.has(name)) ? source.read(name, { maxBytes, signal }) : undefined
}

const TOKENIZER_FILES = [
  'tokenizer_config.json',
  'generation_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
] as const

/** What stands beside the weights of a checkpoint: its configuration and its tokenizer, as they are. */
export async function readCompanions(source: FileSource): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  for (const name of ['config.json', 'tokenizer.json', ...TOKENIZER_FILES]) {
    const content = await optionalFile(source, name, TOKENIZER_FILE)
    if (content) files.set(name, content)
  }
  return files
}

export async function readTokenizer(
  source: FileSource,
  vocabRows: number,
  signal?: AbortSignal,
): Promise<TextTokenizer | null> {
  const tokenizerJson = await optionalFile(source, 'tokenizer.json', TOKENIZER_FILE, signal)
  if (!tokenizerJson) return null
  const [tokenizerConfig, generationConfig, specialTokensMap, chatTemplate] = await Promise.all(
    TOKENIZER_FILES.map((name) => optionalFile(source, name, SMALL_FILE, signal)),
  )
  return loadTokenizer(
    { tokenizerJson, tokenizerConfig, generationConfig, specialTokensMap, chatTemplate },
    { vocabRows },
  )
}
