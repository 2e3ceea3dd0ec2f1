import { expect, test } from 'vitest'
import { llamaOf } from '../../bench/shapes.ts'
import { checkLimits } from '../../src/run/limits.ts'
import { PROGRAM_MODELS } from '../program/models.ts'

const SHAPE = { name: 'test', hidden: 32, intermediate: 48, heads: 4, kvHeads: 2, headDim: 8, layers: 1 }

test.each([
  { what: 'a width of 33', change: { hidden: 33 }, step: 'embed', field: 'width', got: 33 },
  {
    what: 'an intermediate width of 50',
    change: { intermediate: 50 },
    step: 'layers.0.mlp.gate',
    field: 'width',
    got: 50,
  },
  { what: 'heads of 6', change: { headDim: 6 }, step: 'layers.0.attn.scores', field: 'head_dim', got: 6 },
  {
    what: 'heads of 260',
    change: { headDim: 260 },
    step: 'layers.0.attn.scores',
    field: 'head_dim',
    got: 260,
  },
  {
    what: '17 query heads to one of keys',
    change: { heads: 17, kvHeads: 1 },
    step: 'layers.0.attn.scores',
    field: 'query heads of a key-value head',
    got: 17,
  },
])('$what is refused by the step it is at', ({ change, step, field, got }) => {
  const model = llamaOf({ ...SHAPE, ...change }, 1, 16, 64)
  expect(() => checkLimits(model)).toThrow(
    expect.objectContaining({
      code: 'unsupported',
      message: expect.stringContaining(`${field} is ${got} at ${step}`) as string,
      details: expect.objectContaining({ step, field, got }) as unknown,
    }),
  )
})

test.each(PROGRAM_MODELS)('$modelType: the fixture runs', ({ model }) => {
  expect(() => checkLimits(model)).not.toThrow()
})

test.each([{ headDim: 256 }, { heads: 16, kvHeads: 1 }, { hidden: 36, intermediate: 4 }])(
  'the largest and the oddest that run: %o',
  (change) => {
    expect(() => checkLimits(llamaOf({ ...SHAPE, ...change }, 1, 16, 64))).not.toThrow()
  },
)
