import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { wordTokenizer } from '../scripts/wordTokenizer.mjs'

const MODELS = join(import.meta.dirname, 'fixtures/models')

/** A tiny model with a tokenizer of words: `w3` is id 8. */
export function encoderFiles(name: string, mask: string): Map<string, Uint8Array> {
  const words = Array.from({ length: 60 }, (_, i) => `w${i}`)
  const written = Object.entries(wordTokenizer(words, mask)).map(([file, value]): [string, Uint8Array] => [
    file,
    new TextEncoder().encode(JSON.stringify(value)),
  ])
  const files = new Map<string, Uint8Array>(written)
  for (const file of ['config.json', 'model.safetensors'])
    files.set(file, new Uint8Array(readFileSync(join(MODELS, name, file))))
  return files
}
