import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { GREEDY_CASES } from '../greedy.ts'
import { openPage, testBrowser } from './harness.ts'
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

/** Notes when the worker first told each stage, and when it had the model: milliseconds since navigation began. */
function noteStages(): void {
  const stages: Record<string, number> = {}
  Object.assign(window, { stages })
  window.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args)
      this.addEventListener(
        'message',
        ({ data }: MessageEvent<{ type: string; progress?: { stage: string } }>) => {
          if (data.type === 'progress' && data.progress) stages[data.progress.stage] ??= performance.now()
        },
      )
    }
  }
}

/** One visit with empty caches, up to the first token of an 8-token prompt. Milliseconds, apart. */
async function visit(): Promise<Record<string, number>> {
  const { page } = await openPage({ path: '#run=0', reducedMotion: 'reduce', initScript: noteStages })
  const { stages, forward, total, pipelines, ids } = await page.evaluate(
    async (prompt) => {
      const { model } = await window.tokenscope
      const began = performance.now()
      const ids: number[] = []
      for await (const { id } of model!.generate(prompt, { temperature: 0, maxTokens: 1 })) ids.push(id)
      const total = performance.now()
      const { pipelinesCompiled: pipelines } = await model!.counters()
      const { stages } = window as unknown as { stages: Record<string, number> }
      return { stages, forward: total - began, total, pipelines, ids }
    },
    GREEDY_CASES[0]!.ids.slice(0, 8),
  )
  expect(ids).toHaveLength(1)
  const at = (stage: string): number => stages[stage] ?? NaN
  const compile = at('self-test') - at('compile')
  return {
    'page and worker': at('config'),
    'config, tokenizer and device': at('weights') - at('config'),
    weights: at('compile') - at('weights'),
    compile,
    'self-test': at('ready') - at('self-test'),
    forward,
    'total less compile': total - compile,
    pipelines,
  }
}

test('a cold page: download, compile and forward', { retry: 2 }, async () => {
  await (await (await testBrowser()).newPage()).close() // starting the browser is not the page's doing
  // The least of three visits: what else the machine does only adds.
  const visits = [await visit(), await visit(), await visit()]
  const least = (name: string): number => Math.min(...visits.map((spent) => spent[name] ?? NaN))
  for (const name of Object.keys(visits[0]!)) {
    publish({
      name: `cold page: ${name}`,
      value: Math.round(least(name)),
      unit: name === 'pipelines' ? '' : 'ms',
    })
  }
  expect(least('pipelines')).toBeLessThanOrEqual(12)
  expect(least('self-test')).toBeLessThan(300)
  expect(least('compile')).toBeLessThanOrEqual(2500)
  expect(least('total less compile')).toBeLessThanOrEqual(1500)
})
