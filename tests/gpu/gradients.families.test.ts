import { join } from 'node:path'
import { expect, test } from 'vitest'
import { invariant } from '../../src/errors.ts'
import { ALL } from '../all.ts'
import { randomSource } from '../random.ts'
import { exportFiles, withValues } from './adapterFiles.ts'
import { TINY, TINY_MODELS, withPlainModel } from './modelFixtures.ts'

/** Central differences of an f32 loss, along the gradient, so that rounding stays a thousandth of them. */
const DIFFERENCE = 2e-3
const TOKENS = 12
/** What the loss changes by. */
const CHANGE = 0.02

/** Families whose layers differ most; all of them in the long run. What predicts from both sides is not trained. */
const DIFFERENT = ['cohere2', 'gemma2', 'granite', 'opt', 'stablelm']
const ENCODERS = ['bert', 'distilbert', 'modernbert', 'roberta']
/** Ops of experts have no backward rules. */
const MIXTURES = ['gpt-oss', 'granitemoe', 'mixtral', 'olmoe', 'olmoe-clip', 'qwen2-moe', 'qwen3-moe']
const UNTRAINED = [...ENCODERS, ...MIXTURES]
const FAMILIES = TINY_MODELS.filter((name) => (ALL ? !UNTRAINED.includes(name) : DIFFERENT.includes(name)))

test.each(ALL ? MIXTURES : ['mixtral'])(
  '%s: training names the step that has no backward rule',
  async (name) => {
    await withPlainModel(join(TINY, name), { weights: 'f32' }, async (model) => {
      await model.newAdapter({ name: 'new', rank: 2 })
      const gradients = model.gradients([1, 2, 3], [1, 1, 1], { probes: ['loss'] })
      await expect(gradients).rejects.toMatchObject({
        code: 'unsupported',
        message: expect.stringMatching(/layers\.\d+\..*no backward rule/) as string,
      })
    })
  },
)

test.each(FAMILIES)('%s: the loss changes along its gradient as that says', async (name) => {
  await withPlainModel(join(TINY, name), { weights: 'f32' }, async (model) => {
    const random = randomSource(name.length)
    const ids = Array.from({ length: TOKENS }, () => random.integer(model.info.vocab))
    const mask = ids.map(() => 1 as const)
    const created = await model.newAdapter({ name: 'new', rank: 2 })
    const steps = new Map(
      created.report.matched.map(({ source, step }) => [`base_model.model.${source}`, step]),
    )
    const empty = await exportFiles(model, created.id)
    await model.removeAdapter(created.id)
    const files = {
      ...empty,
      tensors: new Map(
        [...empty.tensors].map(([key, { shape, values }]) => [
          key,
          { shape, values: key.includes('lora_B') ? random.normal(values.length, 0.1) : values },
        ]),
      ),
    }
    const lossOf = async (scale: number, gradients: Map<string, Float32Array>): Promise<number> => {
      const moved = withValues(files, (key, values) =>
        values.map((v, i) => v + scale * (gradients.get(key)?.[i] ?? 0)),
      )
      const { id } = await model.addAdapter(moved)
      const { data } = (await model.gradients(ids, mask, { probes: ['loss'] })).get('loss')!
      await model.removeAdapter(id)
      return data.reduce((sum, loss) => sum + loss, 0) / data.length
    }
    // Products that are a module of their own; parts of one share A.
    const single = [...files.tensors.keys()].filter(
      (key) =>
        created.report.matched.filter(({ source }) => key.startsWith(`base_model.model.${source}.`))
          .length === 1,
    )
    const probeOf = (key: string): string => {
      const match = /^(.*)\.lora_([AB])\.weight$/.exec(key)
      const step = steps.get(match?.[1] ?? '')
      invariant(step && match, `${key} is a factor of a module`)
      return `${step}.d${match[2]}`
    }
    const { id } = await model.addAdapter(withValues(files, (_, values) => values))
    const read = await model.gradients(ids, mask, { probes: single.map(probeOf) })
    await model.removeAdapter(id)
    const gradients = new Map(single.map((key) => [key, read.get(probeOf(key))!.data]))
    const slope = [...gradients.values()].reduce((sum, g) => sum + g.reduce((part, v) => part + v * v, 0), 0)
    const step = CHANGE / slope
    const difference = ((await lossOf(step, gradients)) - (await lossOf(-step, gradients))) / (2 * step)
    expect(Math.abs(difference / slope - 1)).toBeLessThan(DIFFERENCE)
  })
})
