import { openCheckpoint } from '../formats/checkpoint.ts'
import { findGguf } from '../formats/gguf/find.ts'
import { parseStrictJson } from '../formats/strictJson.ts'
import type { FileSource } from '../formats/tensors.ts'
import { readTokenizerFiles } from '../text/openTokenizer.ts'
import { COMPANIONS, type ModelFiles } from './modelFiles.ts'

/** Most bytes of config.json. */
const CONFIG_BYTES = 32 * 1024 * 1024
/** Most bytes of a file of a tokenizer. */
const TOKENIZER_FILE = 100 * 1024 * 1024

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
  const config = await source.read('config.json', { maxBytes: CONFIG_BYTES, signal })
  return {
    label: source.label,
    config: parseStrictJson(config, 'config.json'),
    checkpoint: await openCheckpoint(source, signal),
    remarks: source.remarks ?? [],
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
