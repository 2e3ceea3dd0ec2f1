import { expect } from 'vitest'
import { loadModel, type GenerateOptions, type Model } from '../../src/index.ts'
import { testDevice } from './device.ts'

/** Loads a tiny checkpoint in f32, hands it out, and expects nothing left on the GPU after its end. */
export async function withFixtureModel(name: string, work: (model: Model) => Promise<void>): Promise<void> {
  const { device } = await testDevice()
  const model = await loadModel(`tests/fixtures/models/${name}`, { device, weights: 'f32' })
  try {
    await work(model)
  } finally {
    await model.dispose()
    expect((await model.memory()).buffers).toBe(0)
  }
}

/** Ids of a greedy run. */
export async function greedyIds(model: Model, prompt: number[], options: GenerateOptions): Promise<number[]> {
  const list: number[] = []
  for await (const token of model.generate(prompt, { temperature: 0, ...options })) list.push(token.id)
  return list
}

/** Largest difference; NaN where the lengths differ. */
export const worst = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0)
