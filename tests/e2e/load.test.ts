import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { GREEDY_CASES } from '../greedy.ts'
import { openPage } from './harness.ts'
import { publish } from '../figures.ts'

const dist = resolve(import.meta.dirname, '../../dist')
const KILOBYTE = 1000

/** Script files that a first visit runs: those the page names, the worker, and what these import at once. */
function firstLoadScripts(): string[] {
  const html = readFileSync(resolve(dist, 'index.html'), 'utf8')
  const named = [...html.matchAll(/assets\/([\w.-]+\.js)/g)].map(([, name]) => name!)
  const worker = readdirSync(resolve(dist, 'assets')).filter((name) => /^engine\.worker.*\.js$/.test(name))
  const found = new Set<string>()
  const visit = (name: string): void => {
    if (found.has(name)) return
    found.add(name)
    const code = readFileSync(resolve(dist, 'assets', name), 'utf8')
    for (const [, next] of code.matchAll(/(?:\bfrom|\bimport)\s*["']\.\/([\w.-]+\.js)["']/g)) visit(next!)
  }
  expect(worker).toHaveLength(1)
  for (const name of [...named, ...worker]) visit(name)
  return [...found]
}

test('the scripts of a first visit weigh at most 250 kB', () => {
  const sizes = firstLoadScripts().map((name) => ({
    name,
    bytes: gzipSync(readFileSync(resolve(dist, 'assets', name)), { level: 9 }).length,
  }))
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0)
  publish({ name: 'first-load JavaScript, gzip', value: total, unit: 'bytes', sizes })
  expect(total).toBeLessThanOrEqual(250 * KILOBYTE)
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
