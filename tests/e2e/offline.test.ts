import { expect, test } from 'vitest'
import { openPage } from './harness.ts'
import { answer, isReady } from './shownModel.ts'

test('a second tab allocates nothing before it is asked to', async () => {
  const { page, url } = await openPage({ path: '#run=0', reducedMotion: 'reduce' })
  await isReady(page, 'tales-3m')
  const second = await page.context().newPage()
  await second.goto(`${url}#run=0`)
  await second.getByTestId('taken').waitFor()
  expect(await second.getByTestId('model-status').getAttribute('data-state')).toBe('empty')
  expect(await second.evaluate(async () => (await window.tokenscope).model === null)).toBe(true)
  const title = await page.title()
  await second.getByTestId('taken-use').click()
  await expect.poll(() => page.title()).not.toBe(title)
  await second.getByTestId('taken-load').click()
  await isReady(second, 'tales-3m')
})

test('with the host gone the page starts and answers', async () => {
  const { page } = await openPage({
    path: '#run=0',
    reducedMotion: 'reduce',
    serviceWorkers: 'allow',
    expectedErrors: [/ERR_|Failed to (load|fetch)|sw\.js/],
  })
  await isReady(page, 'tales-3m')
  const expected = await answer(page)
  const isKept = async (): Promise<boolean> => {
    const name = (await caches.keys()).find((one) => one.startsWith('tokenscope-page-'))
    const kept = name === undefined ? [] : await (await caches.open(name)).keys()
    return kept.some(({ url }) => url.endsWith('tokenizer_config.json'))
  }
  await expect.poll(() => page.evaluate(isKept)).toBe(true)
  await page.context().setOffline(true)
  await page.reload()
  await isReady(page, 'tales-3m')
  expect(await answer(page)).toEqual(expected)
})

test('neither the page nor its engine can ask an origin that nobody named', async () => {
  const { page, errors } = await openPage({
    path: '#run=0',
    reducedMotion: 'reduce',
    expectedErrors: [/Content.Security|connect-src/i],
  })
  await isReady(page, 'tales-3m')
  const outcome = await page.evaluate(async () => {
    const { loadModel } = await window.tokenscope
    const asked = await fetch('https://example.com/').then(
      () => 'answered',
      () => 'refused',
    )
    const loaded = await loadModel('https://example.com/models/x/').then(
      () => 'loaded',
      (error: { code: string }) => error.code,
    )
    return { asked, loaded }
  })
  expect(outcome).toEqual({ asked: 'refused', loaded: 'network' })
  const refusals = (): string[] =>
    errors.filter((text) => /example\.com.*Content Security Policy/s.test(text))
  await expect.poll(() => refusals().length).toBeGreaterThanOrEqual(2)
})
