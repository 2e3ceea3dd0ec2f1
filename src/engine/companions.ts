import type { FileSource } from '../formats/tensors.ts'
import { readTokenizerFiles } from '../text/openTokenizer.ts'
import { loadTokenizer, type TextTokenizer } from '../text/tokenizer.ts'

/** Most bytes of a small JSON file. */
export const SMALL_FILE = 32 * 1024 * 1024
/** Most bytes of a file of a tokenizer. */
const TOKENIZER_FILE = 100 * 1024 * 1024

const COMPANIONS = [
  'config.json',
  'tokenizer.json',
  'vocab.json',
  'merges.txt',
  'tokenizer.model',
  'tokenizer_config.json',
  'generation_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
] as const

/** What stands beside the weights of a checkpoint: its configuration and its tokenizer, as they are. */
export async function readCompanions(source: FileSource): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  for (const name of COMPANIONS) {
    if (await source.has(name)) files.set(name, await source.read(name, { maxBytes: TOKENIZER_FILE }))
  }
  return files
}

/** The tokenizer of a checkpoint with so many rows of embedding; null when its folder has none. */
export async function readTokenizer(
  source: FileSource,
  vocabRows: number,
  signal?: AbortSignal,
): Promise<TextTokenizer | null> {
  const files = await readTokenizerFiles(source, signal)
  return files === null ? null : loadTokenizer(files, { vocabRows })
}
