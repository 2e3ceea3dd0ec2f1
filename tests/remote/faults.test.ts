import type { ServerResponse } from 'node:http'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { toErrorData, type TokenscopeError } from '../../src/errors.ts'
import { connectModel } from '../../src/index.ts'
import { retryAfterMs } from '../../src/remote/errors.ts'
import type { ConnectedModel, ConnectOptions } from '../../src/remote/types.ts'
import type { ChatMessage } from '../../src/text/types.ts'
import { collect, eventually, failure } from './collect.ts'
import { ANSWER, idsOf, json, refuse, startFake, stream, type Asked, type FakeEngine } from './fakeEngine.ts'

const KEY = 'sk-very-secret'
/** Short enough to wait for, long enough for a busy machine. */
const SILENCE_MS = 1000
/** A server's way of misbehaving. */
type Fault = (response: ServerResponse) => void

let engine: FakeEngine
let other: FakeEngine

beforeEach(async () => {
  ;[engine, other] = await Promise.all([startFake('vllm'), startFake('vllm')])
})
afterEach(() => Promise.all([engine.close(), other.close()]))

const connect = (options: ConnectOptions = {}): Promise<ConnectedModel> =>
  connectModel(engine.url, { apiKey: KEY, ...options })

function misbehave(fault: Fault, on = '/v1/completions'): void {
  engine.override = ({ path }, response) => {
    if (path !== on) return false
    fault(response)
    return true
  }
}

function continuationOf(error: TokenscopeError | null): { prompt: ChatMessage[] } {
  return (error?.details['continue'] ?? { prompt: [] }) as { prompt: ChatMessage[] }
}

const text = (value: string, finish: string | null = null): unknown => ({
  choices: [{ index: 0, text: value, finish_reason: finish }],
})
const delta = (value: unknown, finish: string | null = null): unknown => ({
  choices: [{ index: 0, delta: value, finish_reason: finish }],
})

const REFUSALS: readonly { status: number; code: string; body?: string; headers?: Record<string, string> }[] =
  [
    { status: 400, code: 'bad-argument' },
    { status: 400, code: 'context-full', body: '{"message":"maximum context length is 512 tokens"}' },
    { status: 401, code: 'network', body: `{"error":{"message":"Incorrect API key provided: ${KEY}"}}` },
    { status: 404, code: 'unsupported' },
    { status: 413, code: 'limit' },
    { status: 429, code: 'network', headers: { 'retry-after': '7' } },
    { status: 500, code: 'network', body: '<html>Internal Server Error</html>' },
    { status: 503, code: 'network', body: '{"error":{"message":"Loading model"}}' },
  ]

describe('refusals', () => {
  test.each(REFUSALS)('$status is $code', async ({ status, code, body = '{}', headers = {} }) => {
    const model = await connect()
    misbehave((response) => response.writeHead(status, headers).end(body))
    const { error, tokens } = await collect(model.generate('Hi'))
    expect(tokens).toEqual([])
    expect(error).toMatchObject({ code, details: { status } })
    expect(error?.details['retryAfterMs']).toBe(status === 429 ? 7000 : null)
    expect(error?.hint).not.toBe('')
    expect(JSON.stringify(error && toErrorData(error))).not.toContain(KEY)
  })

  test.each([401, 429, 503])('%s while connecting ends it', async (status) => {
    engine.override = (_, response) => {
      refuse(response, status, 'no')
      return true
    }
    expect((await failure(connect())).details['status']).toBe(status)
  })

  test('a page of HTML is told from an engine', async () => {
    engine.override = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>')
      return true
    }
    expect((await failure(connect())).message).toContain('a page of HTML')
  })

  test.each([
    ['once is asked again', 1, null],
    ['twice is told', 2, 'network'],
  ] as const)('a kept connection closed %s', async (_, closed, code) => {
    const model = await connect()
    let left: number = closed
    engine.override = ({ path }, response) => {
      if (path !== '/v1/completions' || left === 0) return false
      left -= 1
      response.destroy()
      return true
    }
    const { error, text } = await collect(model.generate('Hi'))
    expect(error?.code ?? null).toBe(code)
    expect(text).toBe(code === null ? ANSWER : '')
  })

  test('no engine there', async () => {
    const { url } = engine
    await engine.close()
    expect(await failure(connectModel(url))).toMatchObject({ code: 'network' })
    engine = await startFake('vllm')
  })

  test.each([
    ['3', 3000],
    ['Thu, 01 Jan 1970 00:00:10 GMT', 9000],
    ['soon', null],
    [null, null],
  ])('Retry-After %s', (header, expected) => {
    expect(retryAfterMs(header, 1000)).toBe(expected)
  })
})

describe('a stream that breaks off', () => {
  const cut: Fault = (response) => {
    stream(response, [text('Fi'), text('ne')], { done: false, end: false })
    setTimeout(() => response.destroy(), 20)
  }
  const FAULTS: readonly [string, Fault][] = [
    ['the connection is cut', cut],
    ['it ends without an end', (response) => stream(response, [text('Fi'), text('ne')], { done: false })],
    [
      'it falls silent',
      (response) => stream(response, [text('Fi'), text('ne')], { done: false, end: false }),
    ],
    [
      'an error is sent within it',
      (response) => stream(response, [text('Fi'), text('ne'), { error: { message: 'out of memory' } }]),
    ],
    [
      'half a frame is its last',
      (response) => {
        stream(response, [text('Fi'), text('ne')], { done: false, end: false })
        response.end('data: {"choices":[{"ind')
      },
    ],
  ]

  test.each(FAULTS)('%s: the text stays, and what goes on from it', async (_, fault) => {
    const model = await connect({ silenceMs: SILENCE_MS })
    misbehave(fault)
    const { text: got, tokens, error } = await collect(model.generate('Hi', { maxTokens: 10 }))
    expect(got).toBe('Fine')
    expect(tokens.at(-1)?.finish).toBeNull()
    expect(error?.code).toBe('network')
    expect(error?.details).toMatchObject({
      received: 2,
      text: 'Fine',
      continue: { prompt: 'HiFine', maxTokens: 8 },
    })
  })

  test('by ids where they are known', async () => {
    const model = await connect()
    const ids = (value: string): unknown => ({
      choices: [{ index: 0, text: value, token_ids: idsOf(value), prompt_token_ids: idsOf('Hi') }],
    })
    misbehave((response) => stream(response, [ids('F'), ids('i')], { done: false }))
    const { error } = await collect(model.generate('Hi', { maxTokens: 10 }))
    expect(error?.details['continue']).toEqual({ prompt: idsOf('HiFi'), maxTokens: 8 })
  })

  test('a chat goes on within its last answer', async () => {
    const model = await connect()
    const path = '/v1/chat/completions'
    misbehave((response) => stream(response, [delta({ content: 'Fi' })], { done: false }), path)
    const { error } = await collect(model.generate([{ role: 'user', content: 'Hi' }]))
    const { prompt } = continuationOf(error)
    expect(prompt.at(-1)).toEqual({ role: 'assistant', content: 'Fi' })
    engine.override = null
    await collect(model.generate(prompt))
    expect(engine.asked.findLast((asked) => asked.path === path)?.body).toMatchObject({
      continue_final_message: true,
      add_generation_prompt: false,
    })
  })

  test('silence before the first word has its own, longer limit', async () => {
    const model = await connect({ silenceMs: SILENCE_MS })
    misbehave((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      setTimeout(() => stream2(response), 1.5 * SILENCE_MS)
    })
    const stream2 = (response: ServerResponse): void => {
      response.end(`data: ${JSON.stringify(text('Fine', 'stop'))}\n\n`)
    }
    expect(await collect(model.generate('Hi'))).toMatchObject({ text: 'Fine', error: null })
  })
})

describe('streams that are odd but whole', () => {
  const utf8 = new TextEncoder().encode(`data: ${JSON.stringify(text('thé…', 'stop'))}\n\n`)
  const CASES: readonly [string, string, Fault, string, string | null][] = [
    [
      'no [DONE]',
      'text',
      (response) => stream(response, [text('Fine', 'stop')], { done: false }),
      'Fine',
      'stop',
    ],
    ['[DONE] without a finish', 'text', (response) => stream(response, [text('Fine')]), 'Fine', 'stop'],
    [
      'one piece instead of a stream',
      'text',
      (response) => json(response, text('Fine', 'length')),
      'Fine',
      'length',
    ],
    [
      'a last event without its empty line',
      'text',
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.end(`data: ${JSON.stringify(text('Fine', 'stop'))}`)
      },
      'Fine',
      'stop',
    ],
    [
      'every byte for itself, between comments',
      'text',
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(': ping\n\n')
        for (const byte of utf8) response.write(Uint8Array.of(byte))
        response.end()
      },
      'thé…',
      'stop',
    ],
    [
      'thinking before the answer',
      'chat',
      (response) =>
        stream(response, [
          delta({ reasoning_content: 'hm ' }),
          delta({ reasoning: 'so ' }),
          delta({ content: 'Fine' }, 'stop'),
        ]),
      'hm so Fine',
      'stop',
    ],
    [
      'a call of a tool',
      'chat',
      (response) =>
        stream(response, [
          delta({ tool_calls: [{ index: 0, function: { name: 'add', arguments: '{"a"' } }] }),
          delta({ tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }),
          delta({}, 'tool_calls'),
        ]),
      'add{"a":1}',
      'stop',
    ],
    ['nothing at all', 'text', (response) => stream(response, [text('', 'stop')]), '', 'stop'],
    [
      'fields of the wrong kind',
      'text',
      (response) => stream(response, [{ choices: 7 }, text('Fine', 'stop')]),
      'Fine',
      'stop',
    ],
  ]

  test.each(CASES)('%s', async (_, kind, fault, expected, finish) => {
    const model = await connect()
    misbehave(fault, kind === 'chat' ? '/v1/chat/completions' : '/v1/completions')
    const prompt = kind === 'chat' ? [{ role: 'user' as const, content: 'Hi' }] : 'Hi'
    const run = await collect(model.generate(prompt))
    expect(run.error).toBeNull()
    expect(run.text).toBe(expected)
    expect(run.tokens.at(-1)?.finish).toBe(finish)
  })

  test('each text says what it is part of', async () => {
    const model = await connect()
    const sent = [delta({ reasoning: 'hm' }), delta({ content: 'Fine' }, 'stop')]
    misbehave((response) => stream(response, sent), '/v1/chat/completions')
    const { tokens } = await collect(model.generate([{ role: 'user', content: 'Hi' }]))
    expect(tokens.map(({ part }) => part)).toEqual(['reasoning', 'answer'])
  })
})

describe('nothing is asked after a stop', () => {
  /** Streams until the client goes away. */
  const endless: Fault = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const timer = setInterval(() => response.write(`data: ${JSON.stringify(text('ha'))}\n\n`), 1)
    response.on('close', () => clearInterval(timer))
  }
  const ended = (): Promise<void> => eventually(() => expect(engine.abandoned).toContain('/v1/completions'))

  test('the limit holds against a server that streams for ever', async () => {
    const model = await connect()
    misbehave(endless)
    const { tokens } = await collect(model.generate('Hi', { maxTokens: 5 }))
    expect(tokens.map(({ finish }) => finish)).toEqual([null, null, null, null, 'length'])
    await ended()
  })

  test('an abort ends the request, and the last token says so', async () => {
    const model = await connect()
    misbehave(endless)
    const stop = new AbortController()
    const tokens = []
    for await (const token of model.generate('Hi', { signal: stop.signal, maxTokens: 1000 })) {
      tokens.push(token)
      if (tokens.length === 3) stop.abort()
    }
    expect(tokens.at(-1)?.finish).toBe('abort')
    await ended()
    const asked = engine.asked.length
    expect((await collect(model.generate('Hi', { signal: stop.signal }))).error?.code).toBe('aborted')
    expect(engine.asked.length).toBe(asked)
  })

  test('leaving the loop, and closing the model, end it too', async () => {
    const model = await connect()
    misbehave(endless)
    for await (const token of model.generate('Hi')) if (token.index === 1) break
    await ended()
    engine.abandoned.length = 0
    engine.asked.length = 0
    const run = collect(model.generate('Hi', { maxTokens: 100_000 }))
    await eventually(() => expect(engine.asked.at(-1)?.path).toBe('/v1/completions'))
    await model.dispose()
    expect((await run).error?.code).toBe('aborted')
    await ended()
    expect((await failure(model.encode('a'))).code).toBe('aborted')
  })

  test('a wait for an answer can be aborted', async () => {
    const stop = new AbortController()
    engine.override = () => true
    const work = failure(connectModel(engine.url, { signal: stop.signal }))
    await eventually(() => expect(engine.asked).toHaveLength(1))
    stop.abort()
    expect((await work).code).toBe('aborted')
  })
})

describe('trust', () => {
  test('a redirect is not followed, so that neither text nor key goes elsewhere', async () => {
    const model = await connect()
    misbehave((response) => response.writeHead(307, { location: `${other.url}/v1/completions` }).end())
    const { error } = await collect(model.generate('Hi'))
    expect(error).toMatchObject({ code: 'network', details: { status: 307 } })
    expect(other.asked).toEqual([])
  })

  test('the key goes into a header of every request and nowhere else', async () => {
    const model = await connect()
    await collect(model.generate('Hi'))
    expect(engine.asked.every(({ key }) => key === `Bearer ${KEY}`)).toBe(true)
    const bodies = engine.asked.map(({ path, body }: Asked) => [path, body])
    const shown = [bodies, model.info, inspect(model, { depth: 20, showHidden: true }), JSON.stringify(model)]
    expect(JSON.stringify(shown)).not.toContain(KEY)
  })

  test('a key that fits no header is refused without being repeated', async () => {
    const error = await failure(connectModel(engine.url, { apiKey: 'sk-secret\nx: y' }))
    expect(error.code).toBe('bad-argument')
    expect(JSON.stringify(toErrorData(error))).not.toContain('secret')
  })
})
