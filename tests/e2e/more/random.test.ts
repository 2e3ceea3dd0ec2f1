import { expect, test } from 'vitest'
import { ALL } from '../../all.ts'
import { randomSource } from '../../random.ts'
import { openPage } from '../harness.ts'
import { RandomPerson } from '../randomPerson.ts'

const ACTIONS_EACH = ALL ? 50 : 20
/** A seed of its own replays one run: `TOKENSCOPE_SEED=7 npm test -- random --project e2e`. */
const GIVEN = process.env['TOKENSCOPE_SEED']?.split(',').map(Number)
const SEEDS = GIVEN ?? Array.from({ length: ALL ? 20 : 1 }, (_, n) => n + 1)

test.each(SEEDS)('seed %i: after every random action the page holds what it promises', async (seed) => {
  const { page, errors } = await openPage({
    path: '#prompt=Once upon a time&seed=1&max-tokens=6',
    reducedMotion: 'reduce',
  })
  const person = new RandomPerson(page, randomSource(seed))
  await person.arrive()
  try {
    for (let n = 0; n < ACTIONS_EACH; n++) {
      await person.act()
      expect(errors).toEqual([])
    }
    await person.leave()
  } catch (error) {
    throw new Error(`seed ${seed}:\n${person.done.join('\n')}\n${String(error)}`, { cause: error })
  }
})
