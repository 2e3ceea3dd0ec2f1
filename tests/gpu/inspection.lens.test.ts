import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Attribution, Lens } from '../../src/index.ts'
import { logSoftmax, refusal } from './engine.support.ts'
import { readJson, TALES, TINY, withModel } from './modelFixtures.ts'

/** Logits of a few units through f32 kernels of other shapes. */
const PROBABILITY = 1e-5
/** The parts are added in f64, the stream in f32. */
const SUM = 1e-3

const MODELS = ['llama', 'llama-tied-bias', 'gpt2', 'gpt2-untied', 'qwen2', 'mistral']

const promptOf = (name: string): number[] =>
  readJson<{ ids: number[] }>(join(TINY, name, 'expected.json')).ids

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
      const ids = (await model.encode('Once upon a time there was a little fox who lived in the woods.')).slice(0, 14)
      const whole = await model.lens(ids)
      expect(whole.cells.length).toBe(ids.length * (model.info.layers + 1))
      const some = await model.lens(ids, { layers: [2, 4], positions: [3, 9], topK: 1 })
      for (const cell of some.cells) {
        const same = whole.cells.find((other) => other.layer === cell.layer && other.position === cell.position)!
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
})

describe('direct logit attribution', () => {
  function expectSum({ logit, sum, parts }: Attribution, want: number): void {
    expect(Math.abs(logit - want)).toBeLessThanOrEqual(SUM)
    expect(Math.abs(sum - want)).toBeLessThanOrEqual(SUM)
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
          const count = (kind: string): number => attribution.parts.filter((part) => part.kind === kind).length
          expect([count('embed'), count('head'), count('mlp')]).toEqual([1, layers * heads, layers])
          expect(count('adapter')).toBe(0)
        }
      }
      expect(await model.memory()).toEqual(before)
    })
  })

  test.each(['q8_0', 'q4_0'] as const)('the bundled model over %s weights', async (weights) => {
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

  test('a part is as large as what the logit loses without it, where nothing else reads it', async () => {
    await withModel(join(TINY, 'llama'), {}, async (model) => {
      // Removing the last MLP changes the norm's scale a little too, which attribution holds: hence not to the last digit.
      const ids = promptOf('llama')
      const step = `layers.${model.info.layers - 1}.mlp.down`
      const position = ids.length - 1
      const at = position * model.info.vocab
      const [whole, rest] = [
        await model.logits(ids),
        await model.logits(ids, { edits: [{ kind: 'scale', step, factor: 0.99 }] }),
      ]
      for (const token of [3, 9, 40]) {
        const { parts } = await model.attribution(ids, { position, token })
        const part = parts.find(({ kind, layer }) => kind === 'mlp' && layer === model.info.layers - 1)!
        const lost = whole.data[at + token]! - rest.data[at + token]!
        const logit = whole.data[at + token]!
        const stream = parts.reduce((sum, { contribution }) => sum + contribution, 0)
        expect(Math.abs(logit - stream)).toBeLessThanOrEqual(SUM)
        expect(lost * 100).toBeCloseTo(part.contribution - logit * (await scaleShare(model, ids, step)), 1)
      }
    })
  })
})
