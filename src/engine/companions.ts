import { openCheckpoint } from '../formats/checkpoint.ts'
import { findGguf } from '../formats/gguf/find.ts'
import { parseStrictJson } from '../formats/strictJson.ts'
import type { FileSource } from '../formats/tensors.ts'
import { readTokenizerFiles } from '../text/openTokenizer.ts'
import { isPacked } from '../formats/packed/isPacked.ts'
import type { ModelFiles } from './modelFiles.ts'

/** Most bytes of config.json. */
const CONFIG_BYTES = 32 * 1024 * 1024
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

/**
 * Opens a model: a folder of Hugging Face's layout, or a GGUF file that is all of it. Headers are read, no weights.
 * @throws `bad-file`, `unsupported`, `network`, `aborted`.
 */
export async function openModelFiles(source: FileSource, signal?: AbortSignal): Promise<ModelFiles> {
  const gguf = await findGguf(source)
  if (gguf === null) return openFolder(source, signal)
  // Most visits open none.
  const { openGgufFile } = await import('./ggufFile.ts')
  return openGgufFile(source, gguf, signal)
}

async function openFolder(source: FileSource, signal?: AbortSignal): Promise<ModelFiles> {
  const text = await source.read('config.json', { maxBytes: CONFIG_BYTES, signal })
  const config = parseStrictJson(text, 'config.json')
  const checkpoint = await openCheckpoint(source, signal)
  return {
    label: source.label,
    ...(isPacked(config, checkpoint)
      ? await (await import('../formats/packed/open.ts')).openPacked(config, checkpoint, { source, signal })
      : { config, checkpoint, remarks: [] }),
    tokenizer: (_, aborted) => readTokenizerFiles(source, aborted),
    async companions() {
      const files = new Map<string, Uint8Array>()
      for (const name of COMPANIONS) {
        if (await source.has(name)) files.set(name, await source.read(name, { maxBytes: TOKENIZER_FILE }))
      }
      return files
    },
  }
}
