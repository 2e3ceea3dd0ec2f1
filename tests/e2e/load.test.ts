import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { GREEDY_CASES } from '../greedy.ts'
import { openPage } from './harness.ts'
import { publish } from '../figures.ts'

const dist = resolve(import.meta.dirname, '../../dist')
/** Bytes of JavaScript that a visitor without a cache may fetch before the first token: 250 kB of 1,024 bytes. */
const MAX_FIRST_BYTES = 256_000

/** How many of the requests came before the first token: told by the page itself, as it goes on writing and asking meanwhile. */
async function requestsBeforeToken(page: Page, requests: readonly string[]): Promise<number> {
  let count = 0
  await page.exposeFunction('tellFirstToken', () => {
    count = requests.length
  })
  await page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const observer = new MutationObserver(look)
        function look(): void {
          if (!document.querySelector('[data-token-index="0"]')) return
          observer.disconnect()
          void (window as unknown as { tellFirstToken: () => Promise<void> }).tellFirstToken().then(resolve)
        }
        observer.observe(document, { childList: true, subtree: true })
        look()
      }),
  )
  return count
}

test('a first visit fetches at most 250 kB of JavaScript until the first token, workers included', async () => {
  const { page, requests } = await openPage()
  const asked = requests.slice(0, await requestsBeforeToken(page, requests))
  const names = new Set(asked.flatMap((url) => /\/assets\/([\w.-]+\.js)$/.exec(url)?.[1] ?? []))
  const sizes = [...names].map((name) => ({
    name,
    bytes: gzipSync(readFileSync(resolve(dist, 'assets', name)), { level: 9 }).length,
  }))
  expect(sizes.some(({ name }) => name.startsWith('engine.worker'))).toBe(true)
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0)
  publish({ name: 'JavaScript until the first token, gzip', value: total, unit: 'bytes', sizes })
  expect(total).toBeLessThanOrEqual(MAX_FIRST_BYTES)
})

test('no part of the ONNX runtime is shipped', () => {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  expect(files.filter((name) => /onnx|\.wasm$|(^|\/)ort[-.]/i.test(name))).toEqual([])
})

test('a cold page has its first token after 12 pipelines or fewer', async () => {
  const { page } = await openPage({ path: '#run=0', reducedMotion: 'reduce' })
  const { ids, pipelines } = await page.evaluate(
    async (prompt) => {
      const { model } = await window.tokenscope
      const ids: number[] = []
      for await (const { id } of model!.generate(prompt, { temperature: 0, maxTokens: 1 })) ids.push(id)
      return { ids, pipelines: (await model!.counters()).pipelinesCompiled }
    },
    GREEDY_CASES[0]!.ids.slice(0, 8),
  )
  expect(ids).toHaveLength(1)
  expect(pipelines).toBeLessThanOrEqual(12)
})
