import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Model, TensorData } from '../../src/index.ts'
import { maxDifference, nmse } from '../nmse.ts'
import { readJson, ROOT, SHARED, TALES, TINY, TINY_MODELS, withConfig, withModel } from './modelFixtures.ts'

/** Every step against an independent f64 forward: f32 rounding over a few layers gives about 1e-12. */
const STEP = 1e-6
const LOGITS = 1e-3

interface ForwardIndex {
  model: string
  ids: number[]
  /** Rows of the prompt that the file keeps. */
  rows: number[]
  tensors: { name: string; shape: number[]; offset: number }[]
}

const FORWARD = join(ROOT, 'tests/fixtures/forward')

function readForward(name: string): { index: ForwardIndex; tensors: Map<string, Float32Array> } {
  const index = readJson(join(FORWARD, `${name}.json`)) as ForwardIndex
  const bytes = readFileSync(join(FORWARD, `${name}.bin`))
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const tensors = new Map(
    index.tensors.map(({ name: step, shape, offset }) => [
      step,
      new Float32Array(
        buffer,
        offset,
        shape.reduce((a, b) => a * b, 1),
      ),
    ]),
  )
  return { index, tensors }
}

/** The kept rows of a step, wherever its axis of rows is. */
function keepRows({ shape, axes, data }: TensorData, rows: readonly number[]): Float32Array {
  const axis = axes!.findIndex(({ kind }) => kind === 'rows')
  const total = shape[axis]!
  const width = shape.slice(axis + 1).reduce((product, size) => product * size, 1)
  const outer = data.length / width / total
  const kept = Array.from({ length: outer }, (_, o) =>
    rows.map((row) => data.subarray((o * total + row) * width, (o * total + row + 1) * width)),
  ).flat()
  const result = new Float32Array(kept.length * width)
  kept.forEach((part, i) => result.set(part, i * width))
  return result
}

/** Names the first step that is off, which is where a wrong model goes wrong. */
function expectSteps(errors: readonly { step: string; error: number }[]): void {
  const wrong = errors.find(({ error }) => !(error <= STEP))
  expect(wrong ? `${wrong.step}: NMSE ${wrong.error}` : 'every step').toBe('every step')
}

async function checkForward(model: Model, name: string): Promise<void> {
  const { index, tensors } = readForward(name)
  const names = index.tensors.map((tensor) => tensor.name).filter((step) => !step.includes('@'))
  const traced = await model.trace(index.ids, { probes: names })
  expectSteps(
    names.map((step) => ({
      step,
      error: nmse(keepRows(traced.get(step)!, index.rows), tensors.get(step)!),
    })),
  )
}

describe('every fine step of the forward', () => {
  const recorded = TINY_MODELS.filter((name) => existsSync(join(FORWARD, `${name}.json`)))
  test.each(recorded)('%s', async (name) => {
    await withModel(join(TINY, name), {}, (model) => checkForward(model, name))
  })

  test('the bundled model', async () => {
    await withModel(TALES, {}, (model) => checkForward(model, 'tales-3m'))
  })

  const nano = join(SHARED, 'models/gpt-nano-sort')
  test('gpt-nano-sort: the intermediates published with it', async ({ skip }) => {
    skip(!existsSync(nano), 'skipped: needs shared data')
    await withModel(nano, {}, checkNano)
  })

  interface Partial {
    shape: number[]
    dtype: string
    data: string
  }

  const decode = ({ data }: Partial): Float32Array => {
    const bytes = Buffer.from(data, 'base64')
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
  }

  interface NanoStep {
    partial: string
    layout: 'rows' | 'heads-first' | 'masked' | 'attention' | 'concatenated' | 'softmax'
    step: string | string[]
  }

  async function checkNano(model: Model): Promise<void> {
    const map = readJson(join(FORWARD, 'gpt-nano-sort-map.json')) as { steps: NanoStep[] }
    const partials = readJson(join(nano, 'gpt-nano-sort-t0-partials.json')) as Record<string, Partial>
    const { shape } = partials['idx']!
    const [count, length] = [shape[0]!, shape[1]!]
    const all = decode(partials['idx']!)
    for (let sequence = 0; sequence < count; sequence++) {
      const ids = [...all.subarray(sequence * length, (sequence + 1) * length)]
      const probes = [...new Set(map.steps.flatMap(({ step }) => step))]
      const traced = await model.trace(ids, { probes })
      expectSteps(
        map.steps.map((entry) => {
          const full = decode(partials[entry.partial]!)
          const size = full.length / count
          const own = full.subarray(sequence * size, (sequence + 1) * size)
          return { step: `${entry.partial} of sequence ${sequence}`, error: compare(entry, traced, own) }
        }),
      )
    }
  }

  function compare(
    { layout, step }: NanoStep,
    traced: ReadonlyMap<string, TensorData>,
    expected: Float32Array,
  ): number {
    const tensors = [step].flat().map((name) => traced.get(name)!)
    const { shape, data } = tensors[0]!
    const [rows, width] = [shape.at(-2)!, shape.at(-1)!]
    if (layout === 'concatenated') {
      const got = Array.from({ length: rows }, (_, r) =>
        tensors.map((tensor) => [...tensor.data.subarray(r * width, (r + 1) * width)]),
      ).flat(2)
      return nmse(got, expected)
    }
    if (layout === 'heads-first') {
      const headDim = 16
      const got = Array.from({ length: expected.length }, (_, i) => {
        const [head, row] = [Math.floor(i / headDim / rows), Math.floor(i / headDim) % rows]
        return data[row * width + head * headDim + (i % headDim)]!
      })
      return nmse(got, expected)
    }
    if (layout === 'masked') {
      const seen = Array.from(expected.keys()).filter((i) => Number.isFinite(expected[i]!))
      return nmse(
        seen.map((i) => data[i]!),
        seen.map((i) => expected[i]!),
      )
    }
    if (layout === 'softmax') {
      const got = Array.from({ length: rows }, (_, r) => {
        const part = [...data.subarray(r * width, (r + 1) * width)].map(Math.exp)
        const sum = part.reduce((a, b) => a + b)
        return part.map((value) => value / sum)
      }).flat()
      return nmse(got, expected)
    }
    return nmse(data, expected)
  }
})

interface Expected {
  ids: number[]
  logits: number[][]
  argmax: number[]
  dequantised?: Partial<Record<'q8_0' | 'q4_0', number[][]>>
}

function expectLogits({ shape, data }: TensorData, { logits, argmax }: Expected): void {
  const vocab = shape[1]!
  expect(maxDifference(data, logits.flat())).toBeLessThanOrEqual(LOGITS)
  const got = argmax.map((_, row) => {
    const part = data.subarray(row * vocab, (row + 1) * vocab)
    return part.indexOf(part.reduce((a, b) => Math.max(a, b)))
  })
  expect(got).toEqual(argmax)
}

describe('checkpoints written by Transformers', () => {
  test.each(TINY_MODELS)('%s: logits of every position', async (name) => {
    const expected = readJson(join(TINY, name, 'expected.json')) as Expected
    await withModel(join(TINY, name), {}, async (model) => {
      expectLogits(await model.logits(expected.ids), expected)
    })
  })

  const older = TINY_MODELS.filter((name) => existsSync(join(TINY, name, 'config.transformers4.json')))
  test.each(older)('%s as Transformers 4 describes it', async (name) => {
    const expected = readJson(join(TINY, name, 'expected.json')) as Expected
    await withModel(withConfig(join(TINY, name), 'config.transformers4.json'), {}, async (model) => {
      expectLogits(await model.logits(expected.ids), expected)
    })
  })

  const quantised = TINY_MODELS.flatMap((name) => {
    const { dequantised } = readJson(join(TINY, name, 'expected.json')) as Expected
    return dequantised ? (['q8_0', 'q4_0'] as const).map((weights) => ({ name, weights })) : []
  })
  test.each(quantised)('$name over $weights weights', async ({ name, weights }) => {
    const { ids, dequantised } = readJson(join(TINY, name, 'expected.json')) as Expected
    await withModel(join(TINY, name), { weights }, async (model) => {
      const expected = dequantised![weights]!.flat()
      const { data } = await model.logits(ids)
      expect(maxDifference(data.slice(-expected.length), expected)).toBeLessThanOrEqual(LOGITS)
    })
  })

  test('what cannot be quantised stays as stored, and info says so', async () => {
    await withModel(join(TINY, 'mistral'), { weights: 'q4_0' }, async ({ info }) => {
      expect(info.exceptions).toEqual([
        expect.stringContaining('layers.0.attn.o is kept as f16'),
        expect.stringContaining('layers.1.attn.o is kept as f16'),
      ])
    })
    await withModel(join(TINY, 'qwen2'), { weights: 'q8_0' }, async ({ info }) => {
      expect(info.exceptions.length).toBeGreaterThan(0)
      for (const line of info.exceptions) expect(line).toContain('is kept as bf16')
    })
  })
})

describe('the bundled model in every storage', () => {
  test.each(['f32', 'f16', 'q8_0', 'q4_0'] as const)('%s', async (weights) => {
    const { index, tensors } = readForward('tales-3m')
    await withModel(TALES, { weights }, async (model) => {
      const plain = weights === 'f32' || weights === 'f16'
      const expected = tensors.get(plain ? 'logits' : `logits@${weights}`)!
      const got = keepRows(await model.logits(index.ids), index.rows)
      expect(maxDifference(got, expected)).toBeLessThanOrEqual(LOGITS)
    })
  })
})
