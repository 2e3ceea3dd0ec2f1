import type { TrainExample } from '../src/api/train.ts'
import type { OpenedDevice } from '../src/gpu/device.ts'
import { loadModel, type Model } from '../src/index.ts'
import { median, spread, type Emit } from './harness.ts'
import { freshPrompt, generateTimes, TALES_FOLDER } from './model.ts'
import type { SuiteOptions } from './products.ts'

const ROWS = [64, 256]
/** Predictions that count, of all: as of an answer behind its question, and of a text. */
const COUNTED = [0.25, 1]

/** A text of so many rows, of which the last ones are learned. */
function textOf(rows: number, share: number): TrainExample {
  const ids = freshPrompt(rows + 1)
  return { ids, mask: ids.map((_, i): 0 | 1 => (i > rows - rows * share ? 1 : 0)) }
}

async function timeOf(work: Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work
  return performance.now() - started
}

async function drained(parts: AsyncIterable<unknown>): Promise<number> {
  let count = 0
  for await (const _ of parts) count += 1
  return count
}

/** A step of AdamW beside a forward of the same rows that gives one row of logits, and one that scores all of them; all in turn. */
async function compareStep(model: Model, rows: number, share: number, rounds: number) {
  const { id } = await model.newAdapter({ name: 'bench' })
  const steps = model.train(id, [textOf(rows, share)], { steps: rounds + 2, learningRate: 1e-4 })
  const next = async (): Promise<unknown> => steps[Symbol.asyncIterator]().next()
  const times = { step: [] as number[], forward: [] as number[], scored: [] as number[] }
  for (let round = -1; round <= rounds; round++) {
    const step = await timeOf(next())
    const [forward = NaN] = await generateTimes(model, freshPrompt(rows), 1)
    const scored = await timeOf(drained(model.score(freshPrompt(rows + 1))))
    if (round < 1) continue // compiles
    times.step.push(step)
    times.forward.push(forward)
    times.scored.push(scored)
  }
  await model.removeAdapter(id)
  return times
}

/** What a step of training costs beside a forward. */
export async function benchTraining(opened: OpenedDevice, emit: Emit, options: SuiteOptions): Promise<void> {
  const model = await loadModel(TALES_FOLDER, { device: opened.device, variant: options.variant })
  for (const rows of ROWS) {
    for (const share of COUNTED) {
      const { step, forward, scored } = await compareStep(model, rows, share, options.rounds)
      emit({
        name: 'train.step',
        value: median(step),
        unit: 'ms',
        shape: 'tales-3m',
        variant: model.info.variant.name,
        rows,
        counted: rows * share,
        least: Math.min(...step),
        spread: spread(step),
        rounds: step.length,
        forward: Math.min(...forward),
        scored: Math.min(...scored),
        ofForward: Math.min(...step) / Math.min(...forward),
        ofScored: Math.min(...step) / Math.min(...scored),
      })
    }
  }
  await model.dispose()
}
