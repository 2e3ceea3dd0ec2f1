import type { ServerResponse } from 'node:http'
import type { Page } from 'playwright-core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ANSWER, refuse, startFake, stream, type FakeEngine, type Shape } from '../../remote/fakeEngine.ts'
import { expectAccessible, expectNoViolation } from '../accessible.ts'
import { openPage, type OpenedPage, type OpenOptions } from '../harness.ts'

const KEY = 'sk-very-secret'
const PROMPT = 'Once'

let engines: FakeEngine[] = []

beforeEach(() => {
  engines = []
})
afterEach(() => Promise.all(engines.map((engine) => engine.close())))

async function startEngine(shape: Shape, allows: string | null = '*'): Promise<FakeEngine> {
  const engine = await startFake(shape)
  engine.allows = allows
  engines.push(engine)
  return engine
}

/** A page whose link names an engine: it loads no model of its own. Asking what an engine offers is answered with refusals. */
function openFor(engine: FakeEngine, options: OpenOptions = {}): Promise<OpenedPage> {
  return openPage({
    path: `#engine=${encodeURIComponent(engine.url)}&prompt=${PROMPT}&temperature=0`,
    reducedMotion: 'reduce',
    allowedOrigins: [engine.url],
    expectedErrors: [/Failed to load resource/],
    ...options,
  })
}

async function connect(page: Page, key = ''): Promise<void> {
  await page.getByTestId('engine-key').fill(key)
  await page.getByTestId('engine-connect').click()
  await page.getByTestId('engine-name').waitFor()
}

async function isAtRest(page: Page, state = 'ready'): Promise<void> {
  await expect.poll(() => page.getByTestId('model-status').getAttribute('data-state')).toBe(state)
}

async function write(page: Page): Promise<void> {
  await page.getByTestId('view-write').click()
  await page.getByTestId('generate').click()
}

/** What has been written behind the prompt. */
const written = (page: Page): Promise<string> =>
  page.locator('[data-token-index]').evaluateAll((all) => all.map(({ textContent }) => textContent).join(''))

const offered = (page: Page, name: string): Promise<string | null> =>
  page.locator(`[data-testid="engine-capability"][data-name="${name}"]`).getAttribute('data-offered')

test('a link names an engine and sends nothing; connected, it writes with its own probabilities and every view names it', async () => {
  const engine = await startEngine('vllm')
  const { page, requests } = await openFor(engine)
  await page.getByTestId('engine-connect').waitFor()
  expect(await page.getByTestId('engine-url').inputValue()).toBe(engine.url)
  expect(engine.asked).toEqual([])
  await connect(page, KEY)
  expect(engine.asked.every(({ key }) => key === `Bearer ${KEY}`)).toBe(true)
  expect(await offered(page, 'score')).toBe('true')
  expect(await offered(page, 'adapter-scales')).toBe('false')
  await write(page)
  await expect.poll(() => written(page)).toBe(ANSWER)
  await isAtRest(page)
  await page.locator('[data-token-index="2"]').click()
  const chosen = page.locator('[data-testid="logits-row"]').first()
  expect(Number(await chosen.getAttribute('data-probability'))).toBeCloseTo(Math.exp(-0.375), 6)
  for (const view of ['write', 'chat', 'steps', 'score', 'adapters', 'models']) {
    await page.getByTestId(`view-${view}`).click()
    expect(await page.getByTestId('engine-badge').textContent()).toContain(new URL(engine.url).host)
  }
  const kept = await page.evaluate(() =>
    JSON.stringify([location.href, { ...localStorage }, { ...sessionStorage }]),
  )
  expect(kept).not.toContain(KEY)
  expect(kept).toContain(encodeURIComponent(engine.url))
  // Nothing of a model was fetched for this tab.
  expect(requests.filter((url) => url.includes('/models/'))).toEqual([])
  await page.getByTestId('engine-disconnect').click()
  await isAtRest(page, 'empty')
  expect(await page.getByTestId('engine-badge').count()).toBe(0)
})

test('an engine without ids writes, chats, shows its draw, and says what it does not take', async () => {
  const engine = await startEngine('ollama')
  const { page } = await openFor(engine)
  await connect(page)
  await write(page)
  await expect.poll(() => written(page)).toBe(ANSWER)
  await isAtRest(page)
  const streamed = engine.asked.filter(({ body }) => body['stream'] === true)
  expect(streamed.at(-1)?.body['prompt']).toBe(PROMPT)
  expect(streamed.at(-1)?.body).not.toHaveProperty('top_k')
  await page.getByTestId('continue').click()
  await expect.poll(() => written(page)).toBe(ANSWER + ANSWER)
  expect(engine.asked.at(-1)?.body['prompt']).toBe(PROMPT + ANSWER)
  await page.getByTestId('view-sampling').click()
  await page.getByTestId('sampler-sent').waitFor()
  await page.getByTestId('view-branches').click()
  await page.locator('[data-testid="far-lacks"][data-view="branches"]').waitFor()
  await page.getByTestId('view-chat').click()
  await page.getByTestId('chat-input').fill('Hello')
  await page.getByTestId('chat-send').click()
  await page.locator('[data-testid="chat-message"][data-role="assistant"]').waitFor()
  await isAtRest(page)
  expect(engine.asked.at(-1)).toMatchObject({
    path: '/v1/chat/completions',
    body: { messages: [{ role: 'user', content: 'Hello' }] },
  })
})

test('forks are requests, several at once, and a slider scales an adapter of the next one', async () => {
  const engine = await startEngine('llama')
  const { page } = await openFor(engine)
  await connect(page)
  await write(page)
  await expect.poll(() => written(page)).toBe(ANSWER)
  await isAtRest(page)
  await page.locator('[data-token-index="2"]').click()
  await page.getByTestId('view-branches').click()
  const before = engine.asked.length
  await page.getByTestId('branch-expand').click()
  await expect
    .poll(() => engine.asked.slice(before).filter(({ path }) => path === '/completion').length)
    .toBeGreaterThan(3)
  await page.getByTestId('view-adapters').click()
  await page.getByTestId('adapter-scale').fill('-0.5')
  await page.getByTestId('adapter-scale').press('Enter')
  await write(page)
  await expect
    .poll(() => engine.asked.findLast(({ body }) => body['stream'] === true)?.body['lora'])
    .toEqual([{ id: 0, scale: -0.5 }])
  await isAtRest(page)
})

test('beside the tab’s model: a view of internals opens on it, and both write on one prompt', async () => {
  const engine = await startEngine('vllm')
  const { page } = await openFor(engine, {
    path: `#run=0&view=models&prompt=${PROMPT}&max-tokens=4&temperature=0`,
  })
  await isAtRest(page)
  await page.getByTestId('engine-url').fill(engine.url)
  await connect(page)
  await page.getByTestId('view-compare').click()
  await page.getByTestId('generate').click()
  const result = page.getByTestId('ab-agreement')
  await expect.poll(() => result.getAttribute('data-state')).toBe('done')
  expect(await result.getAttribute('data-unit')).toBe('characters')
  expect(await page.getByTestId('output-b').textContent()).toBe(ANSWER.slice(0, 4))
  expect(await page.getByTestId('output-a').textContent()).not.toBe('')
  await expectAccessible(page, 'engine A/B')
  await page.getByTestId('view-steps').click()
  await page.getByTestId('far-own').click()
  await page.getByTestId('far-lacks').waitFor({ state: 'detached' })
  expect(await page.evaluate(async () => (await window.tokenscope).model?.info.id)).toBe('tales-3m')
  expect(await page.getByTestId('engine-badge').count()).toBe(0)
})

const piece = (text: string): unknown => ({ choices: [{ index: 0, text, finish_reason: null }] })

/** Answers the next request for a text by hand. */
function once(engine: FakeEngine, answer: (response: ServerResponse) => void): void {
  engine.override = ({ body }, response) => {
    if (body['stream'] !== true) return false
    engine.override = null
    answer(response)
    return true
  }
}

test('cut off, refused or without an end: the text stays, the reason is said, and stopping ends the request', async () => {
  const engine = await startEngine('vllm')
  const other = await startEngine('vllm')
  // The browser names the address it was sent to, and asks it nothing.
  const { page } = await openFor(engine, { allowedOrigins: [engine.url, other.url] })
  await connect(page)
  const error = page.getByTestId('error')
  once(engine, (response) => stream(response, [piece('Fi'), piece('ne')], { done: false }))
  await write(page)
  await error.waitFor()
  await expect.poll(() => written(page)).toBe('Fine')
  await page.getByTestId('continue').click()
  await expect.poll(() => written(page)).toBe(`Fine${ANSWER}`)
  expect(engine.asked.findLast(({ body }) => body['stream'] === true)?.body['prompt']).toBe(`${PROMPT}Fine`)
  await isAtRest(page)
  for (const status of [401, 429]) {
    once(engine, (response) => refuse(response, status, 'not today'))
    await write(page)
    await expect.poll(() => error.textContent()).toContain(`answered ${status}: not today`)
  }
  once(
    engine,
    (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>'),
  )
  await write(page)
  await expect.poll(() => error.textContent()).toContain('a page of HTML')
  once(engine, (response) => void response.writeHead(307, { location: `${other.url}/v1/completions` }).end())
  await write(page)
  await expect.poll(() => error.textContent()).toContain('redirect')
  expect(other.asked).toEqual([])
  once(engine, (response) =>
    stream(response, [piece('on and '), piece('on and ')], { done: false, end: false }),
  )
  await write(page)
  await expect.poll(() => written(page)).toContain('on and')
  await page.getByTestId('stop').click()
  await isAtRest(page)
  await expect.poll(() => engine.abandoned).toContain('/v1/completions')
})

test('an engine that allows no pages, nobody there, a host that is not allowed yet', async () => {
  const closed = await startEngine('vllm', null)
  const { page } = await openFor(closed, { expectedErrors: [/Failed to load resource/, /CORS policy/] })
  const failure = page.getByTestId('engine-error')
  await page.getByTestId('engine-connect').click()
  await expect.poll(() => failure.getAttribute('data-why')).toBe('cors')
  expect(await failure.textContent()).toContain('--cors-origins')
  await closed.close()
  engines = []
  await page.getByTestId('engine-connect').click()
  await expect.poll(() => failure.getAttribute('data-why')).toBe('unreachable')
  await page.getByTestId('engine-url').fill('https://engine.example')
  await page.getByTestId('engine-connect').click()
  await page.getByTestId('origin-allow').waitFor()
})

test('what an engine offers and what stands for a view are accessible, narrow and in Korean', async () => {
  const engine = await startEngine('vllm')
  const { page } = await openFor(engine)
  await page.getByTestId('language').selectOption('ko')
  await connect(page)
  await expectAccessible(page, 'engine offers')
  await page.getByTestId('view-map').click()
  expect(await page.getByTestId('far-lacks').textContent()).toContain('다른 곳의 엔진')
  await page.setViewportSize({ width: 390, height: 844 })
  await expectNoViolation(page)
})
