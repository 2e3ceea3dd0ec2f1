import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Engine } from '../../src/engine/engine.ts'
import type { ChatMessage } from '../../src/text/types.ts'
import { maxDifference } from '../nmse.ts'
import { BEGIN, END, scriptedModel } from './engine.scripted.ts'
import { collect, fixture, loadEngine, refusal, STORIES, WITHOUT_SHARED } from './engine.support.ts'

interface Expected {
  greedy_from_bos: number[]
  greedy_text: string
  prefix_ids: number[]
  last_logits_f64_reference: number[]
  argmax_per_position: number[]
}

test.skipIf(WITHOUT_SHARED)(
  `stories260K writes what it was published to write ${WITHOUT_SHARED}`,
  async () => {
    const expected = JSON.parse(await readFile(`${STORIES}/expected.json`, 'utf8')) as Expected
    const model = await loadEngine(STORIES)
    const { data } = await model.logits(expected.prefix_ids)
    const rows = expected.prefix_ids.map((_, i) => data.subarray(i * 512, (i + 1) * 512))
    expect(maxDifference(rows.at(-1)!, expected.last_logits_f64_reference)).toBeLessThan(1e-3)
    expect(rows.map((row) => row.indexOf(Math.max(...row)))).toEqual(expected.argmax_per_position)
    const [bos, ...rest] = expected.greedy_from_bos
    const answer = await collect(model, [bos!], { temperature: 0, maxTokens: rest.length })
    expect(answer.ids).toEqual(rest)
    expect(answer.text.trim()).toBe(expected.greedy_text.trim())
    await model.dispose()
  },
)

describe('a model that writes a known text', () => {
  const TEXT = '안녕하세요, 반가워요! 👨‍👩‍👧‍👦 A family — 끝. Once more: stop here and go on.'
  const { files, script } = scriptedModel(TEXT)
  let model: Engine
  beforeAll(async () => void (model = await loadEngine(files)))
  afterAll(() => model.dispose())

  test('streams characters of several tokens whole, and ends on its end token', async () => {
    const answer = await collect(model, 'x', { temperature: 0 })
    expect(answer.ids).toEqual([...script, END])
    expect(answer.text).toBe(TEXT)
    expect(answer.tokens.map(({ text }) => text).join('|')).not.toContain('�')
    expect(answer.finish).toBe('stop')
    expect(answer.tokens.slice(0, -1).every(({ finish }) => finish === null)).toBe(true)
    expect(answer.tokens.map(({ index, position }) => position - index)).toEqual(answer.ids.map(() => 2))
  })

  test('a character that never becomes whole appears at the end, as U+FFFD', async () => {
    const answer = await collect(model, 'x', { temperature: 0, maxTokens: 1 })
    expect(answer).toMatchObject({ ids: script.slice(0, 1), text: '\uFFFD', finish: 'length' })
  })

  test.each(['stop here', '👧', '요, 반', 'A', '.'])('ends before the stop string %j', async (stop) => {
    const answer = await collect(model, 'x', { temperature: 0, stop: [stop] })
    expect(answer.text).toBe(TEXT.slice(0, TEXT.indexOf(stop)))
    expect(answer.finish).toBe('stop')
    expect(answer.tokens.filter(({ finish }) => finish !== null)).toHaveLength(1)
  })

  test('a stop string that only begins is emitted in the end', async () => {
    const answer = await collect(model, 'x', { temperature: 0, stop: ['on.!'] })
    expect(answer.text).toBe(TEXT)
  })

  test('ends on a stop id, without its text', async () => {
    const at = 6
    const answer = await collect(model, 'x', { temperature: 0, stop: [script[at]!] })
    expect(answer.ids).toEqual(script.slice(0, at + 1))
    expect(answer.finish).toBe('stop')
    expect(TEXT.startsWith(answer.text.replace(/�$/, ''))).toBe(true)
  })

  test('an empty prompt is the token that starts a text', async () => {
    for (const prompt of ['', []] as const) {
      const [first] = (await collect(model, prompt, { temperature: 0, maxTokens: 1 })).tokens
      expect(first).toMatchObject({ position: 1, id: script[0] })
    }
    expect(await model.encode('')).toEqual([BEGIN])
  })

  test('a lone surrogate becomes U+FFFD', async () => {
    const ids = await model.encode('a\uD800b', { addSpecialTokens: false })
    expect(await model.decode(ids)).toBe('a\uFFFDb')
    expect((await collect(model, 'a\uD800b', { temperature: 0, maxTokens: 1 })).ids).toEqual([script[0]])
  })

  test('special tokens typed by a person are plain text, those of a chat template are not', async () => {
    const typed = await model.encode('<|im_start|>', { addSpecialTokens: false })
    expect(typed).toHaveLength('<|im_start|>'.length)
    const messages: ChatMessage[] = [{ role: 'user', content: 'hi' }]
    const chat = await collect(model, messages, { temperature: 0, maxTokens: 1 })
    expect(chat.tokens[0]?.position).toBe(3 + 'user\nhi'.length + 'assistant\n'.length)
  })
})

test.each([
  ['<|im_end|>', 'one two '],
  ['two <|im_end|>', 'one '],
  ['<|im_end|>th', 'one two '],
  ['<|im_end|>!', 'one two three'],
])('the stop string %j, which names a special token, ends the text with %j', async (stop, text) => {
  const words = 'one two three'
  const { files, script } = scriptedModel(words, { special: { behind: 4, id: 3 } })
  const model = await loadEngine(files)
  const answer = await collect(model, 'x', { temperature: 0, stop: [stop] })
  expect([answer.text, answer.finish]).toEqual([text, 'stop'])
  // The last of them begins a stop string that never comes: the model's own end token ends it.
  expect(answer.ids.at(-1) === END).toBe(text === words)
  expect(script).toContain(3)
  await model.dispose()
})

test('alternatives read as the stream shows them, and so does the chosen one among them', async () => {
  const { files } = scriptedModel('강 하나, then one')
  const model = await loadEngine(files)
  const { tokens } = await collect(model, 'x', { temperature: 0, topLogprobs: 4 })
  const own = tokens.slice(0, -1).map(({ id, text, top }) => [text, top.find((one) => one.id === id)?.text])
  for (const [text, among] of own) expect(among).toMatch(text === '' ? /<0x[0-9A-F]{2}>$/ : text!)
  expect(own.some(([text]) => text === '')).toBe(true)
  await model.dispose()
})

test.each([
  ['config.json names one, generation_config.json another', 7, [7, END]],
  ['generation_config.json is silent', null, [5, END]],
])('ends: %s', async (_, said, ends) => {
  const { files } = scriptedModel('one two three')
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
  const config = JSON.parse(new TextDecoder().decode(files.get('config.json'))) as object
  files.set('config.json', bytes({ ...config, eos_token_id: 5 }))
  files.set('generation_config.json', bytes(said === null ? {} : { eos_token_id: said }))
  const model = await loadEngine(files)
  expect([...model.info.eosIds].sort((a, b) => b - a)).toEqual(ends)
  await model.dispose()
})

test('a model without a tokenizer takes ids only', async () => {
  const model = await loadEngine(fixture('llama'))
  expect(model.info).toMatchObject({ hasTokenizer: false, bosId: 1 })
  expect(model.info.warnings.join()).toContain('tokenizer.json')
  const { ids, text } = await collect(model, [3, 4], { temperature: 0, maxTokens: 4 })
  expect([ids.length, text]).toEqual([4, ''])
  for (const call of [
    (): Promise<unknown> => collect(model, 'text'),
    () => model.encode('text'),
    () => model.decode([3]),
  ]) {
    await refusal(Promise.resolve().then<unknown>(call), 'unsupported')
  }
  await model.dispose()
})
