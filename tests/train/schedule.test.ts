import { expect, test } from 'vitest'
import { checkOptions } from '../../src/train/options.ts'
import { planSteps } from '../../src/train/schedule.ts'
import type { TrainOptions } from '../../src/index.ts'

const ROWS = [4, 7, 3, 9, 2, 2]

const plan = (options: TrainOptions, rows = ROWS) => planSteps(rows, checkOptions(options, rows))

test('passes hold so many examples each, and wrap around', () => {
  expect(plan({ batchSize: 4 })).toEqual([[[0, 1, 2, 3]], [[4, 5, 0, 1]]])
  expect(plan({ batchSize: 2, accumulate: 2, steps: 2 })).toEqual([
    [
      [0, 1],
      [2, 3],
    ],
    [
      [4, 5],
      [0, 1],
    ],
  ])
})

test('packed: as many examples as fit in so many rows, none of them twice in a pass', () => {
  // Steps are those of one round where nothing else is said; what is longer than a pass has one of its own.
  expect(plan({ packRows: 11 })).toEqual([[[0, 1]], [[2]], [[3, 4]], [[5]]])
  expect(plan({ packRows: 8 })).toEqual([[[0]], [[1]], [[2]], [[3]], [[4, 5]]])
  expect(plan({ packRows: 1000, steps: 2 })).toEqual([[[0, 1, 2, 3, 4, 5]], [[0, 1, 2, 3, 4, 5]]])
  expect(plan({ packRows: 11, accumulate: 2 })).toEqual([
    [[0, 1], [2]],
    [[3, 4], [5]],
  ])
})

test('packed in any order: every round has every example once, and no pass more rows than asked for', () => {
  for (const shuffle of [0, 1, 2]) {
    const passes = plan({ packRows: 12, shuffle, steps: 40 }).map(([pass = []]) => pass)
    const taken = passes.flat()
    for (let at = 0; at + ROWS.length <= taken.length; at += ROWS.length)
      expect(taken.slice(at, at + ROWS.length).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5])
    for (const pass of passes)
      expect(pass.reduce((sum, example) => sum + ROWS[example]!, 0)).toBeLessThanOrEqual(12)
  }
})

test('preferences are not packed, and rows are whole', () => {
  expect(() => checkOptions({ packRows: 9, objective: 'dpo' }, ROWS)).toThrow(/packRows is 9; expected null/)
  expect(() => checkOptions({ packRows: 0.5 }, ROWS)).toThrow(/packRows is 0.5; expected a whole number/)
  expect(checkOptions({ objective: 'dpo', packRows: null }, ROWS).packRows).toBeNull()
})
