import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Inspection, Model, TensorData } from '../../src/index.ts'
import { statsOf } from '../../src/maths/stats.ts'
import { maxDifference } from '../nmse.ts'
import { testDevice } from './device.ts'
import { collect, logSoftmax, refusal } from './engine.support.ts'
import { readJson, ROOT, TALES, TINY, withModel } from './modelFixtures.ts'

/** A fused kernel, or another number of rows, sums in another order: f32 rounding of values of a few units. */
const ROUNDING = 1e-4

const promptOf = (name: string): number[] =>
  (readJson(join(TINY, name, 'expected.json')) as { ids: number[] }).ids

const manyIds = (count: number, vocab: number): number[] =>
  Array.from({ length: count }, (_, i) => (i * 7919 + 3) % vocab)

/** One row of a whole tensor, sliced on the host. */
function hostRow({ shape, data }: TensorData, row: number): number[] {
  const [rows, width] = [shape.at(-2)!, shape.at(-1)!]
  const outer = data.length / rows / width
  return Array.from({ length: outer }, (_, o) => {
    const begin = (o * rows + row) * width
    return [...data.subarray(begin, begin + width)]
  }).flat()
}

function hostStats(values: Float32Array): Record<'min' | 'max' | 'mean' | 'std' | 'norm', number> {
  const all = [...values]
  const mean = all.reduce((a, b) => a + b, 0) / all.length
  return {
    min: Math.min(...all),
    max: Math.max(...all),
    mean,
    std: Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length),
    norm: Math.hypot(...all),
  }
}

async function expectSameAsTrace(inspection: Inspection, model: Model, tolerance: number): Promise<void> {
  const names = inspection.steps.map(({ name }) => name)
  expect(names).toEqual((await model.steps({ rows: inspection.ids.length })).map(({ name }) => name))
  const traced = await model.trace(inspection.ids, { probes: names })
  for (const { name, output } of inspection.steps) {
    const [got, expected] = [await inspection.read(name), traced.get(name)!]
    expect(got.shape, name).toEqual(expected.shape)
    expect(output.shape, name).toEqual(expected.shape)
    expect(maxDifference(got.data, expected.data), name).toBeLessThanOrEqual(tolerance)
  }
}

describe.each(['llama', 'gpt2', 'qwen2'])('an inspection of %s', (name) => {
  test('every step is kept and equals trace, bit for bit', async () => {
    await withModel(join(TINY, name), {}, async (model) => {
      const before = await model.memory()
      const inspection = await model.inspect(promptOf(name))
      expect(inspection.steps.every(({ retained }) => retained)).toBe(true)
      expect((await model.memory()).gpuBytes).toBeGreaterThanOrEqual(
        before.gpuBytes + inspection.retainedBytes,
      )
      await expectSameAsTrace(inspection, model, 0)
      await inspection.close()
      expect(await model.memory()).toEqual(before)
    })
  })

  test('ranges, rows and statistics are those of the whole tensor', async () => {
    await withModel(join(TINY, name), {}, async (model) => {
      const inspection = await model.inspect(promptOf(name))
      for (const step of ['layers.0.attn.q', 'layers.1.attn.probs', 'layers.1.attn.cache', 'logits']) {
        const full = await inspection.read(step)
        const part = await inspection.read(step, { begin: 5, end: 12 })
        expect(part).toEqual({ shape: [7], data: full.data.slice(5, 12) })
        const row = await inspection.row(step, 2)
        expect(row.shape).toEqual(full.shape.toSpliced(-2, 1))
        expect([...row.data]).toEqual(hostRow(full, 2))
        for (const [got, values] of [
          [await inspection.stats(step), full.data],
          [await inspection.stats(step, { row: 2 }), row.data],
        ] as const) {
          expect(got).toMatchObject({ elements: values.length, nan: 0, infinite: 0 })
          for (const [field, expected] of Object.entries(hostStats(values))) {
            expect(got[field as 'min'], `${step} ${field}`).toBeCloseTo(expected, 6)
          }
          expect(got.histogram.counts.reduce((a, b) => a + b)).toBe(values.length)
        }
      }
      await inspection.close()
    })
  })
})

describe('a budget too small for all steps', () => {
  test('keeps what is named first and computes the rest again, within the budget', async () => {
    await withModel(join(TINY, 'gpt2'), {}, async (model) => {
      const before = await model.memory()
      const ids = promptOf('gpt2')
      const budgetBytes = 5 * ids.length * model.info.hidden * 4
      const inspection = await model.inspect(ids, { retain: ['layers.*.resid'], budgetBytes })
      const kept = inspection.steps.filter(({ retained }) => retained).map((step) => step.name)
      expect(kept).toEqual(expect.arrayContaining(['layers.0.resid', 'layers.1.resid']))
      expect(kept.length).toBeLessThan(inspection.steps.length)
      expect(inspection.retainedBytes).toBeLessThanOrEqual(budgetBytes)
      await expectSameAsTrace(inspection, model, ROUNDING)
      const [first, ...others] = await Promise.all([
        inspection.read('layers.0.mlp.act'),
        inspection.read('layers.0.mlp.act', { begin: 0, end: 10 }),
        inspection.stats('logits'),
      ])
      expect(others[0]).toEqual({ shape: [10], data: first.data.slice(0, 10) })
      await inspection.close()
      expect(await model.memory()).toEqual(before)
    })
  })

  test('long inputs run in chunks', async () => {
    await withModel(TALES, {}, async (model) => {
      const ids = manyIds(150, model.info.vocab)
      const inspection = await model.inspect(ids, { retain: ['layers.*.resid'], budgetBytes: 1_000_000 })
      const steps = [
        'layers.2.resid',
        'layers.1.attn.probs',
        'layers.0.attn.cache',
        'layers.0.attn.scores',
        'logits',
      ]
      const traced = await model.trace(ids, { probes: steps })
      for (const step of steps) {
        const { data } = await inspection.read(step)
        expect(maxDifference(data, traced.get(step)!.data), step).toBeLessThanOrEqual(ROUNDING)
      }
      await inspection.close()
    })
  })
})

describe('what an inspection leaves alone', () => {
  test('text generated before, during and after is the same', async () => {
    await withModel(TALES, {}, async (model) => {
      const prompt = 'Once upon a time'
      const options = { maxTokens: 12, temperature: 0 }
      const { ids: separate } = await collect(model, prompt, options)
      const inspections: Inspection[] = []
      const during = await collect(model, prompt, options, () => {
        void model.inspect(separate).then((inspection) => inspections.push(inspection))
      })
      expect(during.ids).toEqual(separate)
      const inspection = await model.inspect(await model.encode(prompt))
      for (const { name } of inspection.steps.slice(0, 20)) {
        await inspection.read(name)
        await inspection.stats(name, { row: 1 })
      }
      expect((await collect(model, prompt, options)).ids).toEqual(separate)
      expect(inspections.length).toBeGreaterThan(0)
    })
  })

  test('disposing of the model closes it; closing twice is harmless', async () => {
    let left: Inspection | null = null
    await withModel(join(TINY, 'llama'), {}, async (model) => {
      left = await model.inspect(promptOf('llama'))
      void left.read('logits').catch(() => undefined)
    })
    const inspection = left as Inspection | null
    await refusal(inspection!.read('logits'), 'bad-argument')
    await inspection!.close()
    await inspection!.close()
  })
})

test('what cannot be asked is refused, naming it', async () => {
  await withModel(join(TINY, 'llama'), {}, async (model) => {
    await refusal(model.inspect([]), 'bad-argument')
    const inspection = await model.inspect(promptOf('llama'))
    expect((await refusal(inspection.read('layers.9.resid'), 'bad-argument')).message).toContain(
      'layers.9.resid',
    )
    await refusal(inspection.read('logits', { begin: -1 }), 'bad-argument')
    await refusal(inspection.read('logits', { end: 1e9 }), 'bad-argument')
    await refusal(inspection.row('logits', 1000), 'bad-argument')
    await refusal(inspection.resize(1, 10, 10), 'bad-argument')
    await inspection.close()
    await refusal(inspection.stats('logits'), 'bad-argument')
  })
})

test('a step is timed alone, whether it was kept or not', async ({ skip }) => {
  await withModel(join(TINY, 'llama'), {}, async (model) => {
    const inspection = await model.inspect(promptOf('llama'))
    const small = await model.inspect(promptOf('llama'), { budgetBytes: 0 })
    const before = await inspection.read('logits')
    const time = await inspection.time('logits').catch((error: unknown) => error)
    skip(time instanceof Error && time.message.includes('timestamps'), 'skipped: needs timestamp-query')
    for (const { microseconds } of [await inspection.time('logits'), await small.time('logits')]) {
      expect(microseconds === null || microseconds > 0).toBe(true)
    }
    expect(await inspection.read('logits')).toEqual(before)
    await Promise.all([inspection.close(), small.close()])
  })
})

test('an edited forward shows its edits', async () => {
  await withModel(join(TINY, 'llama'), {}, async (model) => {
    const before = await model.memory()
    const edits = [{ kind: 'scale', step: 'layers.0.attn.o', factor: 0 }] as const
    const inspection = await model.inspect(promptOf('llama'), { edits })
    expect((await inspection.stats('layers.0.attn.o')).absMax).toBe(0)
    const traced = await model.trace(inspection.ids, { probes: ['layers.1.resid'], edits })
    const { data } = await inspection.read('layers.1.resid')
    expect(maxDifference(data, traced.get('layers.1.resid')!.data)).toBeLessThanOrEqual(ROUNDING)
    await inspection.close()
    expect((await model.memory()).gpuBytes).toBeLessThanOrEqual(before.gpuBytes + 1024)
  })
})

describe('under adapters', () => {
  const adapter = (name: string): string => join(ROOT, 'tests/fixtures/peft', name)

  test('the forward is adapted; once the adapters change, only what was kept can be read', async () => {
    await withModel(join(TINY, 'llama'), {}, async (model) => {
      const ids = promptOf('llama')
      const plain = await model.inspect(ids)
      const { id } = await model.addAdapter(adapter('llama-plain'))
      const inspection = await model.inspect(ids)
      const base = await model.inspect(ids, { adapters: [] })
      await expectSameAsTrace(inspection, model, 0)
      const probes = ['layers.1.resid']
      const expected = (await model.trace(ids, { probes, adapters: [] })).get('layers.1.resid')!
      const rounding = maxDifference((await base.read('layers.1.resid')).data, expected.data)
      expect(rounding).toBeLessThanOrEqual(ROUNDING)
      expect(maxDifference((await plain.read('layers.1.resid')).data, expected.data)).toBeLessThanOrEqual(
        ROUNDING,
      )
      const small = await model.inspect(ids, { budgetBytes: 0 })
      await small.read('layers.0.resid')
      await model.removeAdapter(id)
      await refusal(small.read('layers.1.resid'), 'bad-argument')
      await refusal(inspection.time('layers.1.resid'), 'bad-argument')
      expect((await inspection.read('logits')).data.every(Number.isFinite)).toBe(true)
      await Promise.all([plain, inspection, base, small].map((one) => one.close()))
    })
  })

  test.each([
    'llama-plain',
    'llama-dora',
    'llama-bias-all',
    'llama-save-head',
    'gpt2-all-linear',
    'gpt2-save-head-norm',
  ])('lens and attribution: %s', async (name) => {
    const { base, ids } = readJson(join(adapter(name), 'expected.json')) as { base: string; ids: number[] }
    await withModel(join(TINY, base), {}, async (model) => {
      await model.addAdapter(adapter(name))
      const position = ids.length - 1
      const { data } = await model.logits(ids)
      const { vocab, layers } = model.info
      const logits = data.subarray(position * vocab, (position + 1) * vocab)
      const { sum, logit } = await model.attribution(ids, { position, token: 7 })
      expect(Math.abs(logit - logits[7]!)).toBeLessThanOrEqual(1e-3)
      expect(Math.abs(sum - logits[7]!)).toBeLessThanOrEqual(1e-3)
      const lens = await model.lens(ids, { layers: [layers - 1], positions: [position], token: 7 })
      expect(lens.cells[0]!.probability).toBeCloseTo(Math.exp(logSoftmax(logits)[7]!), 5)
    })
  })
})

/** What a worker gets from the page, as far as drawing needs it. */
function fakeCanvas(texture: GPUTexture): OffscreenCanvas {
  const context = {
    configure: () => undefined,
    unconfigure: () => undefined,
    getCurrentTexture: () => texture,
  }
  return { width: 64, height: 32, getContext: () => context } as unknown as OffscreenCanvas
}

test('panning draws without reading back; an automatic range is read once a tensor', async () => {
  vi.stubGlobal('navigator', { gpu: { getPreferredCanvasFormat: () => 'rgba8unorm' } })
  onTestFinished(() => void vi.unstubAllGlobals())
  const { device } = await testDevice({ limits: 'adapter', features: 'all' })
  const usage = GPUTextureUsage.RENDER_ATTACHMENT
  const texture = device.createTexture({ size: [64, 32], format: 'rgba8unorm', usage })
  await withModel(join(TINY, 'gpt2'), {}, async (model) => {
    const inspection = await model.inspect(promptOf('gpt2'))
    const canvas = await inspection.attach(fakeCanvas(texture))
    await inspection.resize(canvas, 64, 32)
    const frame = { rows: [0, 4], cols: [0, 40], palette: 'diverging', theme: 'dark' } as const
    const step = 'layers.0.resid'
    const { absMax, min, max } = await inspection.stats(step)
    const { readbacks } = await model.counters()
    const { range } = await inspection.draw(canvas, { ...frame, step, range: 'auto' })
    expect(range).toEqual([-absMax, absMax])
    for (let i = 0; i < 20; i++) {
      const cols = [i / 3, 20 + i] as const
      await inspection.draw(canvas, { ...frame, step, cols, range: i % 2 === 0 ? 'auto' : [-1, 1] })
    }
    const sequential = { ...frame, step, palette: 'sequential', range: 'auto' } as const
    expect((await inspection.draw(canvas, sequential)).range).toEqual([min, max])
    expect((await model.counters()).readbacks).toBe(readbacks + 1)
    await refusal(inspection.draw(canvas, { ...frame, step, range: 'auto', slice: 1 }), 'bad-argument')
    await refusal(inspection.draw(canvas, { ...frame, step, range: 'auto', rows: [4, 4] }), 'bad-argument')
    await inspection.close()
  })
  texture.destroy()
})

test('statistics set NaN and infinity apart', async () => {
  const pieces = async function* (): AsyncGenerator<Float32Array> {
    yield Float32Array.of(1, NaN, -3)
    yield Float32Array.of(Infinity, 5, -Infinity)
  }
  expect(await statsOf(pieces)).toEqual({
    elements: 6,
    nan: 1,
    infinite: 2,
    min: -3,
    max: 5,
    mean: 1,
    std: Math.sqrt(32 / 3),
    norm: Math.sqrt(35),
    absMax: 5,
    histogram: { low: -3, high: 5, counts: [1, 1, 1] },
  })
})
