import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { loadTokenizer, type TextTokenizer } from '../../src/text/tokenizer.ts'

/** Real tokenizers and published vectors; not part of the project. */
export const SHARED = resolve(
  process.env['TOKENSCOPE_SHARED'] ?? join(import.meta.dirname, '../../../shared'),
)
export const WITHOUT_SHARED = existsSync(SHARED) ? '' : 'skipped: needs shared data'

export const FIXTURES = resolve(import.meta.dirname, '../fixtures/tokenizers')

/** The type is the caller's word for a file of known form. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function readJson<T>(...path: string[]): T {
  return JSON.parse(readFileSync(join(...path), 'utf8')) as T
}

/** Rows no test vocabulary reaches. */
const ROWS = 200_000

function optional(...path: string[]): Uint8Array | undefined {
  return existsSync(join(...path)) ? readFileSync(join(...path)) : undefined
}

export function loadFolder(folder: string, vocabRows = ROWS): Promise<TextTokenizer> {
  return loadTokenizer(
    {
      tokenizerJson: readFileSync(join(folder, 'tokenizer.json')),
      tokenizerConfig: optional(folder, 'tokenizer_config.json'),
      specialTokensMap: optional(folder, 'special_tokens_map.json'),
      generationConfig: optional(folder, 'generation_config.json'),
    },
    { vocabRows },
  )
}

/** Bytes of a JSON value. */
export function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}
