import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Mask, Model } from '../../src/index.ts'
import { traceSteps } from '../../src/inspect/trace.ts'
import { BASE_CONDITIONS, underMask } from '../../src/run/conditions.ts'
import type { Runner } from '../../src/run/runner.ts'
import { maxDifference } from '../nmse.ts'
import { encoderFiles } from '../wordTokenizer.ts'
import { readJson, ROOT, TINY, withModel, withRunner } from './modelFixtures.ts'

/** Against Transformers in f64; f32 rounding over a few layers. */
const LOGITS = 1e-3

interface MaskCase {
  model: string
  mask: Mask
  rows: number[]
  logits: number[][]
}

interface Expected {
  ids: number[]
  logits: number[][]
}

const { cases } = readJson(join(ROOT, 'tests/fixtures/masks.json')) as { cases: MaskCase[] }
const expectedOf = (name: string): Expected => readJson(join(TINY, name, 'expected.json')) as Expected
const ENCODERS = ['bert', 'distilbert', 'modernbert', 'roberta']

/** Logits by a forward of at most so many rows at once: past them the layers run phase by phase. */
async function logitsInChunks(
  runner: Runner,
  ids: readonly number[],
  mask: Mask | undefined,
  maxRows: number,
): Promise<Float32Array> {
  const conditions = underMask(BASE_CONDITIONS, mask, runner.model.mask)
  return (await traceSteps(runner, ids, ['logits'], conditions, { maxRows })).get('logits')!.data
}

function expectRows(
  data: Float32Array,
  { rows, logits }: Pick<MaskCase, 'rows' | 'logits'>,
  how: string,
): void {
  const vocab = logits[0]!.length
  rows.forEach((row, i) => {
    const got = data.subarray(row * vocab, (row + 1) * vocab)
    expect(maxDifference(got, logits[i]!), `row ${row} ${how}`).toBeLessThanOrEqual(LOGITS)
  })
}

describe('logits under each mask', () => {
  test.each(cases)('$model, $mask', async (one) => {
    const { ids } = expectedOf(one.model)
    await withRunner(join(TINY, one.model), {}, async (runner) => {
      for (const maxRows of [64, 7])
        expectRows(await logitsInChunks(runner, ids, one.mask, maxRows), one, `in chunks of ${maxRows}`)
    })
  })

  test.each(ENCODERS)('%s under its own, chunk by chunk', async (name) => {
    const { ids, logits } = expectedOf(name)
    const all = { rows: ids.map((_, i) => i), logits }
    await withRunner(join(TINY, name), {}, async (runner) => {
      for (const maxRows of [7])
        expectRows(await logitsInChunks(runner, ids, undefined, maxRows), all, `in chunks of ${maxRows}`)
    })
  })
})

test('every step in phases is that of one forward', async () => {
  const { ids } = expectedOf('gpt-neox')
  await withRunner(join(TINY, 'gpt-neox'), {}, async (runner) => {
    const conditions = underMask(BASE_CONDITIONS, { prefix: 33 }, 'causal')
    const probes = ['layers.*.*', 'layers.*.*.*', 'logits']
    const full = await traceSteps(runner, ids, probes, conditions)
    const parts = await traceSteps(runner, ids, probes, conditions, { maxRows: 9 })
    expect([...parts.keys()]).toEqual([...full.keys()])
    for (const [name, { data }] of full) {
      const scale = Math.max(1, ...data.map(Math.abs))
      expect(maxDifference(parts.get(name)!.data, data) / scale, name).toBeLessThanOrEqual(1e-5)
    }
  })
})

/** Probabilities of a row of the first head. */
async function rowOfProbs(model: Model, ids: readonly number[], mask: Mask, row: number): Promise<number[]> {
  const session = await model.inspect(ids, { mask, retain: ['layers.0.attn.probs'] })
  const { data } = await session.row('layers.0.attn.probs', row)
  const { formula } = session.steps.find(({ name }) => name === 'layers.0.attn.probs')!
  expect(formula).toContain(mask === 'bidirectional' ? 'all positions' : 'positions ≤ own')
  await session.close()
  return [...data.subarray(0, ids.length)]
}

test('looking under a mask shares nothing with what is generated, and says what each row sees', async () => {
  await withModel(join(TINY, 'llama'), {}, async (model) => {
    const { ids } = expectedOf('llama')
    const generated = async (): Promise<number[]> => {
      const tokens: number[] = []
      for await (const { id } of model.generate(ids, { temperature: 0, maxTokens: 4, stop: [] }))
        tokens.push(id)
      return tokens
    }
    const before = await generated()
    const causal = await model.logitsAt(ids)
    const all = await model.logitsAt(ids, { mask: 'bidirectional' })
    expect(all.recomputed).toBe(true)
    expect(maxDifference(all.data, causal.data)).toBeGreaterThan(0.1)
    const { data } = await model.logits(ids, { mask: 'bidirectional' })
    expect(maxDifference(all.data, data.subarray(-all.data.length))).toBeLessThanOrEqual(1e-4)
    // A scale by 1 changes nothing under any mask.
    const edits = [{ kind: 'scale', step: 'layers.0.attn.o', factor: 1 }] as const
    const edited = await model.logits(ids, { mask: { prefix: 9 }, edits })
    expect(maxDifference(edited.data, (await model.logits(ids, { mask: { prefix: 9 } })).data)).toBe(0)
    expect(await generated()).toEqual(before)
    const seen = async (mask: Mask, row: number): Promise<number> =>
      (await rowOfProbs(model, ids.slice(0, 12), mask, row)).filter((value) => value > 0).length
    expect(await seen('causal', 3)).toBe(4)
    expect(await seen('bidirectional', 3)).toBe(12)
    expect(await seen({ prefix: 6 }, 3)).toBe(6)
    expect(await seen({ prefix: 6 }, 8)).toBe(9)
  })
})

const BAD: readonly unknown[] = ['full', null, { prefix: -1 }, { prefix: 1.5 }, { prefix: NaN }, {}, 3]

test('what is no mask is refused by name', async () => {
  await withModel(join(TINY, 'llama'), {}, async (model) => {
    for (const mask of BAD) {
      const asked = { mask: mask as Mask }
      for (const call of [
        () => model.logits([1, 2], asked),
        () => model.trace([1, 2], { ...asked, probes: ['logits'] }),
        () => model.inspect([1, 2], asked),
      ])
        await expect(call()).rejects.toMatchObject({ code: 'bad-argument', details: { field: 'mask' } })
    }
  })
})

describe('filling masks', () => {
  test.each([
    { name: 'bert', mask: '[MASK]' },
    { name: 'modernbert', mask: '<gap>' },
  ])('$name: every mask by the logits at its place', async ({ name, mask }) => {
    await withModel(encoderFiles(name, mask), {}, async (model) => {
      expect(model.info.tasks).toEqual(['fill-mask'])
      // The kernels agree with the host from the embedding on.
      expect(model.info.warnings).toEqual([])
      const filled = await model.fillMask(`w1 ${mask} w2 ${mask}`, { top: 3 })
      expect(filled.map(({ position }) => position)).toEqual([2, 4])
      const { data, shape } = await model.logits([2, 6, 1, 7, 1, 3])
      const vocab = shape[1]!
      for (const { position, top } of filled) {
        const row = data.subarray(position * vocab, (position + 1) * vocab)
        const total = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0))
        const best = [...row.keys()].sort((a, b) => row[b]! - row[a]!).slice(0, 3)
        expect(top.map(({ id }) => id)).toEqual(best)
        const wanted = best.map((id) => row[id]! - total)
        expect(
          maxDifference(
            top.map(({ logprob }) => logprob),
            wanted,
          ),
        ).toBeLessThan(1e-3)
      }
      await expect(model.fillMask('w1')).rejects.toMatchObject({ code: 'bad-argument' })
      await expect(model.fillMask(mask, { top: 0 })).rejects.toMatchObject({ details: { field: 'top' } })
    })
  })

  test('an encoder decodes nothing and says what it does; a decoder fills nothing', async () => {
    await withModel(join(TINY, 'bert'), {}, async (model) => {
      const ids = [4, 5, 6]
      const streams = [model.generate(ids), model.score(ids), model.compare(ids, { a: [], b: [] })]
      for (const stream of streams)
        await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'unsupported' })
      await expect(model.fork(ids, 1, 7)).rejects.toMatchObject({ code: 'unsupported' })
      await expect(model.expand(ids, 2)).rejects.toMatchObject({ code: 'unsupported' })
      await expect(model.attribution(ids, { position: 1, token: 3 })).rejects.toMatchObject({
        code: 'unsupported',
      })
      // The lens follows the token that stands at a position; the last layer is the head's own prediction.
      const { cells } = await model.lens(ids, { positions: [1], topK: 1 })
      const { data, shape } = await model.logits(ids)
      const row = data.subarray(shape[1], 2 * shape[1]!)
      expect(cells.at(-1)).toMatchObject({ token: ids[1], top: [{ id: row.indexOf(Math.max(...row)) }] })
    })
    await withModel(join(TINY, 'llama'), {}, async (model) => {
      expect(model.info.tasks).toEqual(['generate'])
      await expect(model.fillMask('[MASK]')).rejects.toMatchObject({ code: 'unsupported' })
    })
  })
})
