import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { loadTokenizer } from '../../src/text/tokenizer.ts'
import type { ChatMessage } from '../../src/text/types.ts'

const MODEL = fileURLToPath(new URL('../../public/models/tales-3m/', import.meta.url))
const MEGABYTE = 1e6

interface Expected {
  texts: { text: string; ids: number[]; decoded: string }[]
  chats: { messages: ChatMessage[]; text: string }[]
}

interface Evidence {
  stories_seen: { percent: number }
  stories_withheld: { percent: number }
  induction: { percent: number }
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(MODEL + name, 'utf8'))
}

/** Written by `python -m evidence.expected`, from Hugging Face's own tokenizer. */
const expected = JSON.parse(
  readFileSync(new URL('tales-3m.expected.json', import.meta.url), 'utf8'),
) as Expected

async function shippedTokenizer() {
  const bytes = (name: string) => new Uint8Array(readFileSync(MODEL + name))
  const config = read('config.json') as { vocab_size: number }
  const files = {
    tokenizerJson: bytes('tokenizer.json'),
    tokenizerConfig: bytes('tokenizer_config.json'),
    generationConfig: bytes('generation_config.json'),
  }
  return loadTokenizer(files, { vocabRows: config.vocab_size })
}

describe('bundled model', () => {
  test('is small and whole', () => {
    const weights = readFileSync(MODEL + 'model.safetensors')
    expect(weights.byteLength).toBeLessThanOrEqual(12 * MEGABYTE)
    expect(read('config.json')).toMatchObject({
      model_type: 'llama',
      num_hidden_layers: 6,
      num_attention_heads: 6,
      num_key_value_heads: 3,
      tie_word_embeddings: true,
      max_position_embeddings: 512,
    })
    expect(existsSync(MODEL + 'README.md')).toBe(true)
  })

  test('our tokenizer gives the ids of Hugging Face', async () => {
    const tokenizer = await shippedTokenizer()
    for (const { text, ids, decoded } of expected.texts) {
      expect(await tokenizer.encode(text, { parseSpecial: true }), JSON.stringify(text)).toEqual(ids)
      expect(tokenizer.decode(ids), JSON.stringify(text)).toBe(decoded)
    }
    tokenizer.dispose()
  })

  test('sixteen reserved tokens, chats through the template, two ends', async () => {
    const tokenizer = await shippedTokenizer()
    expect(Array.from({ length: 17 }, (_, id) => tokenizer.isSpecial(id))).toEqual([
      ...Array<true>(16).fill(true),
      false,
    ])
    expect(tokenizer.hasChatTemplate).toBe(true)
    for (const { messages, text } of expected.chats)
      expect(await tokenizer.applyChatTemplate(messages)).toBe(text)
    expect(tokenizer.eosIds).toEqual([0, 4])
    tokenizer.dispose()
  })

  test('the card says what the evidence measured, and it reaches its bars', () => {
    const evidence = read('evidence.json') as Evidence
    const card = readFileSync(MODEL + 'README.md', 'utf8')
    for (const percent of [evidence.stories_seen, evidence.stories_withheld, evidence.induction].map(
      (e) => e.percent,
    )) {
      expect(card).toContain(`${percent.toFixed(1)} %`)
    }
    expect(evidence.stories_seen.percent).toBeGreaterThanOrEqual(90)
    expect(evidence.stories_withheld.percent).toBeGreaterThanOrEqual(85)
    expect(evidence.induction.percent).toBeGreaterThanOrEqual(90)
  })
})
