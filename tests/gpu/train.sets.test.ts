import { expect, test } from 'vitest'
import { answersOf, examplesOf, readSets } from '../../bench/trainingSets.ts'
import { ALL } from '../all.ts'
import { TALES, withModel } from './modelFixtures.ts'

const why = ALL ? '' : ' (skipped: npm run test:all runs it)'

/** Share of held-out sentences that the base may answer as asked, and that the trained adapter must. */
const BASE = 0.1
const TRAINED = 0.8

test.skipIf(!ALL)(`the built-in sets teach what they are for${why}`, { timeout: 1_200_000 }, async () => {
  await withModel(TALES, {}, async (model) => {
    for (const set of readSets().filter(({ name }) => ['swap', 'translate'].includes(name))) {
      const { learned, heldOut } = set
      expect(await answersOf(model, heldOut), set.name).toBeLessThanOrEqual(BASE)
      const { id } = await model.newAdapter({ name: set.name, ...set.adapter })
      let steps = 0
      for await (const _ of model.train(id, await examplesOf(model, learned), set.settings)) steps += 1
      expect(steps).toBe(set.settings.steps)
      expect(await answersOf(model, heldOut), set.name).toBeGreaterThanOrEqual(TRAINED)
      await model.removeAdapter(id)
    }
  })
})
