import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { GREEDY_CASES } from '../greedy.ts'
import { openPage } from './harness.ts'

const dist = resolve(import.meta.dirname, '../../dist')
const KILOBYTE = 1024

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
  console.log(JSON.stringify({ name: 'first-load JavaScript, gzip', value: total, unit: 'bytes', sizes }))
  expect(total).toBeLessThanOrEqual(250 * KILOBYTE)
})

test('no part of the ONNX runtime is shipped', () => {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  expect(files.filter((name) => /onnx|\.wasm$|ort[-.]/i.test(name))).toEqual([])
})

test('a cold page: download, compile and forward', async () => {
  const { page } = await openPage({ path: '#run=0', reducedMotion: 'reduce' })
  await page.evaluate(() => window.tokenscope.then(() => undefined))
  await page.evaluate(() => window.tokenscope.then(({ model }) => model!.dispose()))
  const { ids } = GREEDY_CASES[0]!
  const figures = await page.evaluate(
    async (prompt) => {
      const { loadModel } = await window.tokenscope
      const marks: Record<string, number> = {}
      const began = performance.now()
      const model = await loadModel('tales-stand-in', {
        onProgress: ({ stage }) => (marks[stage] ??= performance.now() - began),
      })
      const loaded = performance.now() - began
      for await (const token of model.generate(prompt, { temperature: 0, maxTokens: 1 }))
        marks['token'] = token.id
      const { pipelinesCompiled } = await model.counters()
      const total = performance.now() - began
      const { backend, variant } = model.info
      await model.dispose()
      return { marks, loaded, total, pipelinesCompiled, backend, variant: variant.name }
    },
    ids.slice(0, 8),
  )
  const { marks, total, loaded, pipelinesCompiled, ...adapter } = figures
  const compile = marks['self-test']! - marks['compile']!
  const spent = {
    download: marks['compile']!,
    compile,
    'self-test': marks['ready']! - marks['self-test']!,
    forward: total - loaded,
    'total less compile': total - compile,
  }
  for (const [name, value] of Object.entries(spent))
    console.log(
      JSON.stringify({ name: `cold page: ${name}`, value: Math.round(value), unit: 'ms', ...adapter }),
    )
  console.log(
    JSON.stringify({ name: 'cold page: pipelines', value: pipelinesCompiled, unit: '', ...adapter }),
  )
  expect(pipelinesCompiled).toBeLessThanOrEqual(12)
  expect(spent.compile).toBeLessThanOrEqual(2500)
  expect(spent['total less compile']).toBeLessThanOrEqual(1500)
})
