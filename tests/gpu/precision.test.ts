import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { logSoftmax } from '../../src/maths/distribution.ts'
import type { LoadFormat, Model, PrecisionChunk, PrecisionOptions } from '../../src/index.ts'
import { randomSource } from '../random.ts'
import { refusal } from './engine.support.ts'
import { TINY, withModel } from './modelFixtures.ts'

const random = randomSource(9)
const ids = Array.from({ length: 45 }, () => random.integer(30))

async function compared(
  model: Model,
  options: PrecisionOptions,
): Promise<PrecisionChunk & { chunks: number }> {
  const chunks: PrecisionChunk[] = []
  for await (const chunk of model.precision(ids, options)) chunks.push(chunk)
  const tokens = chunks.flatMap((chunk) => chunk.tokens)
  return { ...chunks.at(-1)!, tokens, chunks: chunks.length }
}

/** What two traces say: NMSE of each step, KL of each row. */
async function byTraces(reference: Model, coarse: Model) {
  const probes = (await reference.steps({ rows: 1 })).flatMap(({ name, op }) =>
    op === 'scores' ? [] : [name],
  )
  const [expected, got] = [await reference.trace(ids, { probes }), await coarse.trace(ids, { probes })]
  const error = (name: string): number => {
    const [x, truth] = [got.get(name)!.data, expected.get(name)!.data]
    const square = truth.reduce((sum, value) => sum + value * value, 0)
    return truth.reduce((sum, value, i) => sum + (x[i]! - value) ** 2, 0) / square
  }
  const { vocab } = reference.info
  const row = (traced: typeof expected, i: number): Float64Array =>
    logSoftmax(traced.get('logits')!.data.subarray(i * vocab, (i + 1) * vocab))
  const kl = (i: number): number => {
    const [p, q] = [row(expected, i), row(got, i)]
    return p.reduce((sum, own, id) => sum + Math.exp(own) * (own - q[id]!), 0)
  }
  const best = (traced: typeof expected, i: number): number => {
    const logs = row(traced, i)
    return logs.indexOf(Math.max(...logs))
  }
  return { error, kl, best: (i: number) => ({ reference: best(expected, i), coarse: best(got, i) }) }
}

/** NMSE of one product on the reference's inputs, by the coarser matrix as it is read back, in f64. */
async function ownError(reference: Model, coarse: Model, name: string): Promise<number> {
  const input = (await reference.steps({ rows: 1 })).find((step) => step.name === name)!.inputs[0]!
  const traced = await reference.trace(ids, { probes: [name, input] })
  const [x, y] = [traced.get(input)!, traced.get(name)!]
  const [inputs, outputs] = [x.shape[1]!, y.shape[1]!]
  const inspection = await coarse.inspect(ids.slice(0, 1))
  let [difference, square] = [0, 0]
  for (let output = 0; output < outputs; output++) {
    const { weights, bias } = await inspection.weights(name, output)
    for (let row = 0; row < ids.length; row++) {
      let sum = bias ?? 0
      for (let i = 0; i < inputs; i++) sum += weights[i]! * x.data[row * inputs + i]!
      const expected = y.data[row * outputs + output]!
      difference += (sum - expected) ** 2
      square += expected ** 2
    }
  }
  await inspection.close()
  return difference / square
}

const CASES: {
  name: string
  model: LoadFormat | 'auto'
  other: LoadFormat | 'auto'
  reference: 'model' | 'other'
}[] = [
  { name: 'llama', model: 'q4_0', other: 'auto', reference: 'other' },
  { name: 'gemma3', model: 'auto', other: 'bf16', reference: 'model' },
  { name: 'gpt2', model: 'f16', other: 'f32', reference: 'other' },
]

describe('the same text under two sets of weights', () => {
  test.each(CASES)(
    '$name $model beside $other: as two traces say',
    async ({ name, reference, ...weights }) => {
      const folder = join(TINY, name)
      await withModel(folder, { weights: weights.model }, async (model) => {
        await withModel(folder, { weights: weights.other }, async (other) => {
          const before = await model.memory()
          const result = await compared(model, { weights: weights.other })
          expect(await model.memory()).toEqual(before)
          expect(result).toMatchObject({
            reference,
            formats: { model: model.info.weights, other: other.info.weights },
            total: ids.length,
          })
          expect(result.gpuBytes).toBeGreaterThan(result.weightBytes.other)
          const [truth, coarse] = reference === 'model' ? [model, other] : [other, model]
          const { error, kl, best } = await byTraces(truth, coarse)
          const product = `layers.${model.info.layers - 1}.mlp.down`
          expect(result.steps.find((step) => step.name === product)!.own).toBeCloseTo(
            await ownError(truth, coarse, product),
            9,
          )
          expect(result.steps.every(({ op, own }) => (own === null) === (op !== 'linear'))).toBe(true)
          const steps = (await model.steps({ rows: 1 })).filter(({ op }) => op !== 'scores')
          expect(result.steps.map((step) => step.name).toSorted()).toEqual(
            steps.map((step) => step.name).toSorted(),
          )
          for (const step of result.steps)
            expect(Math.abs(step.error! - error(step.name)), step.name).toBeLessThanOrEqual(
              1e-9 + 1e-3 * error(step.name),
            )
          expect(result.tokens.map(({ position }) => position)).toEqual(ids.map((_, i) => i))
          for (const token of result.tokens) {
            expect(Math.abs(token.kl - kl(token.position))).toBeLessThanOrEqual(
              1e-9 + 1e-3 * kl(token.position),
            )
            const wanted = best(token.position)
            const [own, theirs] =
              reference === 'model' ? [token.model, token.other] : [token.other, token.model]
            expect([own.id, theirs.id]).toEqual([wanted.reference, wanted.coarse])
          }
        })
      })
    },
  )

  test.each(['f16', 'q8_0'] as const)(
    'its own weights with keys and values in %s: as two traces say',
    async (kvCache) => {
      const folder = join(TINY, 'llama')
      await withModel(folder, {}, async (model) => {
        await withModel(folder, { kvCache }, async (other) => {
          const before = await model.memory()
          const result = await compared(model, { kvCache })
          expect(await model.memory()).toEqual(before)
          expect(result).toMatchObject({ reference: 'model', kvCache: { model: 'f32', other: kvCache } })
          expect(result.weightBytes.other).toBe(result.weightBytes.model)
          const { error, kl } = await byTraces(model, other)
          for (const step of result.steps)
            expect(Math.abs(step.error! - error(step.name)), step.name).toBeLessThanOrEqual(
              1e-9 + 1e-3 * error(step.name),
            )
          for (const token of result.tokens)
            expect(Math.abs(token.kl - kl(token.position))).toBeLessThanOrEqual(
              1e-9 + 1e-3 * kl(token.position),
            )
          expect(Math.max(...result.tokens.map((token) => token.kl))).toBeGreaterThan(0)
        })
      })
    },
  )

  test('from a source of their own, some steps alone; the reader may leave; nothing stays', async () => {
    await withModel(join(TINY, 'llama'), {}, async (model) => {
      const before = await model.memory()
      const same = await compared(model, { source: join(TINY, 'llama'), probes: ['layers.*.resid'] })
      expect(same.steps.map(({ name, error }) => [name, error])).toEqual(
        Array.from({ length: model.info.layers }, (_, n) => [`layers.${n}.resid`, 0]),
      )
      expect(Math.max(...same.tokens.map(({ kl }) => kl))).toBe(0)
      for await (const chunk of model.precision(ids, { weights: 'q8_0' })) {
        expect(chunk.gpuBytes).toBeGreaterThan(0)
        expect((await model.memory()).byLabel['other']).toBeGreaterThan(0)
        break
      }
      expect(await model.memory()).toEqual(before)
    })
  })

  test.each([
    {
      what: 'a model of another shape',
      options: { source: join(TINY, 'gpt2') },
      message: /layers\.0\.attn\.q .*40.* instead of .*48/,
    },
    { what: 'a probe that names nothing', options: { probes: ['layers.9.*'] }, message: /layers\.9/ },
  ])('$what is refused', async ({ options, message }) => {
    await withModel(join(TINY, 'llama'), {}, async (model) => {
      const before = await model.memory()
      const error = await refusal(compared(model, options), 'bad-argument')
      expect(error.message).toMatch(message)
      expect(await model.memory()).toEqual(before)
    })
  })
})
