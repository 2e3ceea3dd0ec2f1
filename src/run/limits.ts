import type { ModelDescription } from '../arch/spec.ts'
import { TokenscopeError } from '../errors.ts'
import { isOp, type Step } from '../program/step.ts'

/** Dimensions of a head that prefill attention holds in registers. */
const MAX_HEAD_DIM = 256

function refuse(step: Step, field: string, got: number, expected: string): TokenscopeError {
  return new TokenscopeError(
    'unsupported',
    `config.json: ${field} is ${got} at ${step.name}; ${expected} runs here.`,
    {
      hint: 'Use a checkpoint with other sizes; those of all published ones run.',
      details: { file: 'config.json', field, step: step.name, got, expected },
    },
  )
}

/** What the kernels can take of each step. Throws `unsupported`, naming the step and its size. */
export function checkLimits(model: ModelDescription): void {
  for (const step of model.record({ rows: 1, logitRows: 1, positions: 1 }).steps) {
    if (!isOp(step, 'scores')) continue
    const { headDim } = step.attrs
    if (headDim > MAX_HEAD_DIM) throw refuse(step, 'head_dim', headDim, `at most ${MAX_HEAD_DIM}`)
  }
}
