import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Model, PreferencePair, TrainedStep, TrainExample, TrainOptions } from '../../src/index.ts'
import { casesOf } from '../all.ts'
import { exportFiles } from './adapterFiles.ts'
import { readJson, ROOT, TINY, withPlainModel } from './modelFixtures.ts'

type Rewards = Pick<NonNullable<TrainedStep['rewards']>, 'chosen' | 'rejected' | 'accuracy'>

interface Expected {
  model: string
  adapter: string
  weights: 'f32' | 'q4_0'
  settings: TrainOptions
  examples: TrainExample[] | PreferencePair[]
  steps: (Pick<TrainedStep, 'loss' | 'gradNorm' | 'learningRate'> & Partial<Rewards>)[]
  factors: { name: string; shape: number[] }[]
}

const FOLDER = join(ROOT, 'tests/fixtures/training')

/** Loss of a step, in nats, and factors at the end, against torch in float64 after up to 30 steps of f32. */
const LOSS = 1e-3
const FACTOR = 1e-3

async function run(model: Model, id: string, { examples, settings }: Expected): Promise<TrainedStep[]> {
  const steps: TrainedStep[] = []
  for await (const step of model.train(id, examples, settings)) steps.push(step)
  return steps
}

function relative(got: Float32Array, expected: Float32Array): number {
  const norm = (values: Iterable<number>): number => Math.hypot(...values)
  return norm(got.map((value, i) => value - expected[i]!)) / norm(expected)
}

describe('training as PEFT and torch do it', () => {
  const cases = casesOf({
    main: ['llama-adamw', 'gpt2-adafactor', 'gpt2-adamw-q4_0', 'llama-dpo'],
    more: ['qwen3-adafactor', 'gpt-neox-adamw', 'gemma3-sgd'],
  })
  test.each(cases)('%s', async (name) => {
    const expected = readJson(join(FOLDER, `${name}.json`)) as Expected
    const bytes = new Float32Array(new Uint8Array(readFileSync(join(FOLDER, `${name}.bin`))).buffer)
    await withPlainModel(join(TINY, expected.model), { weights: expected.weights }, async (model) => {
      const { id } = await model.addAdapter(`./tests/fixtures/peft/${expected.adapter}`)
      const steps = await run(model, id, expected)
      for (const [i, wanted] of expected.steps.entries()) {
        const got = steps[i]!
        expect(Math.abs(got.loss - wanted.loss), `loss of step ${i}`).toBeLessThan(LOSS)
        expect(Math.abs(got.gradNorm / wanted.gradNorm - 1), `norm of step ${i}`).toBeLessThan(LOSS)
        expect(got.learningRate).toBeCloseTo(wanted.learningRate, 9)
        for (const key of ['chosen', 'rejected', 'accuracy'] as const) {
          const reward = wanted[key]
          expect(got.rewards?.[key] === undefined, key).toBe(reward === undefined)
          if (reward === undefined) continue
          expect(Math.abs(got.rewards![key] - reward), `${key} of step ${i}`).toBeLessThan(LOSS)
        }
      }
      const { tensors } = await exportFiles(model, id)
      let at = 0
      for (const { name: factor, shape } of expected.factors) {
        const size = shape[0]! * shape[1]!
        const error = relative(tensors.get(factor)!.values, bytes.subarray(at, at + size))
        at += size
        expect(error, factor).toBeLessThan(FACTOR)
      }
    })
  })
})
