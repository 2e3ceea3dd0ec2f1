import { expect, test } from 'vitest'
import { llamaOf } from '../../bench/shapes.ts'
import { checkLimits } from '../../src/run/limits.ts'
import { PROGRAM_MODELS } from '../program/models.ts'

const SHAPE = { name: 'test', hidden: 32, intermediate: 48, heads: 4, kvHeads: 2, headDim: 8, layers: 1 }

test('heads of 260 are refused by the step they are at', () => {
  const model = llamaOf({ ...SHAPE, headDim: 260 }, 1, 16, 64)
  expect(() => checkLimits(model)).toThrow(
    expect.objectContaining({
      code: 'unsupported',
      message: expect.stringContaining('head_dim is 260 at layers.0.attn.scores') as string,
      details: expect.objectContaining({
        step: 'layers.0.attn.scores',
        field: 'head_dim',
        got: 260,
      }) as unknown,
    }),
  )
})

test.each(PROGRAM_MODELS)('$name: the fixture runs', ({ model }) => {
  expect(() => checkLimits(model)).not.toThrow()
})

test.each([
  { headDim: 256 },
  { headDim: 6 },
  { heads: 71, kvHeads: 1 },
  { hidden: 33, intermediate: 37 },
  { hidden: 36, intermediate: 4 },
])('the largest and the oddest that run: %o', (change) => {
  expect(() => checkLimits(llamaOf({ ...SHAPE, ...change }, 1, 16, 64))).not.toThrow()
})
