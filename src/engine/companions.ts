import { openCheckpoint } from '../formats/checkpoint.ts'
import { findGguf, ggufCheckpoint } from '../formats/gguf/checkpoint.ts'
import { openGguf } from '../formats/gguf/model.ts'
import { parseStrictJson, type JsonValue } from '../formats/strictJson.ts'
import type { Checkpoint, FileSource } from '../formats/tensors.ts'
import { ggufTokenizer } from '../text/ggufTokenizer.ts'
import { readTokenizerFiles } from '../text/openTokenizer.ts'
import type { TokenizerFiles } from '../text/tokenizer.ts'

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

/** What a model source holds, whichever way its files are laid out. */
export interface ModelFiles {
  readonly label: string
  /** What config.json says, or would. */
  readonly config: JsonValue
  readonly checkpoint: Checkpoint
  /** Lasting remarks on the files. */
  readonly remarks: readonly string[]
  /** Files of the tokenizer of a model with so many rows of embedding; null when there is none. */
  tokenizer(vocabRows: number, signal?: AbortSignal): Promise<TokenizerFiles | null>
  /** What stands beside the weights: configuration and tokenizer, as Hugging Face lays them out. */
  companions(): Promise<Map<string, Uint8Array>>
}

/**
 * Opens a model: a folder of Hugging Face's layout, or a GGUF file that is all of it. Headers are read, no weights.
 * @throws `bad-file`, `unsupported`, `network`, `aborted`.
 */
export async function openModelFiles(source: FileSource, signal?: AbortSignal): Promise<ModelFiles> {
  const gguf = await findGguf(source)
  return gguf === null ? openFolder(source, signal) : openGgufFile(source, gguf, signal)
}

async function openFolder(source: FileSource, signal?: AbortSignal): Promise<ModelFiles> {
  const config = await source.read('config.json', { maxBytes: CONFIG_BYTES, signal })
  return {
    label: source.label,
    config: parseStrictJson(config, 'config.json'),
    checkpoint: await openCheckpoint(source, signal),
    remarks: [],
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

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

async function openGgufFile(source: FileSource, file: string, signal?: AbortSignal): Promise<ModelFiles> {
  const model = await openGguf(source, file, signal)
  const rows = model.config['vocab_size']
  const tokenizer = ggufTokenizer(model.fields, typeof rows === 'number' ? rows : 0)
  const files = tokenizer && {
    tokenizerJson: encode(tokenizer.tokenizerJson),
    tokenizerConfig: encode(tokenizer.tokenizerConfig),
    generationConfig: encode(tokenizer.generationConfig),
  }
  return {
    label: source.label,
    config: model.config as JsonValue,
    checkpoint: ggufCheckpoint(source, model),
    remarks: [...model.remarks, ...(tokenizer?.remarks ?? [])],
    tokenizer: () => Promise.resolve(files),
    companions: () =>
      Promise.resolve(
        new Map([
          ['config.json', encode(model.config)],
          ...(files
            ? ([
                ['tokenizer.json', files.tokenizerJson],
                ['tokenizer_config.json', files.tokenizerConfig],
                ['generation_config.json', files.generationConfig],
              ] as const)
            : []),
        ]),
      ),
  }
}
