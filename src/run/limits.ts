import type { ModelDescription } from '../arch/spec.ts'
import { TokenscopeError } from '../errors.ts'
import { isOp, widthOf, type Step } from '../program/step.ts'

/** Query heads of one key-value head that decode attention holds in shared memory at default limits. */
const MAX_GROUP = 16
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

/** Width of what a step reads or writes four elements at a time; null where it takes any. */
function vectorWidth(step: Step): number | null {
  if (isOp(step, 'linear')) return step.params[0]?.shape[1] ?? null
  const isWholeRow = isOp(step, 'rms_norm', 'layer_norm') && step.attrs.width === widthOf(step)
  return isOp(step, 'embed') || isWholeRow ? widthOf(step) : null
}

/** What the kernels can take of each step. Throws `unsupported`, naming the step and its size. */
export function checkLimits(model: ModelDescription): void {
  for (const step of model.record({ rows: 1, logitRows: 1, positions: 1 }).steps) {
    const width = vectorWidth(step)
    if (width !== null && width % 4 !== 0) throw refuse(step, 'width', width, 'a multiple of 4')
    if (!isOp(step, 'scores')) continue
    const { heads, kvHeads, headDim } = step.attrs
    if (headDim > MAX_HEAD_DIM) throw refuse(step, 'head_dim', headDim, `at most ${MAX_HEAD_DIM}`)
    const group = heads / kvHeads
    if (group > MAX_GROUP && headDim % 4 === 0)
      throw refuse(step, 'query heads of a key-value head', group, `at most ${MAX_GROUP}`)
  }
}
