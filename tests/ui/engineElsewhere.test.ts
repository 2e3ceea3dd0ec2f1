import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createAppStore, DEFAULT_PREFERENCES, remoteOf, statusOf } from '../../src/state/app.ts'
import { engineOf } from '../../src/state/elsewhere/engine.ts'
import { isSent } from '../../src/state/elsewhere/sentIds.ts'
import { pageHash } from '../../src/state/link.ts'
import { Session } from '../../src/state/session.ts'
import { DEFAULT_SETTINGS } from '../../src/state/settings.ts'
import { TokenLog } from '../../src/state/tokenLog.ts'
import {
  agreement,
  commonPlaces,
  divergence,
  keyOf,
  meanDivergence,
  type WrittenToken,
} from '../../src/ui/views/elsewhere/agreement.ts'
import { sentRow } from '../../src/ui/views/sampling/sentRow.ts'
import { stageTable } from '../../src/analysis/samplingStages.ts'
import {
  ANSWER,
  logprobOf,
  refuse,
  SHAPES,
  startFake,
  type FakeEngine,
  type Shape,
} from '../remote/fakeEngine.ts'
import { createFakeClient } from './fakeClient.ts'

const MODEL = { label: 'Model', id: 'model' }
const KEY = 'sk-very-secret'

let engine: FakeEngine | null = null
beforeEach(() => {
  engine = null
})
afterEach(() => engine?.close())

async function open(shape: Shape = 'vllm') {
  engine = await startFake(shape)
  const client = createFakeClient({ pace: 1, loadTime: 1 })
  const app = createAppStore(DEFAULT_PREFERENCES, {
    prompt: 'Once',
    settings: { ...DEFAULT_SETTINGS, maxTokens: 64 },
  })
  const log = new TokenLog((run) => void setTimeout(run, 1))
  const session = new Session({ client, app, log, now: () => performance.now() })
  const elsewhere = engineOf(session)
  const connect = (key = '') => elsewhere.connect({ url: engine!.url, model: '', key })
  const text = () => log.tokens.map((token) => token.text).join('')
  return { app, client, log, session, elsewhere, connect, text }
}

describe('an engine in place of the tab’s model', () => {
  test('the tab’s model waits beside it and is back when it goes', async () => {
    const { app, session, connect, elsewhere } = await open()
    await session.load('model', MODEL)
    const own = session.model
    expect(await connect(KEY)).toBe(true)
    expect(remoteOf(app.getState())?.url).toBe(engine!.url)
    expect(session.model).not.toBe(own)
    expect(session.ownModel).toBe(own)
    await elsewhere.disconnect()
    expect(session.model).toBe(own)
    await session.generate()
    expect(app.getState().run.kind).toBe('done')
  })

  test('without one the page is empty again', async () => {
    const { app, connect, elsewhere } = await open()
    await connect()
    await elsewhere.disconnect()
    expect(statusOf(app.getState().model, app.getState().run)).toBe('empty')
  })

  test('a model loaded into the tab takes its place, or its own beside it', async () => {
    const { app, session, connect, elsewhere } = await open()
    await connect()
    await session.load('model', { ...MODEL, beside: true })
    expect(remoteOf(app.getState())).toBeDefined()
    expect(session.ownModel?.info.remote).toBeUndefined()
    await session.load('model', MODEL)
    expect(remoteOf(app.getState())).toBeUndefined()
    expect(elsewhere.connected).toBeNull()
    expect(elsewhere.state.getState().phase.kind).toBe('idle')
  })

  test('a lost GPU ends the tab’s model, not the engine', async () => {
    const { app, client, session, connect } = await open()
    await session.load('model', MODEL)
    await connect()
    client.lose()
    expect(app.getState().model.kind).toBe('ready')
    await session.generate()
    expect(app.getState().run).toEqual({ kind: 'done', reason: 'stop' })
  })

  test('the link names it, never its key', async () => {
    const { session, connect } = await open()
    await connect(KEY)
    const link = new URLSearchParams(pageHash(session).slice(1))
    expect(link.get('engine')).toBe(engine!.url)
    expect(JSON.stringify([link.toString(), session.app.getState()])).not.toContain(KEY)
    await engineOf(session).disconnect()
  })

  test('a refusal is told, and what is on show stays', async () => {
    const { app, session, connect, elsewhere } = await open()
    await session.load('model', MODEL)
    engine!.override = (_, response) => {
      refuse(response, 401, 'no key')
      return true
    }
    expect(await connect()).toBe(false)
    expect(elsewhere.state.getState().phase).toMatchObject({
      kind: 'failed',
      error: { details: { status: 401 } },
    })
    expect(app.getState().model.kind).toBe('ready')
    expect(remoteOf(app.getState())).toBeUndefined()
  })
})

describe('what an engine sends, on the page', () => {
  test.each(SHAPES.filter((shape) => shape !== 'chat-only'))('%s writes and goes on', async (shape) => {
    const { app, log, session, connect, text } = await open(shape)
    await connect()
    await session.generate()
    expect(app.getState().error).toBeNull()
    expect(text()).toBe(ANSWER)
    const sends = { ids: shape === 'vllm' || shape === 'llama', logprobs: shape !== 'ollama-old' }
    log.tokens.slice(0, ANSWER.length).forEach(({ id, logprob, position, top }, index) => {
      expect(isSent(id)).toBe(sends.ids)
      expect(position).toBe(log.promptIds.length + index)
      if (sends.logprobs) expect(logprob).toBeCloseTo(logprobOf(index), 5)
      else expect([logprob, top]).toEqual([NaN, []])
    })
    await session.continue()
    expect(text()).toBe(ANSWER + ANSWER)
  })

  test('an engine that only chats is not sent a bare text', async () => {
    const { app, session, connect } = await open('chat-only')
    await connect()
    await session.generate()
    expect(app.getState().error?.code).toBe('unsupported')
    const model = session.model!
    const prompt = await model.applyChatTemplate([{ role: 'user', content: 'Hi' }])
    await session.generate(undefined, { ids: await model.encode(prompt) })
    expect(engine!.asked.at(-1)?.body['messages']).toEqual([{ role: 'user', content: 'Hi' }])
    await session.continue()
    expect(engine!.asked.at(-1)?.body['messages']).toEqual([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: ANSWER },
    ])
  })
})

const token = (
  id: number,
  text: string,
  p: number,
  others: [number, string, number][] = [],
): WrittenToken => ({
  id,
  text,
  logprob: Math.log(p),
  top: [[id, text, p] as const, ...others].map(([id, text, p]) => ({ id, text, logprob: Math.log(p) })),
})

describe('two texts on one prompt', () => {
  const far = [token(1, 'A', 0.5, [[2, 'B', 0.25]]), token(3, 'cd', 0.5)]
  const own = [token(1, 'A', 0.25, [[2, 'B', 0.5]]), token(4, 'ce', 0.5)]

  test('KL is over what both gave, each scaled to it, with the mass it covers', () => {
    const { kl, mass } = divergence(far[0]!, own[0]!, keyOf(true))
    // (2/3, 1/3) against (1/3, 2/3).
    expect(kl).toBeCloseTo((2 / 3) * Math.log(2) - (1 / 3) * Math.log(2), 10)
    expect(mass).toBeCloseTo(0.75, 10)
    expect(divergence(far[1]!, own[1]!, keyOf(true))).toEqual({ kl: null, mass: 0 })
  })

  test('one vocabulary: token by token; two: by characters', () => {
    expect(agreement(own, far, true)).toMatchObject({ unit: 'tokens', agree: 1, count: 2, parted: 'd' })
    expect(agreement(own, far, false)).toMatchObject({ unit: 'characters', agree: 2, count: 3, parted: 'd' })
    expect(agreement(far, far, true)).toMatchObject({ agree: 2, parted: null })
    expect(agreement([], [], false)).toMatchObject({ agree: 0, count: 0, parted: null })
  })

  test('places are those that both predicted behind the same text', () => {
    const split = [token(7, 'A', 0.5), token(8, 'c', 0.5), token(9, 'e', 0.5)]
    const places = commonPlaces(split, far, keyOf(false))
    expect(places.map(({ index }) => index)).toEqual([0, 1])
    // One common alternative says nothing.
    expect(places[0]).toMatchObject({ kl: null, mass: 0.5 })
    expect(meanDivergence([{ ...places[0]!, kl: 0.5 }, ...places])).toEqual({ kl: 0.5, mass: 0.5, count: 1 })
    expect(meanDivergence([])).toBeNull()
  })
})

test('the alternatives sent go through the stages of the draw, their shares of the whole before the temperature', () => {
  const sent = token(5, 'a', 0.5, [[900, 'b', 0.25]]).top
  const options = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 0 }
  const plain = sentRow(sent, 0)
  const { rows, stages, rest } = stageTable(plain, {
    options,
    seenIds: [],
    random: 0.1,
    limit: 8,
    always: [],
  })
  expect(rows.map(({ id }) => id)).toEqual([5, 900])
  expect(rows[0]!.shares[0]).toBeCloseTo(0.5, 6)
  expect(rows[0]!.shares[2]).toBeCloseTo(2 / 3, 6)
  expect(stages[0]!.mass).toBeCloseTo(0.75, 6)
  expect(rest.shares[0]).toBeCloseTo(0.25, 6)
  expect(() => sentRow([], 0)).toThrow('no log-probabilities')
})
