import { beforeEach, expect, test } from 'vitest'
import { createAppStore, DEFAULT_PREFERENCES, statusOf } from '../../src/state/app.ts'
import { encodePrompt } from '../../src/state/encodePrompt.ts'
import { Session } from '../../src/state/session.ts'
import { DEFAULT_SETTINGS } from '../../src/state/settings.ts'
import { TokenLog } from '../../src/state/tokenLog.ts'
import { createFakeClient } from './fakeClient.ts'

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const MODEL = { label: 'Model', id: 'model' }

function open(pace = 1) {
  const client = createFakeClient({ pace, loadTime: 10 })
  const app = createAppStore(DEFAULT_PREFERENCES, {
    prompt: 'A fox',
    settings: { ...DEFAULT_SETTINGS, maxTokens: 6 },
  })
  const log = new TokenLog((run) => void setTimeout(run, 1))
  const session = new Session({ client, app, log, now: () => performance.now() })
  const status = () => statusOf(app.getState().model, app.getState().run)
  return { client, app, log, session, status }
}

/** Resolves as soon as so many tokens are on the page, while the run that writes them goes on. */
function written(log: TokenLog, count: number): Promise<void> {
  return new Promise((resolve) => {
    const leave = log.subscribe(() => {
      if (log.tokens.length < count) return
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
  expect(page.log.tokens).toHaveLength(2)
})

test('generate, then continue: one text, counted through', async () => {
  const { session, log, app } = page
  await session.load('model', MODEL)
  await session.generate()
  expect(app.getState().run).toEqual({ kind: 'done', reason: 'length' })
  const before = log.tokens.map(({ id }) => id)
  await session.continue()
  expect(log.tokens.map(({ id }) => id).slice(0, 6)).toEqual(before)
  expect(log.tokens.map(({ index }) => index)).toEqual([...Array(12).keys()])
  expect(log.tokens[11]!.position).toBe(log.promptIds.length + 11)
  expect(log.promptTexts.join('')).toBe('A fox')
})

test('a second Generate replaces the run under way, whose late tokens are dropped', async () => {
  const { session, log, app } = page
  await session.load('model', MODEL)
  const first = session.generate()
  await written(log, 2)
  app.setState({ prompt: 'Another' })
  await Promise.all([first, session.generate()])
  expect(log.tokens.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5])
  expect(log.promptTexts.join('')).toBe('Another')
})

test('a run and a look at logits wait for adapters on their way in', async () => {
  const { session, log, app } = page
  await session.load('model', MODEL)
  await session.generate()
  let arrived = (): void => undefined
  const gate = new Promise<void>((resolve) => (arrived = resolve))
  session.underWay = () => gate
  const order: string[] = []
  const looked = session.tokenLogits(2).then(() => order.push('looked'))
  const { epoch } = log
  await new Promise((resolve) => setTimeout(resolve))
  order.push('arrived')
  arrived()
  await looked
  session.underWay = () => new Promise((resolve) => (arrived = resolve))
  const run = session.generate().then(() => order.push('written'))
  expect(app.getState().run.kind).toBe('prefill')
  await new Promise((resolve) => setTimeout(resolve))
  expect(log.epoch).toBe(epoch)
  arrived()
  await run
  expect(order).toEqual(['arrived', 'looked', 'written'])
  expect(log.epoch).toBeGreaterThan(epoch)
})

test('stop ends the run and keeps the text', async () => {
  page = open(10)
  const { session, log, app } = page
  await session.load('model', MODEL)
  const run = session.generate()
  await written(log, 1)
  session.stop()
  await run
  expect(app.getState().run.kind).toBe('stopped')
  expect(log.tokens.length).toBeLessThan(6)
})

test('after a failed load the model before it still answers', async () => {
  const { session, app, log } = page
  await session.load('model', MODEL)
  expect(await session.load('broken', { label: 'Broken', id: 'broken' })).toBe(false)
  expect(app.getState().model).toMatchObject({ kind: 'ready', info: { id: 'model' } })
  expect(app.getState().error).toMatchObject({
    code: 'bad-file',
    failed: { what: 'model', name: 'Broken' },
  })
  expect(app.getState().modelId).toBe('model')
  await session.generate()
  expect(log.tokens).toHaveLength(6)
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
  const { client, session, app, log, status } = page
  await session.load('model', MODEL)
  const run = session.generate()
  await written(log, 2)
  client.lose()
  await run
  const kept = log.tokens.length
  expect(status()).toBe('lost')
  // The event may come after the failed call, and again.
  client.lose()
  expect(status()).toBe('lost')
  expect(app.getState().run.kind).toBe('stopped')
  expect(session.model).toBeNull()
  expect(await session.reload()).toBe(true)
  expect(log.tokens).toHaveLength(kept)
  await session.continue()
  expect(log.tokens).toHaveLength(kept + 6)
})

test('full logits: what the last run left, also for a text put back; computed again after another run', async () => {
  const { session, log } = page
  await session.load('model', MODEL)
  await session.generate()
  expect((await session.tokenLogits(3)).recomputed).toBe(false)
  expect(session.peekLogits(3)).not.toBeNull()
  log.restore(log.snapshot()!)
  expect(session.peekLogits(3)).toBeNull()
  expect((await session.tokenLogits(3)).recomputed).toBe(false)
  // Another part of the page uses the engine and does not say so.
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
  const LETTERS = { parseSpecial: false }
  expect(await encodePrompt({ ...bare, encode }, '3, 14 15', LETTERS)).toEqual([3, 14, 15])
  await expect(encodePrompt({ ...bare, encode }, '3 x', LETTERS)).rejects.toThrow('“x” is not a token id')
  await expect(encodePrompt({ ...bare, encode }, ' ', LETTERS)).rejects.toThrow('empty')
})
