import { describe, expect, it } from 'vitest'
import type { Model, TensorData, TracedRows } from '../../src/index.ts'
import { withFixtureModel } from './fixtureModel.ts'

const IDS = Array.from({ length: 60 }, (_, i) => (i * 37 + 5) % 90)

async function collect(model: Model, probes: string[]): Promise<TracedRows[]> {
  const parts: TracedRows[] = []
  for await (const part of model.traceRows(IDS, { probes })) parts.push(part)
  return parts
}

/** The rows of a part out of the whole tensor. */
function rowsOf({ shape, data, axes = [] }: TensorData, begin: number, end: number): number[] {
  const axis = axes.findIndex(({ kind }) => kind === 'rows')
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1)
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1)
  const rows = shape[axis] ?? 0
  return Array.from({ length: outer }, (_, o) =>
    Array.from(data.subarray((o * rows + begin) * inner, (o * rows + end) * inner)),
  ).flat()
}

describe('a trace that comes row by row', () => {
  const CASES = [
    ['llama', ['layers.*.attn.probs'], [16, 48, 60]],
    ['llama', ['layers.0.resid', 'logits'], [16, 48, 60]],
    ['llama', ['layers.1.attn.scores'], [60]],
    ['mixtral', ['layers.1.mlp.act'], [16, 48, 60]],
    ['bert', ['layers.*.attn.probs'], [60]],
  ] as const
  for (const [name, probes, ends] of CASES) {
    it(`is the whole trace, ${name}: ${probes.join(' ')}`, () =>
      withFixtureModel(name, async (model) => {
        const parts = await collect(model, [...probes])
        expect(parts.map(({ end }) => end)).toEqual(ends)
        const whole = await model.trace(IDS, { probes })
        for (const { begin, end, tensors } of parts) {
          expect([...tensors.keys()]).toEqual([...whole.keys()])
          for (const [step, tensor] of tensors) {
            const want = rowsOf(whole.get(step) ?? tensor, begin, end)
            // Chunks of other sizes may add in another order.
            Array.from(tensor.data).forEach((value, i) => expect(value).toBeCloseTo(want[i] ?? NaN, 4))
          }
        }
      }))
  }

  it('runs no layer behind the last probed one', () =>
    withFixtureModel('llama', async (model) => {
      const dispatches = async (probe: string): Promise<number> => {
        const before = await model.counters()
        await model.trace(IDS, { probes: [probe] })
        return (await model.counters()).dispatches - before.dispatches
      }
      expect(await dispatches('layers.0.attn.probs')).toBeLessThan(
        (await dispatches('layers.1.attn.probs')) / 1.5,
      )
    }))

  it('ends when it is left or cancelled', () =>
    withFixtureModel('llama', async (model) => {
      for await (const { end } of model.traceRows(IDS, { probes: ['logits'] })) {
        expect(end).toBe(16)
        break
      }
      const controller = new AbortController()
      const read = async () => {
        for await (const { end } of model.traceRows(IDS, { probes: ['logits'], signal: controller.signal }))
          if (end > 0) controller.abort()
      }
      await expect(read()).rejects.toMatchObject({ code: 'aborted' })
    }))
})
