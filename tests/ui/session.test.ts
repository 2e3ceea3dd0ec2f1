import { beforeEach, expect, test } from 'vitest'
import { createAppStore, DEFAULT_PREFERENCES, statusWord } from '../../src/store/app.ts'
import { encodePrompt, Session } from '../../src/store/session.ts'
import { DEFAULT_SETTINGS } from '../../src/store/settings.ts'
import { Trace } from '../../src/store/trace.ts'
import { createFakeClient } from './fakeClient.ts'

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const MODEL = { label: 'Model', id: 'model' }

function open(pace = 1) {
  const client = createFakeClient({ pace, loadTime: 10 })
  const app = createAppStore(DEFAULT_PREFERENCES, {
    prompt: 'A fox',
    settings: { ...DEFAULT_SETTINGS, maxTokens: 6 },
  })
  const trace = new Trace((run) => void setTimeout(run, 1))
  const session = new Session({ client, app, trace, now: () => performance.now() })
  const status = () => statusWord(app.getState().model, app.getState().run)
  return { client, app, trace, session, status }
}

/** Resolves as soon as so many tokens are on the page, while the run that writes them goes on. */
function written(trace: Trace, count: number): Promise<void> {
  return new Promise((resolve) => {
    const leave = trace.subscribe(() => {
      if (trace.tokens.length < count) return
      leave()
      resolve()
    })
  })
}

let page: ReturnType<typeof open>
beforeEach(() => {
  page = open()
})

test('a first run starts the moment the model answers, without a ready in between', async () => {
  const { app, session, status } = page
  const words = new Set<string>()
  app.subscribe(() => words.add(status()))
  await session.load('model', { ...MODEL, first: { ...DEFAULT_SETTINGS, maxTokens: 2 } })
  await expect.poll(() => app.getState().run.kind).toBe('done')
  expect([...words].slice(0, 2)).toEqual(['loading', 'running'])
  expect(page.trace.tokens).toHaveLength(2)
})

test('generate, then continue: one text, counted through', async () => {
  const { session, trace, app } = page
  await session.load('model', MODEL)
  await session.generate()
  expect(app.getState().run).toEqual({ kind: 'done', reason: 'length' })
  const before = trace.tokens.map(({ id }) => id)
  await session.continue()
  expect(trace.tokens.map(({ id }) => id).slice(0, 6)).toEqual(before)
  expect(trace.tokens.map(({ index }) => index)).toEqual([...Array(12).keys()])
  expect(trace.tokens[11]!.position).toBe(trace.promptIds.length + 11)
  expect(trace.promptTexts.join('')).toBe('A fox')
})

test('a second Generate replaces the run under way, whose late tokens are dropped', async () => {
  const { session, trace, app } = page
  await session.load('model', MODEL)
  const first = session.generate()
  await written(trace, 2)
  app.setState({ prompt: 'Another' })
  await Promise.all([first, session.generate()])
  expect(trace.tokens.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5])
  expect(trace.promptTexts.join('')).toBe('Another')
})

test('stop ends the run and keeps the text', async () => {
  page = open(10)
  const { session, trace, app } = page
  await session.load('model', MODEL)
  const run = session.generate()
  await written(trace, 1)
  session.stop()
  await run
  expect(app.getState().run.kind).toBe('stopped')
  expect(trace.tokens.length).toBeLessThan(6)
})

test('after a failed load the model before it still answers', async () => {
  const { session, app, trace } = page
  await session.load('model', MODEL)
  expect(await session.load('broken', { label: 'Broken', id: 'broken' })).toBe(false)
  expect(app.getState().model).toMatchObject({ kind: 'failed', info: { id: 'model' } })
  expect(app.getState().error?.code).toBe('bad-file')
  expect(app.getState().modelId).toBe('model')
  await session.generate()
  expect(trace.tokens).toHaveLength(6)
  expect(app.getState().model.kind).toBe('ready')
  expect(app.getState().error).toBeNull()
})

test('a cancelled load leaves what was there', async () => {
  const { session, app } = page
  const load = session.load('model', MODEL)
  session.cancelLoad()
  expect(await load).toBe(false)
  expect(app.getState().model.kind).toBe('empty')
  await wait(20)
  expect(session.model).toBeNull()
})

test('a lost device keeps the text; the model loads again and goes on', async () => {
  page = open(10)
  const { client, session, app, trace, status } = page
  await session.load('model', MODEL)
  const run = session.generate()
  await written(trace, 2)
  client.lose()
  await run
  const kept = trace.tokens.length
  expect(status()).toBe('lost')
  // The event may come after the failed call, and again.
  client.lose()
  expect(status()).toBe('lost')
  expect(app.getState().run.kind).toBe('stopped')
  expect(session.model).toBeNull()
  expect(await session.reload()).toBe(true)
  expect(trace.tokens).toHaveLength(kept)
  await session.continue()
  expect(trace.tokens).toHaveLength(kept + 6)
})

test('full logits: what the last run left, also for a text put back; computed again after another run', async () => {
  const { session, trace } = page
  await session.load('model', MODEL)
  await session.generate()
  expect((await session.tokenLogits(3)).recomputed).toBe(false)
  expect(session.peekLogits(3)).not.toBeNull()
  trace.restore(trace.snapshot()!)
  expect(session.peekLogits(3)).toBeNull()
  expect((await session.tokenLogits(3)).recomputed).toBe(false)
  // Another part of the page uses the engine and tells nobody.
  for await (const _ of session.model!.generate([1, 2], { maxTokens: 1 })) void _
  expect((await session.tokenLogits(4)).recomputed).toBe(true)
})

test('without a tokenizer a prompt is token ids', async () => {
  await page.session.load('model', MODEL)
  const bare = {
    ...page.session.model!,
    info: { ...page.session.model!.info, hasTokenizer: false, bosId: null },
  }
  const encode = () => Promise.reject(new Error('no tokenizer'))
  expect(await encodePrompt({ ...bare, encode }, '3, 14 15')).toEqual([3, 14, 15])
  await expect(encodePrompt({ ...bare, encode }, '3 x')).rejects.toThrow('“x” is not a token id')
  await expect(encodePrompt({ ...bare, encode }, ' ')).rejects.toThrow('empty')
})
