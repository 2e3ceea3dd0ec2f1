import { expect, test } from 'vitest'
import { untrainableStep } from '../../src/analysis/trainable.ts'
import { TokenscopeError } from '../../src/errors.ts'
import { backward } from '../../src/train/backward.ts'
import { lossProgram } from '../../src/train/program.ts'
import { PROGRAM_MODELS } from '../program/models.ts'

const ROWS = 4

/** Step that a backward pass through the whole forward is refused at; null where there is none. */
function refusedAt(program: Parameters<typeof lossProgram>[0]): unknown {
  try {
    backward(lossProgram(program), { lora: () => null, everything: true })
    return null
  } catch (error) {
    if (error instanceof TokenscopeError && error.code === 'unsupported') return error.details?.['step']
    throw error
  }
}

const ENCODERS = ['bert', 'distilbert', 'modernbert', 'roberta']
const DECODERS = PROGRAM_MODELS.filter(({ name }) => !ENCODERS.includes(name))

test.each(DECODERS)('$name: what training would be refused at is known from the forward', ({ model }) => {
  const program = model.record({ rows: ROWS, logitRows: ROWS, positions: ROWS })
  expect(untrainableStep(program.steps)?.name ?? null).toBe(refusedAt(program))
})

test('mixtures are refused, and nothing else', () => {
  const refused = DECODERS.filter(({ model }) =>
    untrainableStep(model.record({ rows: ROWS, logitRows: ROWS, positions: ROWS }).steps),
  )
  expect(refused.map(({ name }) => name)).toEqual([
    'gpt-oss',
    'granitemoe',
    'mixtral',
    'olmoe',
    'olmoe-clip',
    'qwen2-moe',
    'qwen3-moe',
  ])
})
