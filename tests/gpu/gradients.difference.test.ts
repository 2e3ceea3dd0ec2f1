import { expect, test } from 'vitest'
import { invariant } from '../../src/errors.ts'
import type { Model } from '../../src/index.ts'
import { randomSource } from '../random.ts'
import { exportFiles, withValues } from './adapterFiles.ts'
import { TALES, withModel } from './modelFixtures.ts'

const TEXT = 'Once upon a time a fox found a red ball. The fox was happy.'
/** The central difference and the gradient, both in f32, along a direction that changes the loss by hundredths. */
const DIFFERENCE = 1e-3

/** Mean loss over all predictions of a text. */
async function lossOf(model: Model, ids: readonly number[], id: string): Promise<number> {
  const read = await model.gradients(
    ids,
    ids.map(() => 1),
    { probes: ['loss'], adapters: [{ id, scale: 1 }] },
  )
  const { data } = read.get('loss')!
  return data.reduce((sum, loss) => sum + loss, 0) / data.length
}

/** `layers.0.attn.q.dA` of `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`. */
function gradientName(tensor: string, steps: ReadonlyMap<string, string>): string {
  const match = /^base_model\.model\.(.*)\.lora_([AB])\.weight$/.exec(tensor)
  const step = steps.get(match?.[1] ?? '')
  invariant(step && match, `${tensor} is a factor of a module`)
  return `${step}.d${match[2]}`
}

test('along random directions the bundled model’s loss changes as its gradient says', async () => {
  await withModel(TALES, {}, async (model) => {
    const ids = await model.encode(TEXT)
    const random = randomSource(11)
    const created = await model.newAdapter({ name: 'new', rank: 3, seed: 5 })
    const steps = new Map(created.report.matched.map(({ source, step }) => [source, step]))
    const empty = await exportFiles(model, created.id)
    await model.removeAdapter(created.id)
    // B is not zero, so that A has a gradient.
    const start = withValues(empty, (name, values) =>
      name.includes('lora_B') ? random.normal(values.length, 0.05) : values,
    )
    const { id } = await model.addAdapter(start)
    const files = await exportFiles(model, id)
    const probes = [...files.tensors.keys()].map((name) => gradientName(name, steps))
    const gradients = await model.gradients(
      ids,
      ids.map(() => 1),
      { probes },
    )
    await model.removeAdapter(id)
    for (const only of ['lora_A', 'lora_B', 'lora']) {
      const direction = new Map<string, Float32Array>()
      let slope = 0
      let norm = 0
      for (const [name, { values }] of files.tensors) {
        const gradient = gradients.get(gradientName(name, steps))!.data
        const size = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0) / gradient.length)
        const noise = random.normal(values.length, size)
        const along = gradient.map((g, i) => (name.includes(only) ? g + noise[i]! : 0))
        direction.set(name, along)
        along.forEach((d, i) => {
          slope += d * gradient[i]!
          norm += d * d
        })
      }
      const step = 0.03 / Math.abs(slope)
      invariant(norm > 0, 'there is a direction')
      const at = async (sign: number): Promise<number> => {
        const moved = withValues(files, (name, values) =>
          values.map((v, i) => v + sign * step * direction.get(name)![i]!),
        )
        const added = await model.addAdapter(moved)
        const loss = await lossOf(model, ids, added.id)
        await model.removeAdapter(added.id)
        return loss
      }
      const difference = ((await at(1)) - (await at(-1))) / (2 * step)
      expect(Math.abs(difference / slope - 1), only).toBeLessThan(DIFFERENCE)
    }
  })
})
