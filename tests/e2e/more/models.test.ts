import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Asked, FakeHub } from '../../hub/fakeHub.ts'
import { configOf, ONE_BILLION, syntheticWeights } from '../../hub/syntheticModel.ts'
import { expectAccessible } from '../accessible.ts'
import { openPage, type OpenOptions } from '../harness.ts'
import { answer, isReady } from '../shownModel.ts'

const TALES = resolve(import.meta.dirname, '../../../public/models/tales-3m')
const ID = 'tests/tales'
/** More than the header of its weights, less than any file of it that is downloaded in parts. */
const HEADER_BYTES = 100_000
const SHOWN = [
  'config.json',
  'generation_config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
]

let hub: FakeHub

beforeAll(async () => {
  hub = await FakeHub.start()
})
afterAll(() => hub.close())
beforeEach(() => {
  hub.reset()
  const files = Object.fromEntries(
    SHOWN.map((name) => [name, new Uint8Array(readFileSync(join(TALES, name)))]),
  )
  hub.repo(ID, files, { license: 'mit' })
  hub.repo('tests/gated', files, { gated: true })
})

const hubPage = (options: OpenOptions = {}) =>
  openPage({
    ...options,
    path: `?hub=${encodeURIComponent(hub.url)}${options.path ?? '#run=0&view=models'}`,
    reducedMotion: 'reduce',
    allowedOrigins: [hub.url, hub.cdnUrl],
  })

test('a model is judged, downloaded after a yes, kept, and opened again without asking anybody', async () => {
  const { page, url } = await hubPage()
  await isReady(page, 'tales-3m')
  const expected = await answer(page)
  await page.getByTestId('hub-search').fill('tales')
  await page.getByTestId('hub-search').press('Enter')
  await page.getByTestId('hub-find').first().click()
  const verdict = page.getByTestId('fit-verdict')
  await verdict.waitFor()
  expect(await verdict.getAttribute('data-verdict')).toBe('fits')
  expect(hub.asked.some(({ cdn, range }) => cdn && (range?.[1] ?? 0) - (range?.[0] ?? 0) > 1_000_000)).toBe(
    false,
  )
  await expectAccessible(page, 'models')
  await page.getByTestId('download-start').click()
  await isReady(page, ID)
  expect(await answer(page)).toEqual(expected)
  expect(await page.getByTestId('storage-row').count()).toBe(1)

  // The link follows what is on show a moment later; a reload opens what it names.
  await expect.poll(() => decodeURIComponent(page.url())).toContain(`model=${ID}`)
  hub.asked.length = 0
  hub.fault = () => ({ status: 500 })
  await page.reload()
  await isReady(page, ID)
  expect(await answer(page)).toEqual(expected)
  expect(hub.asked).toEqual([])
  expect(page.url()).toContain(new URL(url).origin)

  await page.getByTestId('view-models').click()
  const row = page.getByTestId('storage-row')
  await row.getByRole('button', { name: /^Verify/ }).click()
  await page.getByText('All as downloaded.').waitFor()
  await row.getByRole('button', { name: /^Remove/ }).click()
  await row.getByRole('button', { name: /\?$/ }).click()
  await row.waitFor({ state: 'detached' })
})

test('a gated model asks for a token, which goes to the hub alone and nowhere else', async () => {
  const { page } = await hubPage()
  await isReady(page, 'tales-3m')
  await page.getByTestId('hub-id').fill('tests/gated')
  await page.getByTestId('hub-id').press('Enter')
  await page.getByTestId('hub-token').fill(hub.token)
  await page.getByTestId('hub-token').press('Enter')
  await page.getByTestId('fit-verdict').waitFor()
  const kept = await page.evaluate(() =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]),
  )
  expect(kept).not.toContain(hub.token)
  expect(hub.asked.filter(({ cdn, authorization }) => cdn && authorization !== null)).toEqual([])
  expect(hub.asked.some(({ authorization }) => authorization === `Bearer ${hub.token}`)).toBe(true)
})

test('a download that fails says why, keeps its part, and goes on', async () => {
  const { page } = await hubPage({ expectedErrors: [/403|ERR_/] })
  await isReady(page, 'tales-3m')
  await page.getByTestId('hub-id').fill(ID)
  await page.getByTestId('hub-id').press('Enter')
  await page.getByTestId('fit-verdict').waitFor()
  hub.fault = ({ cdn, range }) => (cdn && range !== null && range[0] > 4 ? { status: 403 } : undefined)
  await page.getByTestId('download-start').click()
  await page.getByTestId('models-error').waitFor()
  expect(await page.getByTestId('models-error').getAttribute('data-code')).toBe('network')
  hub.fault = () => undefined
  await page.getByTestId('download-start').click()
  await isReady(page, ID)
})

test('a link to a large model asks before it downloads', async () => {
  hub.repo('big/llama', {
    'config.json': configOf(ONE_BILLION),
    'model.safetensors': syntheticWeights(ONE_BILLION),
  })
  const { page } = await hubPage({ path: '#run=0&model=big/llama' })
  await page.getByTestId('fit-verdict').waitFor()
  expect(await page.getByTestId('model-status').getAttribute('data-state')).toBe('empty')
  expect(await page.getByTestId('download-start').textContent()).toMatch(/2\.\d+ GB/)
})

test('an address elsewhere is asked only by a page that has been allowed to', async () => {
  const origin = 'https://models.example'
  const { page, requests } = await openPage({
    path: '#run=0&view=models',
    reducedMotion: 'reduce',
    allowedOrigins: [origin],
  })
  await isReady(page, 'tales-3m')
  const expected = await answer(page)
  const cors = { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'range' }
  await page.context().route(`${origin}/**`, async (route) => {
    const name = new URL(route.request().url()).pathname.split('/').at(-1) ?? ''
    const body = SHOWN.includes(name) ? readFileSync(join(TALES, name)) : null
    await route.fulfill(body === null ? { status: 404, headers: cors } : { body, headers: cors })
  })
  await page.getByTestId('hub-id').fill(`${origin}/tales/`)
  await page.getByTestId('hub-id').press('Enter')
  await page.getByTestId('origin-allow').waitFor()
  expect(requests.filter((address) => address.startsWith(origin))).toEqual([])
  await page.getByTestId('origin-allow').click()
  await isReady(page, `${origin}/tales/`)
  expect(await answer(page)).toEqual(expected)
})

test('two tabs that want one model download it once', async () => {
  const { page, url } = await hubPage()
  await isReady(page, 'tales-3m')
  const second = await page.context().newPage()
  await second.goto(`${url}?hub=${encodeURIComponent(hub.url)}#run=0&view=models`)
  for (const tab of [page, second]) {
    await tab.getByTestId('hub-id').fill(ID)
    await tab.getByTestId('hub-id').press('Enter')
    await tab.getByTestId('fit-verdict').waitFor()
  }
  // Each tab may look at a header first; nothing else is asked for twice.
  const download = ({ cdn, method, range }: Asked): boolean =>
    cdn && method === 'GET' && (range?.[1] ?? 0) - (range?.[0] ?? 0) > HEADER_BYTES
  hub.asked.length = 0
  await Promise.all([page, second].map((tab) => tab.getByTestId('download-start').click()))
  for (const tab of [page, second]) await isReady(tab, ID)
  const parts = hub.asked.filter(download).map(({ path, range }) => `${path} ${range?.join('-')}`)
  expect(parts.length).toBeGreaterThan(0)
  expect(parts.toSorted()).toEqual([...new Set(parts)].toSorted())
})
