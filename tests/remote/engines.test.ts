import { afterEach, describe, expect, test } from 'vitest'
import { connectModel } from '../../src/index.ts'
import type { Capabilities, ConnectedModel, ConnectOptions } from '../../src/remote/types.ts'
import { UNOFFERED } from '../../src/remote/types.ts'
import type { GenerateOptions, Prompt } from '../../src/api/model.ts'
import { collect, failure } from './collect.ts'
import {
  ANSWER,
  BOS,
  CONTEXT,
  EOS,
  idOf,
  idsOf,
  logprobOf,
  otherOf,
  SHAPES,
  startFake,
  type Body,
  type FakeEngine,
  type Shape,
} from './fakeEngine.ts'

let engine: FakeEngine | undefined

afterEach(() => engine?.close())

async function connect(shape: Shape, options?: ConnectOptions): Promise<ConnectedModel> {
  engine = await startFake(shape)
  return connectModel(engine.url, options)
}

function lastBody(path: string): Body {
  const body = engine?.asked.findLast((asked) => asked.path === path)?.body
  expect(body, `a request to ${path}`).toBeDefined()
  return body ?? {}
}

/** Capabilities that differ between the shapes, in the order of {@link OFFERED}'s letters. */
const COLUMNS = [
  'prompt-text',
  'prompt-ids',
  'prompt-chat',
  'token-ids',
  'logprobs',
  'top-k',
  'repetition-penalty',
  'stop-ids',
  'encode',
  'decode',
  'tokenTexts',
  'applyChatTemplate',
  'score',
  'tokenLogits',
  'fork',
  'setAdapterScale',
  'adapter-scales',
] as const satisfies readonly (keyof Capabilities)[]

const OFFERED: Readonly<Record<Shape, string>> = {
  //            text ids chat ids logp topk rep stop enc dec texts tmpl score logits fork adapter scales
  vllm: /*   */ 'y y y y y y y y y y y y y y y y n',
  sglang: /* */ 'y y y n y y y y y y y n y n n n n',
  ollama: /* */ 'y n y n y n n n n n n n n n n n n',
  'ollama-old': 'y n y n n n n n n n n n n n n n n',
  'chat-only': 'n n y n n n n n n n n n n n n n n',
  llama: /*  */ 'y y y y y y y y y y y y n y y y y',
}

describe('what an engine offers is found by asking', () => {
  test.each(SHAPES)('%s', async (shape) => {
    const { info } = await connect(shape)
    const result = COLUMNS.map((name) => (info.remote.capabilities[name] === true ? 'y' : 'n'))
    expect(result.join(' ')).toBe(OFFERED[shape])
    expect(info.remote.url).toBe(engine?.url)
    expect(info.context).toBe(['vllm', 'sglang', 'llama'].includes(shape) ? CONTEXT : 0)
  })

  test.each(SHAPES)('%s is asked with one letter and nothing else', async (shape) => {
    await connect(shape)
    const sent =
      engine?.asked.flatMap(({ body }) => [body['prompt'], body['content'], body['messages']]) ?? []
    const said = sent.filter((one) => one !== undefined).map((one) => JSON.stringify(one))
    const allowed = [
      '"a"',
      '[97]',
      '[97,97]',
      '[1]',
      '[1,1]',
      '""',
      '"</s>"',
      '[{"role":"user","content":"a"}]',
    ]
    expect(said.filter((one) => !allowed.includes(one))).toEqual([])
  })

  test('the address may be that of /v1, and the model any that is listed', async () => {
    engine = await startFake('vllm')
    const model = await connectModel(`${engine.url}/v1/`, { model: 'tiny-lora' })
    expect(model.info.id).toBe('tiny-lora')
    expect(model.info.remote.models).toEqual(['tiny', 'tiny-lora'])
    expect(model.info.remote.engine).toBe('vLLM 0.99')
  })

  test.each(['no address', 'ftp://127.0.0.1', 'http://name:secret@127.0.0.1'])(
    '%s is refused',
    async (url) => {
      const error = await failure(connectModel(url))
      expect(error.code).toBe('bad-argument')
      expect(JSON.stringify([error.message, error.details])).not.toContain('secret')
    },
  )
})

const PROMPTS: Readonly<Record<string, Prompt>> = {
  text: 'Hi',
  ids: idsOf('Hi'),
  chat: [{ role: 'user', content: 'Hi' }],
}

describe('generating', () => {
  const cases = SHAPES.flatMap((shape) => Object.keys(PROMPTS).map((kind) => [shape, kind] as const))

  test.each(cases)('%s, from %s', async (shape, kind) => {
    const model = await connect(shape)
    const can = model.info.remote.capabilities
    const prompt = PROMPTS[kind]!
    const run = await collect(model.generate(prompt, { topLogprobs: 2 }))
    if (can[`prompt-${kind}` as 'prompt-text'] !== true) {
      expect(run.error?.code).toBe('unsupported')
      return
    }
    expect(run.error).toBeNull()
    expect(run.text).toBe(ANSWER)
    expect(run.tokens.at(-1)?.finish).toBe('stop')
    expect(run.tokens.slice(0, -1).every(({ finish }) => finish === null)).toBe(true)
    const answered = run.tokens.slice(0, ANSWER.length)
    expect(answered.map(({ text }) => text)).toEqual([...ANSWER])
    const none = answered.map(() => null)
    expect(answered.map(({ id }) => id)).toEqual(can['token-ids'] === true ? idsOf(ANSWER) : none)
    const sent = can.logprobs === true
    expect(answered.map(({ logprob }) => logprob)).toEqual(sent ? answered.map((_, i) => logprobOf(i)) : none)
    const known = can['token-ids'] === true
    const alternatives = answered.map(({ text }, index) => [
      { id: known ? idOf(text) : null, text, logprob: logprobOf(index) },
      { id: known ? idOf('x') : null, text: 'x', logprob: otherOf(index) },
    ])
    expect(answered.map(({ top }) => top)).toEqual(sent ? alternatives : answered.map(() => []))
  })

  test.each(['vllm', 'ollama', 'ollama-old', 'llama'] as const)('%s stops at the limit', async (shape) => {
    const model = await connect(shape)
    const { tokens } = await collect(model.generate('Hi', { maxTokens: 3 }))
    expect(tokens.map(({ text, finish }) => [text, finish])).toEqual([
      ['F', null],
      ['i', null],
      ['n', 'length'],
    ])
  })

  test('an end token comes last, by its id and without text', async () => {
    const model = await connect('llama')
    const { tokens } = await collect(model.generate('Hi'))
    expect(tokens.at(-1)).toMatchObject({ id: EOS, text: '', finish: 'stop' })
    expect(tokens[0]?.position).toBe([BOS, ...idsOf('Hi')].length)
  })

  test.each(['vllm', 'llama'] as const)('%s: stops by string and by id', async (shape) => {
    const model = await connect(shape)
    expect((await collect(model.generate('Hi', { stop: ['e, '] }))).text).toBe('Fin')
    const byId = await collect(model.generate('Hi', { stop: [idOf(',')] }))
    expect(byId.text).toBe('Fine')
    expect(byId.tokens.at(-1)).toMatchObject({ id: idOf(','), text: '', finish: 'stop' })
  })

  test('what was read of the prompt is told', async () => {
    const model = await connect('llama')
    const seen: number[][] = []
    await collect(model.generate('Hi', { onPrefill: (done, total) => seen.push([done, total]) }))
    expect(seen).toEqual([[2, 3]])
  })
})

const SETTINGS: GenerateOptions = {
  temperature: 0.5,
  topK: 7,
  topP: 0.9,
  minP: 0.02,
  repetitionPenalty: 1.3,
  seed: 11,
  maxTokens: 5,
  stop: ['##'],
  topLogprobs: 4,
}

const SENT: readonly [Shape, Prompt, string, Body][] = [
  [
    'vllm',
    'Hi',
    '/v1/completions',
    {
      prompt: 'Hi',
      temperature: 0.5,
      top_k: 7,
      top_p: 0.9,
      min_p: 0.02,
      repetition_penalty: 1.3,
      seed: 11,
      max_tokens: 5,
      stop: ['##'],
      logprobs: 4,
      stream: true,
      return_token_ids: true,
    },
  ],
  [
    'sglang',
    PROMPTS['chat']!,
    '/v1/chat/completions',
    { top_k: 7, min_p: 0.02, logprobs: true, top_logprobs: 4 },
  ],
  [
    'llama',
    'Hi',
    '/completion',
    {
      prompt: [BOS, ...idsOf('Hi')],
      temperature: 0.5,
      top_k: 7,
      top_p: 0.9,
      min_p: 0.02,
      repeat_penalty: 1.3,
      repeat_last_n: CONTEXT,
      seed: 11,
      n_predict: 5,
      stop: ['##'],
      n_probs: 4,
      stream: true,
    },
  ],
  ['llama', PROMPTS['chat']!, '/completion', { prompt: [BOS, ...idsOf('[user]Hi[assistant]')] }],
]

describe('settings', () => {
  test.each(SENT)('%s gets %j as its own words', async (shape, prompt, path, expected) => {
    const model = await connect(shape)
    await collect(model.generate(prompt, SETTINGS))
    expect(lastBody(path)).toMatchObject(expected)
  })

  test('keeping all is said in the engine’s own number', async () => {
    const model = await connect('vllm')
    await collect(model.generate('Hi', { topK: 0 }))
    expect(lastBody('/v1/completions')['top_k']).toBe(-1)
  })

  test.each([{ topK: 7 }, { minP: 0.1 }, { repetitionPenalty: 1.2 }, { stop: [5] }])(
    'an engine that would drop %j in silence is not asked',
    async (options) => {
      const model = await connect('ollama')
      const before = engine?.asked.length
      const { error } = await collect(model.generate('Hi', options))
      expect(error?.code).toBe('unsupported')
      expect(error?.message).toContain('Ollama 0.13')
      expect(engine?.asked.length).toBe(before)
      expect((await collect(model.generate('Hi', { topK: 0 }))).text).toBe(ANSWER)
    },
  )

  test('more alternatives than the engine sends are not asked for', async () => {
    const model = await connect('vllm')
    const { error } = await collect(model.generate('Hi', { topLogprobs: 200 }))
    expect(error).toBeNull()
    expect(lastBody('/v1/completions')['logprobs']).toBe(20)
  })
})

describe('text and ids', () => {
  test.each(['vllm', 'sglang', 'llama'] as const)('%s', async (shape) => {
    const model = await connect(shape)
    expect(await model.encode('thé')).toEqual([BOS, ...idsOf('thé')])
    expect(await model.encode('thé', { addSpecialTokens: false })).toEqual(idsOf('thé'))
    expect(await model.decode(idsOf('thé'))).toBe('thé')
    expect(await model.tokenTexts(idsOf('thé'))).toEqual(['t', 'h', 'é'])
  })

  test.each(['vllm', 'llama'] as const)('%s renders chats', async (shape) => {
    const model = await connect(shape)
    expect(await model.applyChatTemplate([{ role: 'user', content: 'Hi' }])).toBe('[user]Hi[assistant]')
  })

  test.each(['vllm', 'sglang'] as const)('%s scores a text', async (shape) => {
    const model = await connect(shape)
    const scored = []
    for await (const some of model.score(idsOf('abc'), { topLogprobs: 2 })) scored.push(...some)
    expect(scored.map(({ position, id, logprob }) => [position, id, logprob])).toEqual([
      [1, idOf('b'), logprobOf(1)],
      [2, idOf('c'), logprobOf(2)],
    ])
    expect(scored.map(({ rank }) => rank)).toEqual(shape === 'vllm' ? [1, 1] : [null, null])
  })

  test('the logits of a token are the alternatives that were sent', async () => {
    const model = await connect('llama')
    await collect(model.generate('Hi', { topLogprobs: 2 }))
    const { data } = await model.tokenLogits(1)
    expect(data).toHaveLength(300)
    expect(data[idOf('i')]).toBeCloseTo(logprobOf(1), 6)
    expect(data[idOf('x')]).toBeCloseTo(otherOf(1), 6)
    expect(data.filter((value) => !Number.isNaN(value))).toHaveLength(2)
    expect((await failure(model.tokenLogits(99))).code).toBe('bad-argument')
  })

  test.each(['vllm', 'llama'] as const)('%s forks and expands by new requests', async (shape) => {
    const model = await connect(shape)
    const fork = await model.fork(idsOf('abc'), 1, idOf('z'))
    expect(fork.ids).toEqual(idsOf('az'))
    expect(fork.next.top.slice(0, 2).map(({ id }) => id)).toEqual(idsOf('Fx'))
    expect(fork.next.top).toHaveLength(10)
    const children = await model.expand(idsOf('abc'), 2)
    expect(children.map(({ token }) => token.id)).toEqual(idsOf('Fx'))
    const path = shape === 'llama' ? '/completion' : '/v1/completions'
    const prompts = engine?.asked.filter((asked) => asked.path === path).map(({ body }) => body['prompt'])
    expect(prompts).toContainEqual(idsOf('abcF'))
    expect(prompts).toContainEqual(idsOf('abcx'))
  })
})

describe('adapters', () => {
  test('llama.cpp takes a scale with each request, and others see none of it', async () => {
    const model = await connect('llama')
    expect(await model.listAdapters()).toEqual([{ id: '0', name: 'style.gguf', scale: 1 }])
    await model.setAdapterScale('0', -0.5)
    await collect(model.generate('Hi'))
    expect(lastBody('/completion')['lora']).toEqual([{ id: 0, scale: -0.5 }])
    await collect(model.generate('Hi', { adapters: [] }))
    expect(lastBody('/completion')['lora']).toEqual([{ id: 0, scale: 0 }])
    expect(engine?.asked.some(({ method, path }) => method === 'POST' && path === '/lora-adapters')).toBe(
      false,
    )
  })

  test('vLLM’s are models: on, off, one at a time', async () => {
    const model = await connect('vllm')
    await collect(model.generate('Hi'))
    expect(lastBody('/v1/completions')['model']).toBe('tiny')
    await model.setAdapterScale('tiny-lora', 1)
    await collect(model.generate('Hi'))
    expect(lastBody('/v1/completions')['model']).toBe('tiny-lora')
    expect((await failure(model.setAdapterScale('tiny-lora', 0.5))).code).toBe('unsupported')
    const { error } = await collect(model.generate('Hi', { adapters: [{ id: 'unknown', scale: 1 }] }))
    expect(error?.code).toBe('bad-argument')
  })
})

describe('what no engine offers', () => {
  test.each(UNOFFERED)('%s refuses, and says what would', async (method) => {
    const model = await connect('llama')
    const call = model[method] as (...args: unknown[]) => Promise<unknown> | AsyncIterable<unknown>
    const result = call.call(model, [1, 2], {})
    const work = Symbol.asyncIterator in result ? result[Symbol.asyncIterator]().next() : result
    const error = await failure(work)
    expect(error.code).toBe('unsupported')
    expect(error.message).toContain('llama.cpp’s server b1-abc')
    expect(error.message).toContain(model.info.remote.capabilities[method])
  })

  test.each(SHAPES)('%s: every refused method rejects with its reason', async (shape) => {
    const model = await connect(shape)
    const { capabilities } = model.info.remote
    const calls = {
      encode: () => model.encode('a'),
      decode: () => model.decode([97]),
      tokenTexts: () => model.tokenTexts([97]),
      applyChatTemplate: () => model.applyChatTemplate([]),
      tokenLogits: () => model.tokenLogits(0),
      fork: () => model.fork([97], 0, 98),
      expand: () => model.expand([97], 1),
      setAdapterScale: () => model.setAdapterScale('0', 1),
      score: () => model.score([97, 98])[Symbol.asyncIterator]().next(),
    }
    for (const [name, call] of Object.entries(calls)) {
      const capability = capabilities[name as keyof typeof calls]
      if (capability === true) continue
      const error = await failure(call())
      expect(error.code, name).toBe('unsupported')
      expect(error.message, name).toContain(capability)
    }
  })
})
