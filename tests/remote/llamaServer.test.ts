import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectModel } from '../../src/index.ts'
import type { ConnectedModel } from '../../src/remote/types.ts'
import type { ChatMessage } from '../../src/text/types.ts'
import { collect, eventually } from './collect.ts'
import {
  idle,
  LORA,
  post,
  slotsOf,
  startLlama,
  startTap,
  startWorkers,
  stopAll,
  WITHOUT_LORA,
  WITHOUT_SERVER,
  WITHOUT_WORKERS,
  type Running,
} from './llamaProcess.ts'

/** Its threads spin while they wait: on a busy machine an answer takes long. */
const TIMEOUT = 5 * 60_000

const TEXTS = ['Hello, world!', '  two spaces\n\ttab', 'naïve café 😀 漢字', '<|im_start|>user', '']
const CHATS: readonly (readonly ChatMessage[])[] = [
  [{ role: 'user', content: 'What is the capital of France?' }],
  [
    { role: 'system', content: 'Answer in one word.' },
    { role: 'user', content: 'A colour?' },
    { role: 'assistant', content: 'Blue.' },
    { role: 'user', content: 'Another <b>one</b> 😀?' },
  ],
]
const PROMPT = 'Once upon a time, in a village by the sea,'

afterAll(stopAll)

describe.skipIf(WITHOUT_SERVER)(`a real server of llama.cpp ${WITHOUT_SERVER}`, { timeout: TIMEOUT }, () => {
  let server: Running
  let model: ConnectedModel

  beforeAll(async () => {
    server = await startLlama()
    model = await connectModel(server.url)
  }, TIMEOUT)

  test('is known by what it says of itself', () => {
    const { info } = model
    expect(info.remote.engine).toMatch(/^llama\.cpp’s server/)
    expect(info).toMatchObject({
      vocab: 49152,
      hidden: 576,
      parameters: 134515008,
      context: 512,
      weights: 'Q4_1',
      eosIds: [2],
    })
    expect(info.remote.models).toEqual([info.id])
  })

  test.each(TEXTS)('ids of %j are its own', async (content) => {
    for (const special of [false, true]) {
      const own = await post(server.url, '/tokenize', { content, add_special: true, parse_special: special })
      expect(await model.encode(content, { parseSpecial: special })).toEqual(own['tokens'])
    }
    const ids = await model.encode(content)
    expect(await model.decode(ids)).toBe(content)
    expect((await model.tokenTexts(ids)).join('')).toBe(content)
  })

  test.each(CHATS.map((messages) => [messages]))('the chat %j is rendered as it does', async (messages) => {
    const own = await post(server.url, '/apply-template', { messages })
    expect(await model.applyChatTemplate(messages)).toBe(own['prompt'])
  })

  test.each(CHATS.map((messages) => [messages]))('the greedy answer to %j is its own', async (messages) => {
    const body = { messages, temperature: 0, max_tokens: 24 }
    const own = await post(server.url, '/v1/chat/completions', body)
    const [choice] = own['choices'] as { message: { content: string } }[]
    const { text, error } = await collect(model.generate(messages, { temperature: 0, maxTokens: 24 }))
    expect(error).toBeNull()
    expect(text).toBe(choice?.message.content)
  })

  test('greedy ids from a text are its own, and every probability is the one sent', async () => {
    const tap = await startTap(server.url)
    const tapped = await connectModel(tap.url)
    tap.events.length = 0
    const { tokens } = await collect(
      tapped.generate(PROMPT, { temperature: 0, maxTokens: 16, topLogprobs: 5 }),
    )
    await eventually(() => expect(tap.events.at(-1)?.['stop']).toBe(true))
    const sent = tap.events.flatMap(
      (event) => (event['completion_probabilities'] as Sent[] | undefined) ?? [],
    )
    expect(tokens.map(({ id, logprob }) => ({ id, logprob }))).toEqual(
      sent.map(({ id, logprob }) => ({ id, logprob })),
    )
    expect(tokens.map(({ top }) => top)).toEqual(
      sent.map(({ top_logprobs }) =>
        top_logprobs.map(({ id, token, logprob }) => ({ id, text: token, logprob })),
      ),
    )
    const own = await post(server.url, '/completion', {
      prompt: PROMPT,
      n_predict: 16,
      temperature: 0,
      return_tokens: true,
    })
    expect(tokens.map(({ id }) => id)).toEqual(own['tokens'])
  })

  test('seed and settings arrive, and a seed gives the same text again', async () => {
    const tap = await startTap(server.url)
    const tapped = await connectModel(tap.url)
    const options = {
      temperature: 0.5,
      topK: 7,
      topP: 0.75,
      minP: 0.0625,
      repetitionPenalty: 1.25,
      seed: 11,
      maxTokens: 12,
      stop: ['##'],
    }
    const first = await collect(tapped.generate(PROMPT, options))
    await eventually(() => expect(tap.events.at(-1)?.['stop']).toBe(true))
    expect(tap.events.at(-1)?.['generation_settings']).toMatchObject({
      temperature: 0.5,
      top_k: 7,
      top_p: 0.75,
      min_p: 0.0625,
      repeat_penalty: 1.25,
      seed: 11,
      n_predict: 12,
      stop: ['##'],
      samplers: ['penalties', 'temperature', 'top_k', 'top_p', 'min_p'],
    })
    expect(await collect(tapped.generate(PROMPT, options))).toMatchObject({ text: first.text, error: null })
    const others = await Promise.all(
      [12, 13, 14].map((seed) => collect(tapped.generate(PROMPT, { ...options, temperature: 1.5, seed }))),
    )
    expect(new Set(others.map(({ text }) => text)).size).toBeGreaterThan(1)
  })

  test('through OpenAI’s shape it gives the same greedy answer, with ids and log-probabilities', async () => {
    const tap = await startTap(server.url, '/props')
    const shaped = await connectModel(tap.url)
    expect(shaped.info.remote.engine).toMatch(/^llama\.cpp/)
    const { capabilities } = shaped.info.remote
    const offered = ['prompt-text', 'prompt-ids', 'prompt-chat', 'token-ids', 'logprobs', 'top-k'] as const
    expect(offered.filter((name) => capabilities[name] !== true)).toEqual([])
    expect(capabilities.encode).not.toBe(true)
    expect(capabilities.score).not.toBe(true)
    const prompts = [PROMPT, await model.encode(PROMPT), CHATS[0]!]
    for (const prompt of prompts) {
      const options = { temperature: 0, maxTokens: 12, topLogprobs: 3 }
      const own = await collect(model.generate(prompt, options))
      const { tokens, text, error } = await collect(shaped.generate(prompt, options))
      expect(error).toBeNull()
      expect(text).toBe(own.text)
      const shown = tokens.filter(({ id }) => id !== null)
      expect(shown.map(({ id }) => id)).toEqual(own.tokens.map(({ id }) => id))
      expect(shown.every(({ logprob, top }) => logprob !== null && top.length === 3)).toBe(true)
    }
  })

  test('a stop ends the request there', async () => {
    await idle(server.url)
    const stop = new AbortController()
    const options = { maxTokens: 400, temperature: 1, topK: 0, topP: 1, signal: stop.signal }
    const tokens = []
    for await (const token of model.generate(PROMPT, options)) {
      tokens.push(token)
      if (tokens.length === 4) stop.abort()
    }
    expect(tokens.at(-1)?.finish).toBe('abort')
    await idle(server.url)
    const decoded = (await slotsOf(server.url)).map((slot) => slot.next_token?.[0]?.n_decoded ?? 0)
    expect(Math.max(...decoded)).toBeLessThan(400)
  })

  test('tokens that leave a character unfinished appear without id, and the text is whole', async () => {
    const prompt = 'Emoji: 😀 😃 😄 😁 😆 😅 😂 😀 😃 😄 😁 😆 😅 😂 😀 😃 😄'
    const { tokens, text } = await collect(model.generate(prompt, { temperature: 0, maxTokens: 18 }))
    expect(text).toMatch(/\p{Emoji_Presentation}/u)
    expect(text).not.toContain('\ufffd')
    expect(tokens).toHaveLength(18)
    expect(tokens.some(({ id, text }) => id === null && text === '')).toBe(true)
  })

  test('eight branches at once', async () => {
    const ids = await model.encode(PROMPT)
    const watching: number[] = []
    const children = model.expand(ids, 8, { topLogprobs: 3 })
    const long = Array.from({ length: 8 }, (_, seed) =>
      collect(model.generate(PROMPT, { seed, temperature: 1, maxTokens: 48 })),
    )
    await eventually(async () => {
      watching.push((await slotsOf(server.url)).filter((slot) => slot.is_processing).length)
      expect(Math.max(...watching)).toBe(8)
    })
    const [runs, grown] = await Promise.all([Promise.all(long), children])
    expect(runs.every(({ error }) => error === null)).toBe(true)
    expect(grown).toHaveLength(8)
    for (const child of grown) {
      const separate = await model.fork([...ids, child.token.id], ids.length, child.token.id, {
        topLogprobs: 3,
      })
      expect(child.next.top[0]?.id).toBeDefined()
      // Activations are rounded to 8 bits there, differently in another batch.
      const same = separate.next.top.find(({ id }) => id === child.next.top[0]?.id)
      expect(Math.abs((same?.logprob ?? NaN) - (child.next.top[0]?.logprob ?? NaN))).toBeLessThan(0.2)
    }
  })
})

interface Sent {
  id: number
  logprob: number
  top_logprobs: { id: number; token: string; logprob: number }[]
}

describe.skipIf(WITHOUT_LORA)(`its adapters ${WITHOUT_LORA}`, { timeout: TIMEOUT }, () => {
  test('the slider changes the answer, and off is the base', async () => {
    const [base, server] = await Promise.all([startLlama(), startLlama(['--lora', LORA])])
    const [plain, model] = await Promise.all([connectModel(base.url), connectModel(server.url)])
    const [adapter] = await model.listAdapters()
    expect(adapter?.name).toMatch(/\.gguf$/)
    const answer = async (from: ConnectedModel, scale?: number): Promise<number[]> => {
      if (scale !== undefined) await model.setAdapterScale(adapter?.id ?? '', scale)
      const { tokens, error } = await collect(from.generate(CHATS[0]!, { temperature: 0, maxTokens: 8 }))
      expect(error).toBeNull()
      return tokens.map(({ logprob }) => logprob ?? NaN)
    }
    const off = await answer(model, 0)
    const half = await answer(model, 0.5)
    const full = await answer(model, 1)
    expect(off).toEqual(await answer(plain))
    expect(half).not.toEqual(off)
    expect(full).not.toEqual(half)
    expect(await answer(model, 0)).toEqual(off)
  })
})

describe.skipIf(WITHOUT_WORKERS)(`its workers ${WITHOUT_WORKERS}`, { timeout: TIMEOUT }, () => {
  test('the greedy text is the same with the model split over two', async () => {
    const workers = await startWorkers(2)
    const [full, split] = await Promise.all([startLlama(), startLlama(['--rpc', workers])])
    const texts = await Promise.all(
      [full, split].map(async ({ url }) => {
        const model = await connectModel(url)
        return (await collect(model.generate(CHATS[0]!, { temperature: 0, maxTokens: 16 }))).text
      }),
    )
    expect(texts[1]).toBe(texts[0])
    expect(texts[0]).not.toBe('')
  })
})
