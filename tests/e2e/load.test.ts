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

test('a cold page: download, compile and forward', async () => {
  const { page } = await openPage({ path: '#run=0', reducedMotion: 'reduce', initScript: noteStages })
  const figures = await page.evaluate(
    async (prompt) => {
      const { model } = await window.tokenscope
      const began = performance.now()
      const tokens: number[] = []
      for await (const { id } of model!.generate(prompt, { temperature: 0, maxTokens: 1 })) tokens.push(id)
      const total = performance.now()
      const { pipelinesCompiled } = await model!.counters()
      const { backend, variant } = model!.info
      const { stages } = window as unknown as { stages: Record<string, number> }
      return {
        stages,
        tokens,
        forward: total - began,
        total,
        pipelinesCompiled,
        backend,
        variant: variant.name,
      }
    },
    GREEDY_CASES[0]!.ids.slice(0, 8),
  )
  const { stages, tokens, forward, total, pipelinesCompiled, ...adapter } = figures
  expect(tokens).toHaveLength(1)
  const compile = stages['self-test']! - stages['compile']!
  const spent = {
    'page and worker': stages['config']!,
    'config and tokenizer': stages['weights']! - stages['config']!,
    weights: stages['compile']! - stages['weights']!,
    compile,
    'self-test': stages['ready']! - stages['self-test']!,
    forward,
    'total less compile': total - compile,
  }
  for (const [name, value] of Object.entries(spent))
    publish({ name: `cold page: ${name}`, value: Math.round(value), unit: 'ms', ...adapter })
  publish({ name: 'cold page: pipelines', value: pipelinesCompiled, unit: '', ...adapter })
  expect(pipelinesCompiled).toBeLessThanOrEqual(12)
  expect(spent['self-test']).toBeLessThan(300)
  expect(spent.compile).toBeLessThanOrEqual(2500)
  expect(spent['total less compile']).toBeLessThanOrEqual(1500)
})
