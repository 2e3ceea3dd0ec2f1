import { join } from 'node:path'
import { expect, test } from 'vitest'
import { casesOf } from '../all.ts'
import type { Edit } from '../../src/index.ts'
import { isEditable } from '../../src/program/changes.ts'
import { readJson, TINY, TINY_MODELS, withPlainModel } from './modelFixtures.ts'

/** The shortest text past a window that two layers have looked through. */
const TOKENS = 14

const typeOf = (name: string): string =>
  (readJson(join(TINY, name, 'config.json')) as { model_type: string }).model_type

/** One of each type. */
const main = [...new Map(TINY_MODELS.map((name) => [typeOf(name), name])).values()]
const more = TINY_MODELS.filter((name) => !main.includes(name))

/**
 * Edits that change nothing, on every step of every architecture. A factor of 1 takes no step at all. Twice a half goes through the
 * edits' kernels and loses no bit; since edited steps stand alone, it is compared with a run in which they do so for being observed.
 */
test.each(casesOf({ main, more }))(
  '%s: scaling every step by 1, or by 2 and by ½, changes no bit',
  async (name) => {
    const ids = (readJson(join(TINY, name, 'expected.json')) as { ids: number[] }).ids.slice(0, TOKENS)
    await withPlainModel(join(TINY, name), { weights: 'f32' }, async (model) => {
      const steps = (await model.steps({ rows: 4 })).filter(isEditable).map((step) => step.name)
      const scaled = (...factors: number[]): Edit[] =>
        steps.flatMap((step) => factors.map((factor): Edit => ({ kind: 'scale', step, factor })))
      const plain = await model.logits(ids)
      expect((await model.logits(ids, { edits: scaled(1) })).data).toEqual(plain.data)
      const probes = [...steps, 'logits']
      const observed = await model.trace(ids, { probes })
      const edited = await model.trace(ids, { probes, edits: scaled(2, 0.5) })
      for (const [step, { data }] of observed) expect(edited.get(step)?.data, step).toEqual(data)
    })
  },
)
