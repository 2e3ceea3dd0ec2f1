import { expect, test } from 'vitest'
import { checkBars } from '../../bench/bars.ts'
import type { Result } from '../../bench/harness.ts'

const line = (name: string, details: Record<string, unknown>): Result => ({
  name,
  value: 1,
  unit: '',
  adapter: 'any',
  shape: 'S',
  ...details,
})

test('a bar holds when every result it looks at does, and is left out when none is there', () => {
  const matvec = (format: string, timeOfF32: number) =>
    line('matvec.bandwidth', { format, timeOfF32, eightRowsCost: 3 })
  const good = checkBars([matvec('f16', 0.6), matvec('q8_0', 1)], 'cpu')
  expect(good.map(({ bar, holds }) => [bar, holds])).toEqual([
    ['f16 and q8_0 matvec take no longer than f32', true],
    ['8 rows cost at most 4 times one row', true],
  ])
  const [bad] = checkBars([matvec('f16', 0.6), matvec('q8_0', 1.01)], 'cpu')
  expect(bad).toMatchObject({ holds: false, measured: [{ of: 'S f16' }, { of: 'S q8_0', value: 1.01 }] })
})

test('bars of real GPUs are not asked of software ones, nor the other way round', () => {
  const results = [line('matvec.bandwidth', { format: 'f16', ofCopy: 0.5, eightRowsCost: 2 })]
  expect(checkBars(results, 'cpu').map(({ holds }) => holds)).toEqual([true])
  expect(checkBars(results, 'gpu').map(({ holds }) => holds)).toEqual([false, false])
})

test('the context bar looks at 2048 positions only', () => {
  const at = (context: number, ofContext64: number) => line('context.decode', { context, ofContext64 })
  expect(checkBars([at(64, 1), at(2048, 1.29), at(8192, 2)], 'cpu')[0]).toMatchObject({ holds: true })
})
