import type { Model, TokenAlternative } from '../../../api/model.ts'
import { orderAll } from '../../../maths/fullRanking.ts'
import type { PlainRow } from '../../../analysis/samplingStages.ts'
import { TokenscopeError } from '../../../errors.ts'

/**
 * The row that an engine's alternatives make: those it sent by their ids, all others impossible. Log-probabilities are logits whose
 * log-sum-exp over the whole vocabulary is 0, so that shares before the temperature are those of the whole.
 *
 * @throws `unsupported` when it sent none
 */
export function sentRow(sent: readonly TokenAlternative[], vocab: number): PlainRow {
  if (sent.length === 0) {
    throw new TokenscopeError('unsupported', 'This engine sent no log-probabilities here.', {
      hint: 'An engine that sends them, or a model in this tab, shows the draw.',
    })
  }
  const size = Math.max(vocab, ...sent.map(({ id }) => id + 1))
  const logits = new Float32Array(size).fill(-Infinity)
  for (const { id, logprob } of sent) logits[id] = logprob
  const mass = Math.min(
    1,
    sent.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0),
  )
  return { order: orderAll(logits), logSumExp: 0, entropyBits: NaN, mass }
}

/** What an engine sends of the token that would come behind a text: an answer of one token. */
export async function askNext(model: Model, ids: readonly number[]): Promise<readonly TokenAlternative[]> {
  const last = ids.at(-1)
  if (last === undefined) return []
  const { next } = await model.fork(ids.slice(0, -1), ids.length - 1, last, { topLogprobs: 32 })
  return next.top
}
