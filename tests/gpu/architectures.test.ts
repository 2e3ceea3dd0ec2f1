import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { traceSteps } from '../../src/inspect/trace.ts'
import { FREED_PAGE, type Sequence } from '../../src/run/cache.ts'
import { BASE_CONDITIONS } from '../../src/run/conditions.ts'
import type { Runner } from '../../src/run/runner.ts'
import { publish } from '../figures.ts'
import { maxDifference } from '../nmse.ts'
import { randomSource } from '../random.ts'
import {
  checkpointsIn,
  expectSameLogits,
  forward,
  isEncoder,
  readJson,
  TINY,
  TINY_MODELS,
  withRunner,
} from './modelFixtures.ts'

/** Against Transformers in f64; f32 rounding over a few layers. */
const LOGITS = 1e-3

/** Checkpoints made by hand (tools/reference/random_checkpoints.py), instead of the fixtures. */
const OTHERS = process.env['TOKENSCOPE_CHECKPOINTS']
const FOLDER = OTHERS ?? TINY

interface Expected {
  ids: number[]
  logits: number[][]
}

const start = (runner: Runner): Sequence => runner.sequences.fork(null, 0, '')

let worst = 0

function expectRow(got: Float32Array | undefined, { logits }: Expected, row: number, how: string): void {
  const difference = maxDifference(got!, logits[row]!)
  worst = Math.max(worst, difference)
  expect(difference, `row ${row} ${how}`).toBeLessThanOrEqual(LOGITS)
}

/** All rows of one inspection, which is how an encoder reads. */
async function expectInspected(runner: Runner, expected: Expected): Promise<void> {
  const { data } = (await traceSteps(runner, expected.ids, ['logits'], BASE_CONDITIONS)).get('logits')!
  const { vocab } = runner.model
  for (const row of expected.ids.keys())
    expectRow(data.subarray(row * vocab, (row + 1) * vocab), expected, row, 'inspected')
}

/** Feeds the ids in chunks of these sizes; every chunk's last row is compared. */
async function feedChunks(runner: Runner, expected: Expected, sizes: readonly number[]): Promise<void> {
  const sequence = start(runner)
  let at = 0
  for (let i = 0; at < expected.ids.length; i++) {
    const part = expected.ids.slice(at, at + sizes[i % sizes.length]!)
    const [got] = await forward(runner, [{ sequence, tokens: part, textLength: expected.ids.length }])
    at += part.length
    expectRow(got, expected, at - 1, `in chunks of ${sizes.join(', ')}`)
  }
  runner.sequences.drop(sequence)
}

/** The ids beside another text in one batch, rows in turn, then both one row at a time. */
async function feedBeside(runner: Runner, expected: Expected): Promise<void> {
  const random = randomSource(7)
  const other = Array.from({ length: 40 }, () => random.integer(runner.model.vocab))
  const [own, beside] = [start(runner), start(runner)]
  const split = expected.ids.length - 6
  const pieces = [
    { sequence: beside, tokens: other },
    { sequence: own, tokens: expected.ids.slice(0, split), textLength: expected.ids.length },
  ]
  const [, got] = await forward(runner, pieces, { interleave: true })
  expectRow(got, expected, split - 1, 'beside another sequence')
  for (let row = split; row < expected.ids.length; row++) {
    const [, next] = await forward(runner, [
      { sequence: beside, tokens: [other[row % other.length]!] },
      { sequence: own, tokens: [expected.ids[row]!], textLength: expected.ids.length },
    ])
    expectRow(next, expected, row, 'beside another sequence')
  }
}

describe('logits of Transformers by every way through the kernels', () => {
  test.each(checkpointsIn(FOLDER))('%s', async (name) => {
    const expected = readJson(join(FOLDER, name, 'expected.json')) as Expected
    worst = 0
    await withRunner(join(FOLDER, name), {}, async (runner) => {
      await expectInspected(runner, expected)
      // Encoders see all of a text at once: masks.test.ts takes them chunk by chunk.
      if (isEncoder(runner.model.modelType)) return
      await feedChunks(runner, expected, [expected.ids.length])
      await feedChunks(runner, expected, [7, 1, 25, 8, 2])
      await feedChunks(runner, expected, [1])
      await feedBeside(runner, expected)
    })
    if (OTHERS !== undefined) publish({ name: `logits of ${name}`, value: worst, unit: 'largest difference' })
  })
})

const windowed = TINY_MODELS.filter((name) => name === 'mistral-window')

test.each(windowed)('%s: pages that every window has passed are given back', async (name) => {
  await withRunner(join(TINY, name), { context: 256 }, async (runner) => {
    const random = randomSource(11)
    const ids = Array.from({ length: 200 }, () => random.integer(runner.model.vocab))
    const { data } = (await traceSteps(runner, ids, ['logits'], BASE_CONDITIONS)).get('logits')!
    const free = runner.pool.freePages
    const sequence = start(runner)
    const { vocab } = runner.model
    for (let at = 0; at < ids.length;) {
      const part = ids.slice(at, at + (at < 100 ? 25 : 1))
      const [got] = await forward(runner, [{ sequence, tokens: part }])
      at += part.length
      expectSameLogits(got, data.subarray((at - 1) * vocab, at * vocab), `behind ${at} tokens`)
    }
    expect(sequence.pages.filter((page) => page === FREED_PAGE).length).toBeGreaterThan(3)
    expect(free - runner.pool.freePages).toBeLessThanOrEqual(3)
    // What the window has passed cannot be shared, what it still sees can.
    expect(runner.sequences.longestPrefix(ids.slice(0, 60), BASE_CONDITIONS)).toBeNull()
    expect(runner.sequences.longestPrefix(ids, BASE_CONDITIONS)?.length).toBe(ids.length)
  })
})
