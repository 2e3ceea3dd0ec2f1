import { describe, expect, it } from 'vitest'
import { loadModel, type GenerateOptions, type Model } from '../../src/index.ts'
import { writeSafetensors } from '../../src/adapters/writeSafetensors.ts'
import { randomSource } from '../random.ts'
import { testDevice } from './device.ts'
import { greedyIds, withFixtureModel, worst } from './fixtureModel.ts'

const LLAMA = 'tests/fixtures/models/llama'
const PLAIN = './tests/fixtures/peft/llama-plain'
const REGEX = './tests/fixtures/peft/llama-regex'
const TALES = 'public/models/tales-3m'
const DORA = './tests/fixtures/peft/llama-dora'
const BIASES = './tests/fixtures/peft/llama-bias-all'
const HEAD = './tests/fixtures/peft/llama-save-head'
const ENDS = './tests/fixtures/peft/llama-save-embedding-norm'
const EMBED_DORA = './tests/fixtures/peft/llama-embedding-dora'
const EMBED_LORA = './tests/fixtures/peft/llama-embedding-head'
const IDS = [3, 17, 42, 99, 5, 61, 7, 23, 88, 12]

/** A rank-4 adapter on every q projection and o projection, square at this width. */
function randomAdapter(layers: number, width: number): Map<string, Uint8Array> {
  const random = randomSource(7)
  const tensors = Array.from({ length: layers }, (_, n) => [
    { name: `base_model.model.model.layers.${n}.self_attn.q_proj.lora_A.weight`, shape: [4, width] },
    { name: `base_model.model.model.layers.${n}.self_attn.q_proj.lora_B.weight`, shape: [width, 4] },
  ]).flat()
  const config = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    r: 4,
    lora_alpha: 8,
    target_modules: ['q_proj'],
  }
  const values = (shape: number[]) => random.normal((shape[0] ?? 0) * (shape[1] ?? 0), 0.05)
  return new Map([
    ['adapter_config.json', new TextEncoder().encode(JSON.stringify(config))],
    [
      'adapter_model.safetensors',
      writeSafetensors(
        tensors.map((tensor) => ({ ...tensor, dtype: 'F32' as const, values: values(tensor.shape) })),
      ),
    ],
  ])
}

const withModel = (work: (model: Model) => Promise<void>) => withFixtureModel('llama', work)
const ids = (model: Model, prompt: number[], options: GenerateOptions) =>
  greedyIds(model, prompt, { maxTokens: 12, ...options })

describe('adapters in the engine', () => {
  it('gives a fresh load bit for bit after on, off, on', () =>
    withModel(async (model) => {
      const { id } = await model.addAdapter(PLAIN)
      const on = await model.logits(IDS)
      await model.setAdapterScale(id, 0)
      await model.logits(IDS)
      await model.setAdapterScale(id, 1)
      expect((await model.logits(IDS)).data).toEqual(on.data)
      await model.removeAdapter(id)
      await model.addAdapter(PLAIN)
      expect((await model.logits(IDS)).data).toEqual(on.data)
    }))

  it('sums several adapters, negative scales included', () =>
    withModel(async (model) => {
      const a = await model.addAdapter(PLAIN)
      const b = await model.addAdapter(REGEX)
      const both = await model.logits(IDS, {
        adapters: [
          { id: a.id, scale: 0.5 },
          { id: b.id, scale: -0.7 },
        ],
      })
      const swapped = await model.logits(IDS, {
        adapters: [
          { id: b.id, scale: -0.7 },
          { id: a.id, scale: 0.5 },
        ],
      })
      expect(swapped.data).toEqual(both.data)
      const files = await model.exportAdapter([
        { id: a.id, scale: 0.5 },
        { id: b.id, scale: -0.7 },
      ])
      await model.removeAdapter(a.id)
      await model.removeAdapter(b.id)
      await model.addAdapter(files)
      // The exported adapter has the scales folded into B before rounding to f32.
      expect(worst((await model.logits(IDS)).data, both.data)).toBeLessThan(1e-4)
    }))

  it('uses no page of other scales when a scale moves mid-text', () =>
    withModel(async (model) => {
      const { id } = await model.addAdapter(PLAIN)
      const start = await ids(model, IDS, {})
      const text = [...IDS, ...start]
      await model.setAdapterScale(id, -2)
      const moved = await ids(model, text, {})
      const fresh = await loadModel(LLAMA, { device: (await testDevice()).device, weights: 'f32' })
      const again = await fresh.addAdapter(PLAIN, { scale: -2 })
      expect(await ids(fresh, text, { adapters: [{ id: again.id, scale: -2 }] })).toEqual(moved)
      await fresh.dispose()
    }))

  it('uploads no weights and compiles nothing when a slider moves', () =>
    withModel(async (model) => {
      const { id } = await model.addAdapter(PLAIN)
      await ids(model, IDS, {})
      const before = await model.counters()
      await model.setAdapterScale(id, 0.25)
      await ids(model, IDS, {})
      const after = await model.counters()
      expect(after.pipelinesCompiled).toBe(before.pipelinesCompiled)
      // Batches only: rows, page tables and scales, some hundred bytes a forward.
      expect(after.bytesUploaded - before.bytesUploaded).toBeLessThan(13 * 1024)
    }))

  it('compares two sets of scales as two separate runs would', () =>
    withModel(async (model) => {
      const { id } = await model.addAdapter(PLAIN)
      const sides: { a: number[]; b: number[]; kl: (number | null)[] } = { a: [], b: [], kl: [] }
      const options = { temperature: 0, maxTokens: 12, topLogprobs: 4 }
      for await (const { a, b, kl } of model.compare(IDS, { a: [], b: [{ id, scale: 1 }], ...options })) {
        if (a) sides.a.push(a.id)
        if (b) sides.b.push(b.id)
        sides.kl.push(kl)
      }
      expect(sides.a).toEqual(await ids(model, IDS, { adapters: [] }))
      expect(sides.b).toEqual(await ids(model, IDS, { adapters: [{ id, scale: 1 }] }))
      expect(sides.kl[0]).toBeGreaterThan(0)
    }))

  it('merges into the weights and restores them bit for bit', () =>
    withModel(async (model) => {
      const base = await model.logits(IDS)
      const { id } = await model.addAdapter(DORA)
      const beside = await model.logits(IDS)
      await model.mergeAdapters([{ id, scale: 1 }])
      expect(worst((await model.logits(IDS)).data, beside.data)).toBeLessThan(1e-3)
      await expect(model.compare(IDS, { a: [], b: [] })[Symbol.asyncIterator]().next()).rejects.toMatchObject(
        { code: 'unsupported' },
      )
      await model.unmergeAdapters()
      expect((await model.logits(IDS)).data).toEqual(beside.data)
      await model.removeAdapter(id)
      expect((await model.logits(IDS)).data).toEqual(base.data)
    }))

  it.each([
    ['DoRA and plain ranks', 'llama', [DORA, PLAIN]],
    ['two DoRA adapters', 'llama', [DORA, DORA]],
    ['trained biases of two adapters', 'llama-tied-bias', [BIASES, BIASES]],
  ])('sums %s on the same modules, as folded into the weights', (_, name, sources) =>
    withFixtureModel(name, async (model) => {
      const scales = [0.5, -0.7]
      const adapters = []
      for (const [at, source] of sources.entries())
        adapters.push({ id: (await model.addAdapter(source)).id, scale: scales[at]! })
      const beside = await model.logits(IDS, { adapters })
      for (const { id } of adapters) {
        const others = await model.logits(IDS, { adapters: adapters.filter((one) => one.id !== id) })
        expect(worst(others.data, beside.data)).toBeGreaterThan(1e-3)
      }
      await model.mergeAdapters(adapters)
      // The sums of the weights were rounded to f32 once.
      expect(worst((await model.logits(IDS)).data, beside.data)).toBeLessThan(1e-4)
    }),
  )

  it.each([
    ['a head', [HEAD, HEAD]],
    ['an embedding and norms', [ENDS, ENDS]],
    ['an embedding with gains', [EMBED_DORA, ENDS]],
    ['a module with low ranks', [EMBED_LORA, ENDS]],
  ])('holds two adapters that claim %s, which act one at a time', (_, sources) =>
    withModel(async (model) => {
      const separate = []
      for (const source of sources) {
        const { id } = await model.addAdapter(source)
        separate.push((await model.logits(IDS)).data)
        await model.removeAdapter(id)
      }
      const [first, second] = [await model.addAdapter(sources[0]!), await model.addAdapter(sources[1]!)]
      expect(first.report.heldOff).toBeUndefined()
      expect(second.report.heldOff?.by).toBe(first.report.name)
      // Ranks at scale 0 beside a product may cut its sum elsewhere.
      expect(worst((await model.logits(IDS)).data, separate[0]!)).toBeLessThan(1e-5)
      const both = [first, second].map(({ id }) => ({ id, scale: 1 }))
      const refusal = { code: 'unsupported', message: expect.stringMatching(/both change .+ replaces all/) }
      await expect(model.setAdapterScale(second.id, 1)).rejects.toMatchObject(refusal)
      await expect(model.logits(IDS, { adapters: both })).rejects.toMatchObject(refusal)
      await model.setAdapterScale(first.id, 0)
      await model.setAdapterScale(second.id, 1)
      expect(worst((await model.logits(IDS)).data, separate[1]!)).toBeLessThan(1e-5)
    }),
  )

  it('leaks nothing over toggles and load and remove cycles', () =>
    withModel(async (model) => {
      const { id } = await model.addAdapter(PLAIN)
      await ids(model, IDS, { maxTokens: 1 })
      const { gpuBytes } = await model.memory()
      for (let i = 0; i < 1000; i++) {
        await model.setAdapterScale(id, i % 2)
        if (i % 50 === 0) await ids(model, IDS, { maxTokens: 1 })
      }
      expect((await model.memory()).gpuBytes).toBe(gpuBytes)
      for (let i = 0; i < 100; i++) {
        const other = await model.addAdapter(REGEX)
        await model.removeAdapter(other.id)
      }
      expect((await model.memory()).gpuBytes).toBe(gpuBytes)
    }))

  it('works over a quantised base, which it is never merged into', async () => {
    const { device } = await testDevice()
    const model = await loadModel(TALES, { device, weights: 'q4_0' })
    const base = await model.logits(IDS)
    const { id, report } = await model.addAdapter(randomAdapter(6, 192))
    expect(report.effect?.maxDeltaLogit).toBeGreaterThan(0)
    expect((await model.logits(IDS, { adapters: [{ id, scale: 0 }] })).data).toEqual(base.data)
    await expect(model.mergeAdapters([{ id, scale: 1 }])).rejects.toMatchObject({ code: 'unsupported' })
    await model.dispose()
  })
})

describe('loading an adapter onto a running model', () => {
  it('compiles nothing once its kernels are prepared', async () => {
    const { device } = await testDevice()
    const model = await loadModel(TALES, { device })
    await ids(model, IDS, { maxTokens: 2 })
    const { gpuBytes } = await model.memory()
    await model.prepareAdapters()
    expect((await model.memory()).gpuBytes).toBe(gpuBytes)
    const before = await model.counters()
    await model.addAdapter(randomAdapter(6, 192))
    expect((await model.counters()).pipelinesCompiled).toBe(before.pipelinesCompiled)
    await model.dispose()
  })
})
