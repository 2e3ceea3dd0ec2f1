import { openCheckpoint } from '../formats/checkpoint.ts'
import { findGguf } from '../formats/gguf/find.ts'
import { parseStrictJson, type JsonValue } from '../formats/strictJson.ts'
import type { Checkpoint, FileSource } from '../formats/tensors.ts'
import { readTokenizerFiles } from '../text/openTokenizer.ts'
import { isPacked } from '../formats/packed/isPacked.ts'
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

/** The checkpoint as a model reads it, whether or not it is packed. */
export async function unpacked(
  config: JsonValue,
  checkpoint: Checkpoint,
  source: FileSource,
  signal?: AbortSignal,
): Promise<Pick<ModelFiles, 'config' | 'checkpoint' | 'remarks'>> {
  const remarks = source.remarks ?? []
  if (!isPacked(config, checkpoint)) return { config, checkpoint, remarks }
  const { openPacked } = await import('../formats/packed/open.ts')
  const opened = await openPacked(config, checkpoint, { source, signal })
  return { ...opened, remarks: [...remarks, ...opened.remarks] }
}

async function openFolder(source: FileSource, signal?: AbortSignal): Promise<ModelFiles> {
  const text = await source.read('config.json', { maxBytes: CONFIG_BYTES, signal })
  const config = parseStrictJson(text, 'config.json')
  const checkpoint = await openCheckpoint(source, signal)
  return {
    label: source.label,
    ...(await unpacked(config, checkpoint, source, signal)),
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
