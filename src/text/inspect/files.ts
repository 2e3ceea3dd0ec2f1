import type { TokenizerFiles } from '../tokenizer.ts'

const NAMES: Readonly<Record<string, keyof TokenizerFiles>> = {
  'tokenizer.json': 'tokenizerJson',
  'vocab.json': 'vocabJson',
  'merges.txt': 'mergesTxt',
  'tokenizer.model': 'tokenizerModel',
  'spiece.model': 'tokenizerModel',
  'sentencepiece.bpe.model': 'tokenizerModel',
  'tokenizer_config.json': 'tokenizerConfig',
  'special_tokens_map.json': 'specialTokensMap',
}

/** The files of a tokenizer among others, by what they are called; folders before a name do not count. */
export function tokenizerFiles(files: ReadonlyMap<string, Uint8Array>): TokenizerFiles {
  const byKind: TokenizerFiles = {}
  for (const [path, bytes] of files) {
    const key = NAMES[path.split('/').at(-1)?.toLowerCase() ?? '']
    if (key !== undefined) byKind[key] ??= bytes
  }
  return byKind
}
