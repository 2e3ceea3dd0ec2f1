import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadTokenizer as loadFrom } from '../../src/index.ts'
import { buildTokenizer, loadTokenizer, type TextTokenizer } from '../../src/text/tokenizer.ts'
import { bytesOf, FIXTURES, readJson } from './shared.ts'

interface Case {
  text: string
  ids: number[]
  decoded: string
}

/** Rows of tokenizer_config.json that leave the ids as the vocabulary's own library gives them. */
const NOTHING_ADDED = { add_bos_token: false, add_eos_token: false }

function sentencePiece(
  name: string,
  config: Record<string, unknown> = NOTHING_ADDED,
): Promise<TextTokenizer> {
  return loadTokenizer({
    tokenizerModel: readFileSync(join(FIXTURES, name, 'tokenizer.model')),
    tokenizerConfig: bytesOf(config),
  })
}

describe('tokenizer.model gives what SentencePiece gives', () => {
  for (const name of ['spm_unigram', 'spm_unigram_bytes', 'spm_bpe', 'spm_bpe_bytes', 'spm_no_prefix']) {
    test(name, async () => {
      const tokenizer = await sentencePiece(name)
      for (const { text, ids, decoded } of readJson<Case[]>(FIXTURES, name, 'cases.json')) {
        expect(await tokenizer.encode(text), JSON.stringify(text)).toEqual(ids)
        expect(
          tokenizer.decode(ids, { special: true }).replaceAll('<unk>', ' ⁇ '),
          JSON.stringify(text),
        ).toBe(decoded)
      }
      tokenizer.dispose()
    })
  }

  test('a BOS or EOS is added as the class does, unless the config says otherwise', async () => {
    const ends = async (config: Record<string, unknown>) => {
      const tokenizer = await sentencePiece('spm_unigram', { bos_token: '<s>', eos_token: '</s>', ...config })
      const [plain, full] = [
        await tokenizer.encode('fox', { addSpecialTokens: false }),
        await tokenizer.encode('fox'),
      ]
      tokenizer.dispose()
      return [full[0] === plain[0] ? null : full[0], full.at(-1) === plain.at(-1) ? null : full.at(-1)]
    }
    expect(await ends({})).toEqual([1, null])
    expect(await ends({ tokenizer_class: 'LlamaTokenizer' })).toEqual([1, null])
    expect(await ends({ tokenizer_class: 'T5Tokenizer' })).toEqual([null, 2])
    expect(await ends({ add_bos_token: true, add_eos_token: true })).toEqual([1, 2])
    expect(await ends(NOTHING_ADDED)).toEqual([null, null])
  })

  test('a cut file and one of another kind are refused', async () => {
    const full = readFileSync(join(FIXTURES, 'spm_bpe', 'tokenizer.model'))
    for (const tokenizerModel of [full.subarray(0, 1000), bytesOf({ a: 1 }), new Uint8Array()]) {
      await expect(loadTokenizer({ tokenizerModel })).rejects.toMatchObject({ code: 'bad-file' })
    }
  })
})

describe('vocab.json with merges.txt', () => {
  const folder = join(FIXTURES, 'vocab_merges')
  const files = {
    vocabJson: readFileSync(join(folder, 'vocab.json')),
    mergesTxt: readFileSync(join(folder, 'merges.txt')),
  }

  test('gives what GPT-2’s tokenizer of Transformers gives', async () => {
    const tokenizer = await loadTokenizer(files)
    for (const { text, ids, decoded } of readJson<Case[]>(FIXTURES, 'vocab_merges', 'cases.json')) {
      expect(await tokenizer.encode(text, { parseSpecial: true }), JSON.stringify(text)).toEqual(ids)
      expect(tokenizer.decode(ids), JSON.stringify(text)).toBe(decoded)
    }
    tokenizer.dispose()
  })

  test('a class that cuts text otherwise is refused by name', async () => {
    const tokenizerConfig = bytesOf({ tokenizer_class: 'CLIPTokenizer' })
    await expect(loadTokenizer({ ...files, tokenizerConfig })).rejects.toThrow(/CLIPTokenizer/)
  })
})

describe('a tokenizer by itself', () => {
  test('loads from a folder without a GPU, and tells what each id adds', async () => {
    const tokenizer = await loadFrom(join(FIXTURES, 'sentencepiece'))
    expect(tokenizer.info).toMatchObject({ bosId: 1, eosIds: [2], hasChatTemplate: false })
    const ids = await tokenizer.encode('가 fox')
    const texts = await tokenizer.tokenTexts(ids)
    expect(texts).toHaveLength(ids.length)
    expect(texts.join('')).toBe(await tokenizer.decode(ids))
    expect(texts.filter((text) => text.includes('가'))).toHaveLength(1)
    await expect(tokenizer.applyChatTemplate([{ role: 'user', content: 'x' }])).rejects.toMatchObject({
      code: 'unsupported',
    })
    await tokenizer.dispose()
  })

  test('a folder without one says what was looked for', async () => {
    await expect(loadFrom(join(FIXTURES, 'spm_bpe', '..'))).rejects.toMatchObject({ code: 'bad-file' })
  })

  test('is built from parts, and tokens of the config go behind the vocabulary', async () => {
    const json = readJson<Record<string, unknown>>(FIXTURES, 'byte_level', 'tokenizer.json')
    const plain = await buildTokenizer(json)
    const more = await buildTokenizer(json, {
      config: {
        added_tokens_decoder: {
          '9999': { content: '<new>', special: true },
          '0': { content: '<|endoftext|>', special: true },
        },
        pad_token: '<pad>',
        add_bos_token: true,
        bos_token: '<|im_start|>',
      },
    })
    expect(more.size).toBe(plain.size + 2)
    expect(await more.encode('<new><pad>', { parseSpecial: true })).toEqual([1, plain.size, plain.size + 1])
    expect(more.decode([plain.size, plain.size + 1])).toBe('')
    plain.dispose()
    more.dispose()
  })
})
