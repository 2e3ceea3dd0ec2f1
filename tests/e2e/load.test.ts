import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { GREEDY_CASES } from '../greedy.ts'
import { openPage } from './harness.ts'
import { publish } from '../figures.ts'

const dist = resolve(import.meta.dirname, '../../dist')
/** Bytes of JavaScript that a visitor without a cache may fetch before the first token: 250 kB of 1,024 bytes. */
const MAX_FIRST_BYTES = 256_000

test('a first visit fetches at most 250 kB of JavaScript until the first token, workers included', async () => {
  const { page, requests } = await openPage()
  await page.waitForSelector('[data-token-index="0"]', { timeout: 60_000 })
  const names = new Set(requests.flatMap((url) => /\/assets\/([\w.-]+\.js)$/.exec(url)?.[1] ?? []))
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
