import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseGgufHeader } from '../../src/formats/gguf/header.ts'
import { writeGguf } from '../../src/formats/gguf/write.ts'
import { asGguf } from './ggufOfFolder.ts'
import { ALL } from '../all.ts'
import { maxDifference } from '../nmse.ts'
import { readJson, ROOT, SHARED, TINY, withConfig, withModel } from './modelFixtures.ts'

const GEMMA_ROPE = {
  full_attention: { rope_theta: 1e6, rope_type: 'default' },
  sliding_attention: { rope_theta: 1e4, rope_type: 'default' },
}

describe('a GGUF file computes what the folder it was made of computes', () => {
  test.each([
    ['llama', {}],
    ['qwen3', {}],
    ['gpt2', {}],
    // What a file of this architecture has no word for.
    ['gemma3', { query_pre_attn_scalar: 16, rope_parameters: GEMMA_ROPE }],
  ] as const)('%s', async (name, changes) => {
    const files = withConfig(join(TINY, name), 'config.json')
    const config = { ...(readJson(join(TINY, name, 'config.json')) as Record<string, unknown>), ...changes }
    files.set('config.json', new TextEncoder().encode(JSON.stringify(config)))
    const { fields, tensors } = await asGguf(join(TINY, name), config, name)
    const file = writeGguf(fields, tensors)
    const { ids } = readJson(join(TINY, name, 'expected.json')) as { ids: number[] }
    await withModel(files, {}, async (folder) => {
      const expected = await folder.logits(ids)
      await withModel(new Map([['tiny.gguf', file]]), {}, async (model) => {
        expect(model.info.weights).toBe('f32')
        const { data } = await model.logits(ids)
        expect(data.length).toBe(expected.data.length)
        expect(maxDifference(data, expected.data)).toBeLessThanOrEqual(1e-4)
      })
    })
  })
})

interface Published {
  prompts: {
    ids: number[]
    text: string
    forced_logprobs: number[]
    greedy: number[]
    margin: number[]
  }[]
  strings: { text: string; ids: number[] }[]
}

/** Another order of adding may choose otherwise below. */
const MARGIN = 0.02
/** Bytes of GPU memory beside the file's weights and the pages of keys and values in use. */
const MAX_BESIDE = 50e6

describe('a published file', () => {
  const folder = join(SHARED, 'models/smollm2-135m-instruct')
  const file = join(folder, 'SmolLM2-135M-Instruct.Q4_1.gguf')
  const there = existsSync(file)
  test.skipIf(!there)(there ? 'opens as it is' : 'skipped: needs shared data', async () => {
    const { prompts, strings } = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Published
    const bytes = readFileSync(file)
    const weights = bytes.length - parseGgufHeader(bytes, file, bytes.length).dataBegin
    await withModel(file, { contextLength: 512 }, async (model) => {
      expect(model.info.weights).toBe('q4_1')
      expect(model.info.hasChatTemplate).toBe(true)
      for (const { text: words, ids } of strings)
        expect(await model.encode(words, { parseSpecial: true })).toEqual(ids)
      for (const prompt of ALL ? prompts : prompts.slice(0, 3)) {
        const { shape, data } = await model.logits(prompt.ids)
        const vocab = shape[1] ?? 0
        prompt.forced_logprobs.forEach((expected, i) => {
          const row = data.subarray(i * vocab, (i + 1) * vocab)
          expect(Math.abs(logProbability(row, prompt.ids[i + 1] ?? 0) - expected)).toBeLessThanOrEqual(MARGIN)
        })
        const sure = prompt.margin.findIndex((margin) => margin < MARGIN)
        const count = Math.min(ALL ? Infinity : 8, sure < 0 ? prompt.greedy.length : sure)
        const ids: number[] = []
        for await (const { id } of model.generate(prompt.ids, { temperature: 0, maxTokens: count }))
          ids.push(id)
        expect(ids).toEqual(prompt.greedy.slice(0, count))
      }
      const { gpuBytes, byLabel } = await model.memory()
      expect(gpuBytes - weights - (byLabel['kv-cache'] ?? 0)).toBeLessThanOrEqual(MAX_BESIDE)
    })
  })
})

interface AdapterCases {
  cases: { scale: number; ids: number[]; forced: number[]; greedy: number[]; margin: number[] }[]
}

describe('a published adapter over a published file', () => {
  const file = join(SHARED, 'models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf')
  const adapter = join(SHARED, 'adapters/smollm-135m-instruct')
  const there = existsSync(file) && existsSync(adapter)
  test.skipIf(!there)(
    there ? 'as PEFT over the dequantised weights' : 'skipped: needs shared data',
    async () => {
      const { cases } = readJson(join(ROOT, 'tests/fixtures/gguf/adapter.json')) as AdapterCases
      await withModel(file, { contextLength: 256 }, async (model) => {
        const { id } = await model.addAdapter(adapter)
        const exported = await model.exportAdapter([{ id, scale: 1 }], { format: 'gguf' })
        const other = await model.addAdapter(exported)
        for (const { scale, ids, forced, greedy, margin } of cases) {
          const ways = scale === 0 ? [[{ id, scale }]] : [[{ id, scale }], [{ id: other.id, scale }]]
          for (const adapters of ways) {
            const { shape, data } = await model.logits(ids, { adapters })
            const vocab = shape[1] ?? 0
            forced.forEach((expected, i) => {
              const row = data.subarray(i * vocab, (i + 1) * vocab)
              expect(Math.abs(logProbability(row, ids[i + 1] ?? 0) - expected)).toBeLessThanOrEqual(MARGIN)
            })
          }
          const sure = margin.findIndex((distance) => distance < MARGIN)
          const count = sure < 0 ? greedy.length : sure
          const got: number[] = []
          const options = { temperature: 0, maxTokens: count, adapters: [{ id, scale }] }
          for await (const token of model.generate(ids, options)) got.push(token.id)
          expect(got).toEqual(greedy.slice(0, count))
        }
      })
    },
  )
})

function logProbability(logits: Float32Array, id: number): number {
  const most = logits.reduce((a, b) => Math.max(a, b))
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - most), 0)
  return (logits[id] ?? 0) - most - Math.log(sum)
}
