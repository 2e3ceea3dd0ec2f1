import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { Model, TensorData, TrainedStep, TrainExample, TrainOptions } from '../../src/index.ts'
import { Pieces } from '../../src/train/pieces.ts'
import { passesOf } from '../../src/train/schedule.ts'
import { exportFiles, withValues } from './adapterFiles.ts'
import { refusal } from './engine.support.ts'
import { greedyIds, worst } from './fixtureModel.ts'
import { TINY, withPlainModel } from './modelFixtures.ts'

const LLAMA = join(TINY, 'llama')
const IDS = [3, 17, 42, 9, 5, 61, 8, 30]

const example = (ids: readonly number[], from = 1): TrainExample => ({
  ids,
  mask: ids.map((_, i) => (i >= from ? 1 : 0)),
})
const EXAMPLES = [example(IDS, 2), example([1, 90, 4, 77]), example([5, 5, 6, 120, 33, 2], 3)]

async function all(steps: AsyncIterable<TrainedStep>): Promise<TrainedStep[]> {
  const list: TrainedStep[] = []
  for await (const step of steps) list.push(step)
  return list
}

/** A new adapter, trained; with its curve and what it came to. */
async function trained(
  model: Model,
  options: TrainOptions,
  examples: Parameters<Model['train']>[1] = EXAMPLES,
): Promise<{ losses: number[]; bytes: Uint8Array }> {
  const { id } = await model.newAdapter({ name: 'x', rank: 3, seed: 7 })
  const losses = (await all(model.train(id, examples, options))).map(({ loss }) => loss)
  const files = await model.exportAdapter([{ id, scale: 1 }])
  await model.removeAdapter(id)
  return { losses, bytes: files.get('adapter_model.safetensors')! }
}

describe('training beside everything else', () => {
  test('kept or computed again, in one submit or in many: the same bits; another order of examples: another curve', async () => {
    await withPlainModel(LLAMA, { weights: 'f32' }, async (model) => {
      const options = { learningRate: 0.01, steps: 6, batchSize: 2, shuffle: 3 } as const
      const kept = await trained(model, { ...options, keep: 'everything' })
      const again = await trained(model, { ...options, keep: 'layers' })
      expect(again.losses).toEqual(kept.losses)
      expect(again.bytes).toEqual(kept.bytes)
      for (const count of [1, 9]) {
        const pieces = vi.spyOn(Pieces.prototype, 'count', 'get').mockReturnValue(count)
        expect(await trained(model, options)).toEqual(kept)
        pieces.mockRestore()
      }
      const pairs = [
        { prompt: [1, 2, 9], chosen: [3, 8], rejected: [4] },
        { prompt: [7], chosen: [30, 2, 5], rejected: [6, 6] },
      ]
      const preferring = { ...options, objective: 'dpo' } as const
      const chosen = await trained(model, { ...preferring, keep: 'everything' }, pairs)
      expect(await trained(model, { ...preferring, keep: 'layers' }, pairs)).toEqual(chosen)
      // Before the first step both read the same: −ln σ(0).
      expect(chosen.losses[0]).toBeCloseTo(Math.LN2, 6)
      expect(chosen.losses.at(-1)).toBeLessThan(chosen.losses[0]!)
      const other = await trained(model, { ...options, shuffle: 4 })
      expect(other.losses).not.toEqual(kept.losses)
    })
  })

  test('left after any step and gone on from what was kept: the same curve bit for bit, spikes and all', async () => {
    await withPlainModel(LLAMA, { weights: 'f32' }, async (model) => {
      // Text 12 is a spike among others.
      const texts = Array.from({ length: 14 }, (_, i) => example(i === 12 ? [9, 120, 66, 2, 101] : IDS))
      const plain = { learningRate: 0.02, steps: 14, schedule: 'cosine', warmupSteps: 3 } as const
      const cases: TrainOptions[] = [
        { ...plain, spikeFactor: 1.5 },
        { ...plain, optimizer: 'adafactor', shuffle: 2, accumulate: 1, finalAccumulate: 3, steps: 8 },
        { ...plain, optimizer: 'sgd', steps: 8, clipNorm: 0.5 },
      ]
      for (const options of cases) {
        const { id } = await model.newAdapter({
          name: 'x',
          rank: 3,
          seed: 7,
          targets: ['q_proj', 'down_proj'],
        })
        let kept: { files: Map<string, Uint8Array>; state: Uint8Array } | null = null
        const whole: TrainedStep[] = []
        for await (const step of model.train(id, texts, options)) {
          whole.push(step)
          if (step.index !== 4) continue
          kept = {
            files: await model.exportAdapter([{ id, scale: 1 }]),
            state: await model.trainingState(id),
          }
        }
        const end = await model.exportAdapter([{ id, scale: 1 }])
        await refusal(model.trainingState(id), 'bad-argument')
        await model.removeAdapter(id)
        const again = await model.addAdapter(kept!.files, { name: 'x' })
        const rest = await all(model.train(again.id, texts, { ...options, resume: kept!.state }))
        expect(rest).toEqual(whole.slice(5))
        expect(await model.exportAdapter([{ id: again.id, scale: 1 }])).toEqual(end)
        expect(whole.some(({ skipped }) => skipped?.reason === 'spike')).toBe('spikeFactor' in options)
        // A state fits its own run alone.
        const resumed = (other: TrainOptions) => all(model.train(again.id, texts, { ...options, ...other }))
        await refusal(resumed({ resume: kept!.state, steps: 5 }), 'bad-argument')
        await refusal(resumed({ resume: kept!.state, optimizer: 'adamw', objective: 'dpo' }), 'bad-argument')
        await refusal(resumed({ resume: kept!.state.slice(0, -4) }), 'bad-file')
        await model.removeAdapter(again.id)
        const narrow = await model.newAdapter({ name: 'x', rank: 2 })
        const refused = all(model.train(narrow.id, texts, { ...options, resume: kept!.state }))
        expect((await refusal(refused, 'bad-argument')).message).toContain('other modules or ranks')
        await model.removeAdapter(narrow.id)
      }
    })
  })

  test('batches grow over a run: passes of each step', () => {
    const counts = (from: number, to: number, steps: number) =>
      Array.from({ length: steps }, (_, i) => passesOf(i, { steps, accumulate: from, finalAccumulate: to }))
    expect(counts(1, 3, 5)).toEqual([1, 2, 2, 3, 3])
    expect(counts(4, 1, 4)).toEqual([4, 3, 2, 1])
    expect(counts(2, 2, 2)).toEqual([2, 2])
    expect(counts(2, 9, 1)).toEqual([2])
  })

  test('each product’s part of a gradient is that of `gradients`, before and after it is clipped', async () => {
    await withPlainModel(LLAMA, { weights: 'f32' }, async (model) => {
      const { id } = await model.newAdapter({ name: 'x', rank: 3, seed: 7 })
      const options = { learningRate: 0.05, steps: 2, clipNorm: 0.1, norms: true } as const
      const text = example(IDS, 2)
      let step: TrainedStep | undefined
      let expected = new Map<string, TensorData>()
      const probes = ['layers.*.*.*.dA', 'layers.*.*.*.dB']
      for await (step of model.train(id, [text], options))
        if (step.index === 0) expected = await model.gradients(text.ids, text.mask, { probes })
      const norms = step?.norms ?? []
      expect(norms).toHaveLength(expected.size / 2)
      for (const { step: name, gradient } of norms) {
        const square = (of: string) => expected.get(`${name}.${of}`)!.data.reduce((sum, v) => sum + v * v, 0)
        const norm = Math.sqrt(square('dA') + square('dB'))
        expect(Math.abs(gradient - norm), name).toBeLessThan(1e-4 * norm + 1e-9)
      }
      expect(step?.gradNorm).toBeCloseTo(Math.hypot(...norms.map(({ gradient }) => gradient)), 4)
    })
  })

  test('a sentence is learned; the adapter acts after every step; nothing is made after the first', async () => {
    await withPlainModel(LLAMA, { weights: 'f32' }, async (model) => {
      const before = await model.memory()
      const { id } = await model.newAdapter({ name: 'one sentence', rank: 4 })
      const loaded = (await model.memory()).gpuBytes
      let last = Infinity
      let created: [compiled: number, bytes: number] | null = null
      const base = await model.logits(IDS, { adapters: [] })
      for await (const { index, loss, skipped } of model.train(id, [example(IDS)], {
        steps: 60,
        learningRate: 0.02,
      })) {
        expect(skipped).toBe(null)
        last = loss
        if (index > 2 && index < 57) continue
        const { pipelinesCompiled } = await model.counters()
        const { gpuBytes } = await model.memory()
        if (index === 1) created = [pipelinesCompiled, gpuBytes]
        if (created && index > 1) expect([pipelinesCompiled, gpuBytes]).toEqual(created)
        const now = await model.logits(IDS)
        expect(worst(now.data, base.data)).toBeGreaterThan(1e-3)
      }
      expect(last).toBeLessThan(0.05)
      expect(await greedyIds(model, IDS.slice(0, 2), { maxTokens: 6 })).toEqual(IDS.slice(2))
      expect((await model.memory()).gpuBytes).toBe(loaded)
      // What is exported says what the live one says.
      const live = await model.logits(IDS)
      const files = await model.exportAdapter([{ id, scale: 1 }])
      await model.removeAdapter(id)
      await model.addAdapter(files)
      expect(worst((await model.logits(IDS)).data, live.data)).toBeLessThan(1e-5)
      expect(before.gpuBytes).toBeLessThan(loaded)
    })
  })

  test('generating between steps never mixes keys of before and after; others come and go', async () => {
    await withPlainModel(LLAMA, { weights: 'f32' }, async (model) => {
      const { id } = await model.newAdapter({ name: 'x', rank: 2 })
      let other = ''
      for await (const { index } of model.train(id, EXAMPLES, { steps: 8, learningRate: 0.05 })) {
        if (index === 3) other = (await model.newAdapter({ name: 'y', rank: 1 })).id
        if (index === 5) await model.removeAdapter(other)
        const ids = await greedyIds(model, IDS.slice(0, 4), { maxTokens: 4 })
        const { data } = await model.logits([...IDS.slice(0, 4), ...ids])
        const { vocab } = model.info
        ids.forEach((token, i) => {
          const row = data.subarray((3 + i) * vocab, (4 + i) * vocab)
          expect(row[token], `token ${i} of step ${index}`).toBeCloseTo(Math.max(...row), 4)
        })
      }
    })
  })

  test('A/B, sliders, ΔW and stepping between steps: each is right, and the curve is that of a run left alone', async () => {
    await withPlainModel(LLAMA, { weights: 'f32' }, async (model) => {
      const options = { steps: 5, learningRate: 0.05 } as const
      const alone = await trained(model, options)
      const { id } = await model.newAdapter({ name: 'x', rank: 3, seed: 7 })
      const scale = (value: number) => [{ id, scale: value }]
      const base = await model.logits(IDS, { adapters: [] })
      const losses: number[] = []
      let moved = 0
      for await (const { loss } of model.train(id, EXAMPLES, options)) {
        losses.push(loss)
        const a: number[] = []
        const b: number[] = []
        const prompt = IDS.slice(0, 4)
        for await (const both of model.compare(prompt, {
          a: [],
          b: scale(1),
          temperature: 0,
          maxTokens: 3,
        })) {
          if (both.a) a.push(both.a.id)
          if (both.b) b.push(both.b.id)
        }
        expect(a).toEqual(await greedyIds(model, prompt, { maxTokens: 3, adapters: [] }))
        expect(b).toEqual(await greedyIds(model, prompt, { maxTokens: 3, adapters: scale(1) }))
        await model.setAdapterScale(id, 0)
        expect(worst((await model.logits(IDS)).data, base.data)).toBe(0)
        await model.setAdapterScale(id, 1)
        const { modules } = await model.analyseAdapter(id)
        const norm = Math.hypot(...modules.map(({ deltaNorm }) => deltaNorm))
        expect(norm).toBeGreaterThan(moved)
        moved = norm
        const inspection = await model.inspect(IDS)
        const { data } = await inspection.read('logits')
        expect(worst(data, (await model.logits(IDS)).data)).toBeLessThan(1e-4)
        await inspection.close()
      }
      expect(losses).toEqual(alone.losses)
      const files = await model.exportAdapter(scale(1))
      expect(files.get('adapter_model.safetensors')).toEqual(alone.bytes)
    })
  })

  test('a step that is not finite is left out; a spike goes back to where it was', async () => {
    await withPlainModel(LLAMA, { weights: 'f32' }, async (model) => {
      const { id } = await model.newAdapter({ name: 'x', rank: 2 })
      // One text many times, then another one.
      const texts = Array.from({ length: 14 }, (_, i) => example(i === 12 ? [9, 120, 66, 2, 101] : IDS))
      const options = { learningRate: 0.02, steps: 14, spikeFactor: 1.5 }
      const steps = await all(model.train(id, texts, options))
      expect(steps.map(({ skipped }) => skipped)).toEqual(
        steps.map(({ index }) => (index === 12 ? { reason: 'spike', backTo: 9 } : null)),
      )
      // The state of step 9 is in force again.
      expect(steps[13]!.loss).toBeCloseTo(steps[10]!.loss, 5)
      expect((await model.logits(IDS)).data.every(Number.isFinite)).toBe(true)
      const files = await exportFiles(model, id)
      await model.removeAdapter(id)
      const huge = await model.addAdapter(withValues(files, (_, values) => values.map(() => 1e30)))
      const [step] = await all(model.train(huge.id, EXAMPLES, { steps: 1 }))
      expect(step?.skipped).toEqual({ reason: 'not-finite', backTo: -1 })
    })
  })

  test('what cannot be trained is refused by name', async () => {
    await withPlainModel(LLAMA, { weights: 'f32' }, async (model) => {
      const run = (id: string, options?: TrainOptions, examples = EXAMPLES): Promise<unknown> =>
        all(model.train(id, examples, options))
      const dora = await model.addAdapter('./tests/fixtures/peft/llama-dora')
      expect((await refusal(run(dora.id), 'unsupported')).message).toContain('DoRA at layers.0.attn.q')
      const probes = ['layers.0.attn.q.dx']
      expect(
        (await refusal(model.gradients(IDS, example(IDS).mask, { probes }), 'unsupported')).message,
      ).toContain('DoRA')
      await model.removeAdapter(dora.id)
      const { id } = await model.newAdapter({ name: 'x' })
      await refusal(run('adapter-99'), 'bad-argument')
      await refusal(run(id, { learningRate: NaN }), 'bad-argument')
      await refusal(run(id, { steps: 0 }), 'bad-argument')
      await refusal(run(id, { optimizer: 'lion' as 'sgd' }), 'bad-argument')
      await refusal(run(id, {}, [{ ids: [1, 2], mask: [1, 0] }]), 'bad-argument')
      await refusal(run(id, {}, [{ ids: [1, 2], mask: [1] }]), 'bad-argument')
      await refusal(run(id, {}, [{ ids: [1, 20_000], mask: [0, 1] }]), 'bad-argument')
      await refusal(run(id, {}, []), 'bad-argument')
      await refusal(
        model.gradients(IDS, example(IDS).mask, { probes: ['layers.0.attn.nothing.dx'] }),
        'bad-argument',
      )
      await refusal(model.newAdapter({ name: 'x', targets: ['nothing'] }), 'bad-argument')
      await refusal(model.newAdapter({ name: 'x', targets: ['embed_tokens'] }), 'unsupported')
      await refusal(model.newAdapter({ name: 'x', rank: 0 }), 'bad-argument')
      const pair = { prompt: [1, 2], chosen: [3], rejected: [4, 5] }
      const pairs = (options: TrainOptions, given: object): Promise<unknown> =>
        all(model.train(id, [{ ...pair, ...given }], options))
      await refusal(pairs({}, {}), 'bad-argument')
      await refusal(run(id, { objective: 'dpo' }), 'bad-argument')
      await refusal(run(id, { objective: 'ppo' as 'dpo' }), 'bad-argument')
      await refusal(pairs({ objective: 'dpo', beta: 0 }, {}), 'bad-argument')
      for (const given of [{ prompt: [] }, { chosen: [] }, { rejected: [20_000] }])
        await refusal(pairs({ objective: 'dpo' }, given), 'bad-argument')
      const first = model.train(id, EXAMPLES, { steps: 3 })[Symbol.asyncIterator]()
      await first.next()
      await refusal(run(id), 'bad-argument')
      await first.return?.()
      const stop = new AbortController()
      stop.abort()
      await refusal(run(id, { signal: stop.signal }), 'aborted')
      expect(await all(model.train(id, EXAMPLES, { steps: 1 }))).toHaveLength(1)
    })
  })

  test('one module, and the head, learn alone; steps, names and seeds choose them', async () => {
    await withPlainModel(LLAMA, { weights: 'f32' }, async (model) => {
      for (const targets of [['down_proj'], ['layers.1.attn.q'], ['lm_head']]) {
        const { id, report } = await model.newAdapter({ name: 'x', targets, seed: 2 })
        expect(report.matched).toHaveLength(targets[0] === 'down_proj' ? 2 : 1)
        const steps = await all(model.train(id, [example(IDS)], { steps: 5, learningRate: 0.05 }))
        expect(steps.at(-1)!.loss).toBeLessThan(steps[0]!.loss)
        await model.removeAdapter(id)
      }
    })
  })
})
