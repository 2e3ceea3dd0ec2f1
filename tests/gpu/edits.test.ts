import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { loadModel, type Edit, type GenerateOptions, type Model } from '../../src/index.ts'
import { testDevice } from './device.ts'
import { greedyIds, withFixtureModel, worst } from './fixtureModel.ts'

const IDS = [3, 17, 42, 99, 5, 61, 7, 23]
const PROBES = ['layers.*.resid', 'logits']

const withModel = withFixtureModel
const ids = (model: Model, prompt: number[], options: GenerateOptions) =>
  greedyIds(model, prompt, { maxTokens: 10, ...options })

for (const name of ['llama', 'gpt2', 'qwen3', 'gemma2', 'gemma3', 'olmo2', 'ministral3', 'falcon']) {
  describe(`edits on ${name}`, () => {
    it('changes nothing when it scales by 1 or patches a run with its own activation', () =>
      withModel(name, async (model) => {
        const step = 'layers.0.mlp.act'
        const same = await model.trace(IDS, { probes: [step, ...PROBES] })
        const scaled = await model.trace(IDS, {
          probes: [step, ...PROBES],
          edits: [{ kind: 'scale', step, factor: 1 }],
        })
        for (const [probe, { data }] of same) expect(scaled.get(probe)?.data).toEqual(data)
        const own = same.get(step)
        const width = own?.shape[1] ?? 0
        const values = own?.data.slice(3 * width, 4 * width) ?? []
        const patched = await model.trace(IDS, {
          probes: [step, ...PROBES],
          edits: [{ kind: 'patch', step, position: 3, values }],
        })
        for (const [probe, { data }] of same) expect(patched.get(probe)?.data).toEqual(data)
      }))

    it('removes a layer when both of its outputs are zeroed', () =>
      withModel(name, async (model) => {
        const edits: Edit[] = [
          { kind: 'scale', step: 'layers.1.attn.o', factor: 0 },
          { kind: 'scale', step: 'layers.1.mlp.down', factor: 0 },
        ]
        const traced = await model.trace(IDS, {
          probes: ['layers.0.resid', 'layers.1.resid', 'logits'],
          edits,
        })
        expect(traced.get('layers.1.resid')?.data).toEqual(traced.get('layers.0.resid')?.data)
        const plain = await model.logits(IDS)
        expect(worst(plain.data, traced.get('logits')?.data ?? plain.data)).toBeGreaterThan(1e-3)
      }))

    it('computes what a model without its last layer computes, when that layer is off', async () => {
      const folder = `tests/fixtures/models/${name}`
      const config = JSON.parse(await readFile(`${folder}/config.json`, 'utf8')) as Record<string, unknown>
      const layers = name === 'gpt2' ? 'n_layer' : 'num_hidden_layers'
      const shorter = { ...config, [layers]: Number(config[layers]) - 1 }
      const files = new Map([
        ['config.json', new Blob([JSON.stringify(shorter)])],
        ['model.safetensors', new Blob([await readFile(`${folder}/model.safetensors`)])],
      ])
      const { device } = await testDevice()
      const cut = await loadModel(files, { device, weights: 'f32' })
      const { data: expected } = await cut.logits(IDS)
      const last = cut.info.layers
      await cut.dispose()
      await withModel(name, async (model) => {
        const edits = ['attn.o', 'mlp.down'].map((output): Edit => ({
          kind: 'scale',
          step: `layers.${last}.${output}`,
          factor: 0,
        }))
        const { data } = await model.logits(IDS, { edits })
        // The same f32 sums, but the residual stream is also added to by zeros.
        expect(worst(expected, data)).toBeLessThan(1e-5)
        expect(worst(expected, (await model.logits(IDS)).data)).toBeGreaterThan(1e-3)
      })
    })

    it('reaches later positions only, and one head only', () =>
      withModel(name, async (model) => {
        const probes = ['layers.1.attn.context', 'logits']
        const plain = await model.trace(IDS, { probes })
        const step = 'layers.1.attn.context'
        const edited = await model.trace(IDS, {
          probes,
          edits: [{ kind: 'scale', step, factor: 0, head: 1, from: 4 }],
        })
        const { headDim, heads, vocab } = model.info
        const [a, b] = [plain.get(step)?.data, edited.get(step)?.data]
        for (let row = 0; row < IDS.length; row++) {
          for (let head = 0; head < heads; head++) {
            const at = (row * heads + head) * headDim
            const expected = head === 1 && row >= 4 ? new Float32Array(headDim) : a?.slice(at, at + headDim)
            expect(b?.slice(at, at + headDim)).toEqual(expected)
          }
        }
        const [p, q] = [plain.get('logits')?.data, edited.get('logits')?.data]
        expect(q?.slice(0, 4 * vocab)).toEqual(p?.slice(0, 4 * vocab))
        expect(q?.slice(4 * vocab)).not.toEqual(p?.slice(4 * vocab))
      }))

    it('cuts an attention edge', () =>
      withModel(name, async (model) => {
        const edits: Edit[] = [{ kind: 'mask', step: 'layers.0.attn.scores', query: 5, key: 2, head: 0 }]
        const traced = await model.trace(IDS, { probes: ['layers.0.attn.probs'], edits })
        const probs = traced.get('layers.0.attn.probs')
        const n = IDS.length
        expect(probs?.data[5 * n + 2]).toBe(0)
        expect(probs?.data.slice(5 * n, 6 * n).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5)
        expect(probs?.data[(n + 5) * n + 2]).toBeGreaterThan(0)
      }))

    it('generates as the traced run predicts, and leaves the base alone', () =>
      withModel(name, async (model) => {
        const base = await ids(model, IDS, {})
        const vector = Float32Array.from({ length: model.info.hidden }, (_, i) => Math.sin(i))
        const edits: Edit[] = [{ kind: 'add', step: 'layers.0.resid', vector, factor: 3, from: 6 }]
        const edited = await ids(model, IDS, { edits })
        const { data } = await model.logits([...IDS, ...edited.slice(0, -1)], { edits })
        const { vocab } = model.info
        edited.forEach((id, i) => {
          const row = data.slice((IDS.length - 1 + i) * vocab, (IDS.length + i) * vocab)
          expect(row[id]).toBeCloseTo(Math.max(...row), 4)
        })
        expect(await ids(model, IDS, {})).toEqual(base)
      }))

    it('runs beside the base in one batch, sharing pages before the first edited position', () =>
      withModel(name, async (model) => {
        const edits: Edit[] = [{ kind: 'scale', step: 'layers.0.mlp.down', factor: 0, from: 6 }]
        const separate = { a: await ids(model, IDS, {}), b: await ids(model, IDS, { edits }) }
        const before = await model.counters()
        const together: { a: number[]; b: number[] } = { a: [], b: [] }
        for await (const { a, b } of model.compare(IDS, {
          a: [],
          b: [],
          edits,
          temperature: 0,
          maxTokens: 10,
        })) {
          if (a) together.a.push(a.id)
          if (b) together.b.push(b.id)
        }
        expect(together).toEqual(separate)
        expect((await model.counters()).rows - before.rows).toBeLessThanOrEqual(2 * 10)
      }))

    it('allocates pages from the first edited position on, and reads no row before it again', () =>
      withModel(name, async (model) => {
        // A full page of 32 positions, and six tokens in a second.
        const long = Array.from({ length: 38 }, (_, i) => (IDS[i % IDS.length]! + i) % 113)
        await ids(model, long, { maxTokens: 2 })
        const cost = async (edits: Edit[]) => {
          const before = await model.counters()
          for await (const { kl } of model.compare(long, {
            a: [],
            b: [],
            edits,
            temperature: 0,
            maxTokens: 1,
          }))
            expect(kl).toBeGreaterThan(0)
          const after = await model.counters()
          return {
            pages: after.pagesAllocated - before.pagesAllocated,
            rows: after.rows - before.rows,
          }
        }
        const step = 'layers.0.mlp.down'
        const late = await cost([{ kind: 'scale', step, factor: 0, from: 32 }])
        const early = await cost([{ kind: 'scale', step, factor: 0.5 }])
        // The unedited side copies the page it writes its last row into; the edited one has its own from position 32 on.
        expect(late.pages).toBe(2)
        expect(early.pages).toBe(1 + 2)
        expect(late.rows).toBe(1 + 6)
        expect(early.rows).toBe(1 + 38)
      }))

    it('refuses what it cannot edit, by name', () =>
      withModel(name, async (model) => {
        const wrong: Edit[] = [
          { kind: 'scale', step: 'layers.9.mlp.down', factor: 0 },
          { kind: 'scale', step: 'logits', factor: 0 },
          { kind: 'scale', step: 'layers.0.attn.context', factor: 0, head: 99 },
          { kind: 'add', step: 'layers.0.resid', vector: [1, 2] },
          { kind: 'mask', step: 'layers.0.attn.probs', query: 1, key: 0 },
          { kind: 'scale', step: 'embed', factor: NaN },
        ]
        for (const edit of wrong) {
          await expect(model.logits(IDS, { edits: [edit] })).rejects.toMatchObject({ code: 'bad-argument' })
        }
      }))
  })
}
