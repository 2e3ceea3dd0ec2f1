import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bindableContext } from '../../src/engine/contextLength.ts'
import { KV_F32 } from '../../src/ops/kvFormats.ts'
import type { Runner } from '../../src/run/runner.ts'
import { randomSource } from '../random.ts'
import { testDevice } from './device.ts'
import { refusal } from './engine.support.ts'
import { exhaustAt } from './faults.device.ts'
import { forward, readJson, TINY, withModel, withRunner } from './modelFixtures.ts'

const CONTEXT = 120
/** One page and the two that stay free; programs for as many positions. */
const SMALL = { cacheBytes: 1, positions: 32 }

const random = randomSource(5)
const ids = Array.from({ length: CONTEXT }, () => random.integer(30))

/** Logits behind pieces of the text: chunks, then rows by themselves. */
async function feed(runner: Runner, from = 0, to = CONTEXT): Promise<Float32Array[]> {
  const sequence = runner.sequences.all()[0] ?? runner.sequences.fork(null, 0, '')
  const logits: Float32Array[] = []
  for (let at = from; at < to;) {
    const tokens = ids.slice(at, Math.min(to, at + (at < 80 ? 20 : 1)))
    logits.push(...(await forward(runner, [{ sequence, tokens, textLength: CONTEXT }])))
    at += tokens.length
  }
  return logits
}

describe('a text that outgrows what its model opened with', () => {
  test.each(['llama', 'gemma3', 'mistral-window', 'phi3-longrope'])(
    '%s: the same logits to the last bit, nothing compiled again, nothing read back',
    async (name) => {
      const folder = join(TINY, name)
      let expected: Float32Array[] = []
      await withRunner(folder, { context: CONTEXT }, async (runner) => {
        expected = await feed(runner)
      })
      await withRunner(folder, { context: CONTEXT, room: SMALL }, async (runner) => {
        const { pool } = runner
        const started = pool.pages
        const got = await feed(runner, 0, 60)
        const before = runner.counters()
        got.push(...(await feed(runner, 60)))
        const after = runner.counters()
        expect(got).toEqual(expected)
        expect(after.readbacks - before.readbacks).toBe(got.length - 3)
        expect(started).toBe(3)
        if (name !== 'mistral-window') expect(pool.pages).toBeGreaterThan(started)
        const [sequence] = runner.sequences.all()
        const branch = runner.sequences.fork(sequence!, CONTEXT - 1, '')
        const [again] = await forward(runner, [
          { sequence: branch, tokens: ids.slice(-1), textLength: CONTEXT },
        ])
        expect(again).toEqual(expected.at(-1))
      })
    },
  )

  test('kernels are those that loading compiled', async () => {
    await withRunner(join(TINY, 'llama'), { context: CONTEXT, room: SMALL }, async (runner) => {
      await Promise.all([runner.live(1, 1), runner.live(8, 1), runner.live(32, 1)])
      const { pipelinesCompiled } = runner.counters()
      await feed(runner)
      expect(runner.counters().pipelinesCompiled).toBe(pipelinesCompiled)
    })
  })

  test.each([
    { what: 'programs', positions: 32 },
    { what: 'the cache', positions: CONTEXT },
  ])('memory that $what lacks is said with numbers; the text goes on once there is some', async (room) => {
    const { device } = await testDevice({ limits: 'adapter', features: 'all' })
    const folder = join(TINY, 'llama')
    let expected: Float32Array[] = []
    await withRunner(folder, { context: CONTEXT }, async (runner) => {
      expected = await feed(runner)
    })
    await withRunner(folder, { context: CONTEXT, room: { ...SMALL, ...room } }, async (runner) => {
      const got = await feed(runner, 0, 20)
      const [sequence] = runner.sequences.all()
      sequence!.busy = true
      for (let nth = 0; nth < 4; nth++) {
        const bytes = runner.ledger.report().gpuBytes
        const faults = exhaustAt(device, nth)
        const error = await refusal(runner.makeRoom(sequence!, 120), 'out-of-memory')
        faults.restore()
        expect(error.details).toMatchObject({ wanted: expect.any(Number), positions: expect.any(Number) })
        expect(error.message).toMatch(/\d/)
        expect(runner.ledger.report().gpuBytes).toBeLessThanOrEqual(bytes + 64 * 1024)
        expect(sequence!.tokens.length).toBe(20)
      }
      got.push(...(await feed(runner, 20)))
      expect(got).toEqual(expected)
    })
  })

  test('a cache that no buffer can hold is refused; idle texts are given up first', async () => {
    // 64 positions: a layer keeps 32 bytes of keys for each.
    await withRunner(join(TINY, 'llama'), { context: CONTEXT, room: SMALL }, async (runner) => {
      const { pool, sequences } = runner
      Object.defineProperty(pool, 'most', { value: 4 })
      const idle = sequences.fork(null, 0, '')
      await forward(runner, [{ sequence: idle, tokens: ids.slice(0, 60) }])
      sequences.park(idle)
      const running = sequences.fork(null, 0, 'other')
      await forward(runner, [{ sequence: running, tokens: ids.slice(0, 100) }])
      expect(sequences.all()).toEqual([running])
      await runner.makeRoom(running, 128)
      const error = await refusal(runner.makeRoom(running, 129), 'limit')
      expect(error.details).toMatchObject({ positions: 128, wanted: 160 })
      expect([running.tokens.length, pool.freePages]).toEqual([100, 0])
    })
  })
})

test('a context whose buffers cannot be bound is made shorter with a warning, or refused where it was asked for', async () => {
  await withRunner(join(TINY, 'llama'), {}, async ({ model, pipelines }) => {
    const fitting = { variant: pipelines.variant, kv: KV_F32 }
    const of = (asked: number | undefined, largestBinding: number) =>
      bindableContext(model, 128, { ...fitting, asked, ledger: { largestBinding } })
    expect(of(undefined, 1 << 27)).toEqual({ context: 128, warnings: [] })
    // Decode attention puts more down for each page than a layer keeps of it.
    const { context, warnings } = of(undefined, 6_000)
    expect(context).toBeGreaterThanOrEqual(32)
    expect(context).toBeLessThan(128)
    expect(warnings.join()).toContain(`${context} positions of the model's 128`)
    expect(() => of(128, 6_000)).toThrow(/128 positions does not fit: buffers .* of 6000 bytes, hold/)
  })
})

test('a model opens with its whole context and takes memory for what is written', async () => {
  await withModel(join(TINY, 'llama'), {}, async (model) => {
    const config = readJson(join(TINY, 'llama/config.json')) as { max_position_embeddings: number }
    expect(model.info.context).toBe(config.max_position_embeddings)
    expect(model.info.gpuBytes).toBe((await model.memory()).gpuBytes)
  })
})
