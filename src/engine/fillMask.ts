import type { FilledMask, FillMaskOptions } from '../api/model.ts'
import { topN } from '../maths/distribution.ts'
import { TokenscopeError } from '../errors.ts'
import { createTensors, fineProgram, runKept, type ForwardInput } from '../inspect/forward.ts'
import { keptTensor, residualName, unembedLogits } from '../inspect/unembed.ts'
import type { EngineContext } from './context.ts'

const DEFAULT_TOP = 5
const MAX_TOP = 256

function refuse(code: 'unsupported' | 'bad-argument', message: string, hint: string): TokenscopeError {
  return new TokenscopeError(code, message, { hint, details: { method: 'fillMask' } })
}

function checkTop(top: number): void {
  if (Number.isInteger(top) && top >= 1 && top <= MAX_TOP) return
  const expected = `a whole number from 1 to ${MAX_TOP}`
  throw new TokenscopeError('bad-argument', `Option top is ${top}; allowed is ${expected}.`, {
    hint: `Set top to ${expected}.`,
    details: { field: 'top', got: top, expected },
  })
}

/** Logits [vocab] of each of these rows of a text, through the head alone. */
async function logitsOfRows(input: ForwardInput, rows: readonly number[]): Promise<Float32Array[]> {
  const { runner } = input
  const last = residualName(input, runner.model.layers - 1)
  const steps = fineProgram(input).steps.filter(({ name }) => name === last)
  const tensors = await createTensors(runner, steps)
  try {
    const { run } = await runKept(input, tensors, false)
    run.dispose()
    const buffer = keptTensor(tensors, last)
    const read: Float32Array[] = []
    for await (const logits of unembedLogits(
      input,
      rows.map((row) => ({ buffer, row })),
    ))
      read.push(logits)
    return read
  } finally {
    tensors.forEach((buffer) => runner.ledger.destroy(buffer))
  }
}

/** What an encoder puts in place of each mask of a text; see {@link Model.fillMask}. */
export async function fillMasks(
  context: EngineContext,
  text: string,
  { top = DEFAULT_TOP, adapters }: FillMaskOptions,
): Promise<FilledMask[]> {
  context.checkHealth()
  const { info, runner } = context
  if (!info.tasks.includes('fill-mask'))
    throw refuse('unsupported', `${info.architecture} fills no masks: it is no encoder.`, 'Generate instead.')
  checkTop(top)
  const tokenizer = context.needTokenizer()
  const { mask } = tokenizer
  if (mask === null)
    throw refuse('unsupported', 'The tokenizer of this model names no mask token.', 'Use logits with ids.')
  const ids = await tokenizer.encode(text, { parseSpecial: true })
  const masks = ids.flatMap((id, position) => (id === mask.id ? [position] : []))
  if (masks.length === 0)
    throw refuse('bad-argument', 'The text has no mask.', `Put ${mask.text} where a token is to be found.`)
  const input = await context.forwardInput(ids, { adapters })
  const rows = await context.read(() => runner.exclusive(() => logitsOfRows(input, masks)))
  return rows.map((logits, i) => ({
    position: masks[i] ?? 0,
    top: topN(logits, top).map(({ id, logprob }) => ({
      id,
      text: tokenizer.decode([id], { special: true }),
      logprob,
    })),
  }))
}
