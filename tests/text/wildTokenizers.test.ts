import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { loadTokenizer, type TextTokenizer } from '../../src/text/tokenizer.ts'
import { readJson, SHARED, WITHOUT_SHARED } from './shared.ts'

interface Expected {
  refused_by_tokenizers?: string
  cases?: {
    text: string
    ids: number[]
    with_special: number[]
    plain: number[]
    decoded: string
    decoded_special: string
  }[]
}

const ROOT = join(SHARED, 'wild/tokenizers')

function load(name: string): Promise<TextTokenizer> {
  const optional = (file: string) => {
    const path = join(ROOT, name, file)
    return existsSync(path) ? readFileSync(path) : undefined
  }
  return loadTokenizer(
    {
      tokenizerJson: gunzipSync(readFileSync(join(ROOT, name, 'tokenizer.json.gz'))),
      tokenizerConfig: optional('tokenizer_config.json'),
      specialTokensMap: optional('special_tokens_map.json'),
    },
    { vocabRows: 300_000 },
  )
}

describe.skipIf(WITHOUT_SHARED)(`tokenizers as people published them ${WITHOUT_SHARED}`, () => {
  for (const name of existsSync(ROOT) ? readdirSync(ROOT) : []) {
    test(name, async () => {
      const { cases, refused_by_tokenizers: refused } = readJson<Expected>(ROOT, name, 'expected.json')
      if (refused !== undefined) {
        await expect(load(name)).rejects.toMatchObject({ code: 'bad-file' })
        return
      }
      const tokenizer = await load(name)
      for (const { text, ids, with_special, plain, decoded, decoded_special } of cases ?? []) {
        const shown = JSON.stringify(text)
        const encode = (addSpecialTokens: boolean, parseSpecial: boolean) =>
          tokenizer.encode(text, { addSpecialTokens, parseSpecial })
        expect(await encode(false, true), shown).toEqual(ids)
        expect(await encode(true, true), shown).toEqual(with_special)
        expect(await encode(false, false), shown).toEqual(plain)
        expect(tokenizer.decode(with_special), shown).toBe(decoded)
        expect(tokenizer.decode(with_special, { special: true }), shown).toBe(decoded_special)
      }
      tokenizer.dispose()
    })
  }
})
