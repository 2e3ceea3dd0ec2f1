import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { Attribution, Edit, Lens } from '../../src/index.ts'
import { ALL } from '../all.ts'
import { testDevice } from './device.ts'
import { logSoftmax, refusal } from './engine.support.ts'
import { readJson, TALES, TINY, withModel } from './modelFixtures.ts'

/** Logits of a few units through f32 kernels of other shapes. */
const PROBABILITY = 1e-5
/** The parts are added in f64, the stream in f32. */
const SUM = 1e-3

const MODELS = [
  'llama',
  'llama-tied-bias',
  'gpt2',
  'gpt2-untied',
  'qwen2',
  'mistral',
  'qwen3',
  'gemma2',
  'gemma3',
  'olmo2',
  'granite',
  'cohere2',
  'gpt-neox',
  'phi',
]

const promptOf = (name: string): number[] =>
  (readJson(join(TINY, name, 'expected.json')) as { ids: number[] }).ids

describe('lens', () => {
  test.each(MODELS)('%s: the last layer is the model itself', async (name) => {
    await withModel(join(TINY, name), {}, async (model) => {
      const before = await model.memory()
      const ids = promptOf(name)
      const { vocab, layers } = model.info
      const lens = await model.lens(ids, { layers: [layers - 1], topK: 7 })
      const logits = (await model.logits(ids)).data
      expect(lens.cells.length).toBe(ids.length)
      lens.cells.forEach((cell, row) => {
        const logprobs = logSoftmax(logits.subarray(row * vocab, (row + 1) * vocab))
        expectCell(cell, logprobs, ids[row + 1] ?? null)
      })
      expect(await model.memory()).toEqual(before)
    })
  })

  function expectCell(cell: Lens['cells'][number], logprobs: Float64Array, token: number | null): void {
    const order = [...logprobs.keys()].sort((a, b) => logprobs[b]! - logprobs[a]! || a - b)
    cell.top.forEach(({ id, probability }, i) => {
      expect(Math.abs(probability - Math.exp(logprobs[order[i]!]!))).toBeLessThanOrEqual(PROBABILITY)
      expect(Math.abs(probability - Math.exp(logprobs[id]!))).toBeLessThanOrEqual(PROBABILITY)
    })
    const entropy = -logprobs.reduce((sum, logprob) => sum + Math.exp(logprob) * logprob, 0)
    expect(cell.entropy).toBeCloseTo(entropy, 4)
    expect(cell.token).toBe(token)
    if (token === null) {
      expect([cell.rank, cell.probability]).toEqual([null, null])
      return
    }
    expect(cell.probability).toBeCloseTo(Math.exp(logprobs[token]!), 5)
    expect(cell.rank).toBe(order.indexOf(token))
  }

  test.each(['llama', 'gpt2'])('%s: earlier layers go through the final norm and the head', async (name) => {
    await withModel(join(TINY, name), {}, async (model) => {
      const ids = promptOf(name)
      const { layers, vocab, hidden } = model.info
      const lens = await model.lens(ids, { layers: [-1, 0], token: 5, topK: 3 })
      const traced = await model.trace(ids, { probes: ['embed', 'layers.0.resid'] })
      // Patching the last layer's output with an earlier one makes the model itself read it.
      for (const [n, step] of ['embed', 'layers.0.resid'].entries()) {
        for (const position of [0, 3, ids.length - 1]) {
          const values = traced.get(step)!.data.slice(position * hidden, (position + 1) * hidden)
          const edits = [{ kind: 'patch', step: `layers.${layers - 1}.resid`, position, values }] as const
          const { data } = await model.logits(ids, { edits })
          const logprobs = logSoftmax(data.subarray(position * vocab, (position + 1) * vocab))
          expectCell(lens.cells[n * ids.length + position]!, logprobs, 5)
        }
      }
    })
  })

  test('chosen positions, many rows, and what is refused', async () => {
    await withModel(TALES, {}, async (model) => {
      const ids = (
        await model.encode('Once upon a time there was a little fox who lived in the woods.')
      ).slice(0, 14)
      const full = await model.lens(ids)
      expect(full.cells.length).toBe(ids.length * (model.info.layers + 1))
      const some = await model.lens(ids, { layers: [2, 4], positions: [3, 9], topK: 1 })
      for (const cell of some.cells) {
        const same = full.cells.find(
          (other) => other.layer === cell.layer && other.position === cell.position,
        )!
        expect(cell.top[0]!.id).toBe(same.top[0]!.id)
        expect(cell.entropy).toBeCloseTo(same.entropy, 3)
        expect([cell.token, cell.rank]).toEqual([same.token, same.rank])
      }
      await refusal(model.lens(ids, { layers: [99] }), 'bad-argument')
      await refusal(model.lens(ids, { positions: [ids.length] }), 'bad-argument')
      await refusal(model.lens(ids, { token: -1 }), 'bad-argument')
      await refusal(model.lens(ids, { topK: 0 }), 'bad-argument')
    })
  })

  test('a column is ranked on the GPU: its cells are read back, not its logits', async () => {
    const { device } = await testDevice({ limits: 'adapter', features: 'all' })
    await withModel(TALES, {}, async (model) => {
      const ids = promptOf('llama')
      const { layers, vocab } = model.info
      const before = await model.counters()
      const staging = vi.spyOn(device, 'createBuffer')
      const { cells } = await model.lens(ids, { positions: [5], topK: 5 })
      const created = staging.mock.calls.map(([buffer]) => buffer)
      staging.mockRestore()
      const after = await model.counters()
      const read = created.filter(({ usage }) => (usage & GPUBufferUsage.MAP_READ) !== 0)
      const bytes = read.reduce((sum, { size }) => sum + size, 0)
      expect(cells.length).toBe(layers + 1)
      // Four words a row and two a candidate, in buffers of whole 16 bytes.
      expect(bytes).toBe(Math.ceil((cells.length * (4 + 2 * 5) * 4) / 16) * 16)
      expect(bytes).toBeLessThan((cells.length * vocab * 4) / 300)
      expect(after.readbacks - before.readbacks).toBe(1)
    })
  })

  test('as many alternatives as there are tokens: all of them, once', async () => {
    await withModel(join(TINY, 'llama'), {}, async (model) => {
      const { cells } = await model.lens(promptOf('llama'), { positions: [3], topK: 256 })
      for (const { top, entropy } of cells) {
        expect(new Set(top.map(({ id }) => id)).size).toBe(model.info.vocab)
        expect(top.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5)
        expect(entropy).toBeCloseTo(-top.reduce((sum, { probability: p }) => sum + p * Math.log(p), 0), 4)
      }
    })
  })
})

const QUANTISED = ALL ? (['q8_0', 'q4_0'] as const) : (['q8_0'] as const)

describe('direct logit attribution', () => {
  test('a model whose norms stand over the sums has a lens, and is refused by what it is', async () => {
    await withModel(join(TINY, 'opt-post-norm'), {}, async (model) => {
      const ids = promptOf('opt-post-norm')
      const { layers, vocab } = model.info
      const { cells } = await model.lens(ids, { layers: [layers - 1], topK: 1 })
      const { data } = await model.logits(ids)
      const best = cells.map((_, row) => {
        const own = data.subarray(row * vocab, (row + 1) * vocab)
        return own.indexOf(own.reduce((a, b) => Math.max(a, b)))
      })
      expect(cells.map(({ top }) => top[0]?.id)).toEqual(best)
      await refusal(model.attribution(ids, { position: 3, token: 0 }), 'unsupported')
    })
  })

  function expectSum({ logit, sum, parts }: Attribution, expected: number): void {
    expect(Math.abs(logit - expected)).toBeLessThanOrEqual(SUM)
    expect(Math.abs(sum - expected)).toBeLessThanOrEqual(SUM)
    expect(parts.reduce((total, { contribution }) => total + contribution, 0)).toBeCloseTo(sum, 9)
  }

  test.each(MODELS)('%s: the parts add up to the logit', async (name) => {
    await withModel(join(TINY, name), {}, async (model) => {
      const before = await model.memory()
      const ids = promptOf(name)
      const { vocab, layers, heads } = model.info
      const { data } = await model.logits(ids)
      for (const position of [0, 4, ids.length - 1]) {
        for (const token of [0, 17, vocab - 1]) {
          const attribution = await model.attribution(ids, { position, token })
          expectSum(attribution, data[position * vocab + token]!)
          const count = (kind: string): number =>
            attribution.parts.filter((part) => part.kind === kind).length
          expect([count('embed'), count('head'), count('mlp')]).toEqual([1, layers * heads, layers])
          expect(count('adapter')).toBe(0)
        }
      }
      expect(await model.memory()).toEqual(before)
    })
  })

  test.each(QUANTISED)('the bundled model over %s weights', async (weights) => {
    await withModel(TALES, { weights }, async (model) => {
      const ids = await model.encode('Once upon a time there was a')
      const position = ids.length - 1
      const { vocab } = model.info
      const { data } = await model.logits(ids)
      for (const token of [11, 1234, 4001]) {
        expectSum(await model.attribution(ids, { position, token }), data[position * vocab + token]!)
      }
      await refusal(model.attribution(ids, { position: 99, token: 0 }), 'bad-argument')
    })
  })

  test.each(['llama', 'gpt2'])('%s: a part is what its write adds to the stream', async (name) => {
    await withModel(join(TINY, name), {}, async (model) => {
      const ids = promptOf(name)
      const { layers, hidden, vocab } = model.info
      const [position, token] = [ids.length - 1, 9]
      const last = `layers.${layers - 1}.resid`
      const rowOf = async (step: string, edits: readonly Edit[] = []): Promise<Float32Array> => {
        const traced = await model.trace(ids, { probes: [step], edits })
        return traced.get(step)!.data.slice(position * hidden, (position + 1) * hidden)
      }
      const { parts, logit } = await model.attribution(ids, { position, token })
      const constant = parts
        .filter(({ kind }) => kind === 'norm_bias' || kind === 'head_bias')
        .reduce((sum, { contribution }) => sum + contribution, 0)
      const stream = await rowOf(last)
      for (const layer of [0, layers - 1]) {
        const ablation = { kind: 'scale', step: `layers.${layer}.attn.context`, factor: 0, head: 1 } as const
        const out = await rowOf(`layers.${layer}.attn.o`)
        const without = await rowOf(`layers.${layer}.attn.o`, [ablation])
        const writes = {
          head: out.map((value, i) => value - without[i]!),
          mlp: await rowOf(`layers.${layer}.mlp.down`),
        }
        for (const kind of ['head', 'mlp'] as const) {
          const values = stream.map((value, i) => value - writes[kind][i]!)
          const { data } = await model.logits(ids, {
            edits: [{ kind: 'patch', step: last, position, values }],
          })
          // The model's own norm scales by the new stream; attribution holds the old scale.
          const rescaled = ((data[position * vocab + token]! - constant) * scaleOf(values)) / scaleOf(stream)
          const part = parts.find((one) => one.kind === kind && one.layer === layer && (one.head ?? 1) === 1)!
          expect(logit - constant - part.contribution, `${kind} ${layer}`).toBeCloseTo(rescaled, 4)
        }
      }

      function scaleOf(values: Float32Array): number {
        const mean = name === 'gpt2' ? values.reduce((a, b) => a + b, 0) / hidden : 0
        return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / hidden + 1e-5)
      }
    })
  })
})
