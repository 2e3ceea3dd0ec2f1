import { ggufCheckpoint } from '../formats/gguf/checkpoint.ts'
import { openGguf } from '../formats/gguf/model.ts'
import type { JsonValue } from '../formats/strictJson.ts'
import type { FileSource } from '../formats/tensors.ts'
import { ggufTokenizer } from '../text/ggufTokenizer.ts'
import type { ModelFiles } from './modelFiles.ts'

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

/** A GGUF file as the folder that it stands for. Throws as `openModelFiles` does. */
export async function openGgufFile(
  source: FileSource,
  file: string,
  signal?: AbortSignal,
): Promise<ModelFiles> {
  const model = await openGguf(source, file, signal)
  const rows = model.config['vocab_size']
  const tokenizer = ggufTokenizer(model.fields, typeof rows === 'number' ? rows : 0)
  const files = tokenizer && {
    tokenizerJson: tokenizer.tokenizerJson,
    tokenizerConfig: encode(tokenizer.tokenizerConfig),
    generationConfig: encode(tokenizer.generationConfig),
  }
  return {
    label: source.label,
    config: model.config as JsonValue,
    checkpoint: ggufCheckpoint(source, model),
    remarks: [...(source.remarks ?? []), ...model.remarks, ...(tokenizer?.remarks ?? [])],
    tokenizer: () => Promise.resolve(files),
    companions: () =>
      Promise.resolve(
        new Map([
          ['config.json', encode(model.config)],
          ...(files
            ? ([
                ['tokenizer.json', encode(files.tokenizerJson)],
                ['tokenizer_config.json', files.tokenizerConfig],
                ['generation_config.json', files.generationConfig],
              ] as const)
            : []),
        ]),
      ),
  }
}
