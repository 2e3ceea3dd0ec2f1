import type { AdapterScale, Model, PreferencePair, TrainExample } from '../../../../api/model.ts'
import { throwIfAborted } from '../../../../errors.ts'
import type { EncodedExample } from './encodeRecords.ts'
import type { Problem } from './records.ts'

/** An example that says which of two answers is to win. */
export type EncodedPreference = EncodedExample & Required<Pick<EncodedExample, 'rejected'>>

export const isPreference = (example: EncodedExample): example is EncodedPreference =>
  example.rejected !== undefined

interface Answered {
  ids: number[]
  prompt: string
}

/** What two answers are to. */
type Asked<P> = { chosen: P; rejected: P } & ({ prompt: P } | { asked: P })

/** Both answers of a preference behind what was asked, as `encode` reads it with what follows. */
export async function withAnswers<P, T extends Answered>(
  record: Asked<P>,
  encode: (asked: P, answer: P) => Promise<T | Problem>,
): Promise<(T & { answer: null; rejected: number[] }) | Problem> {
  const asked = 'asked' in record ? record.asked : record.prompt
  const [winner, loser] = await Promise.all([encode(asked, record.chosen), encode(asked, record.rejected)])
  if ('values' in winner) return winner
  return 'values' in loser ? loser : { ...winner, answer: null, rejected: loser.ids }
}

/** A preference as `train` takes it. */
export function pairOf({ ids, promptIds, rejected }: EncodedPreference): PreferencePair {
  const begin = promptIds.length
  return { prompt: promptIds, chosen: ids.slice(begin), rejected: rejected.ids.slice(begin) }
}

/** How far preferences are kept, by the rewards of their answers: β·(ln π − ln π of the reference). */
export interface HeldOutRewards {
  /** Mean of −ln σ(margin). */
  loss: number
  /** Mean of the chosen answer's reward less the rejected one's. */
  margin: number
  /** Share of positive margins. */
  accuracy: number
}

interface Scored {
  beta: number
  adapters: readonly AdapterScale[]
  /** The same without the adapter that learns. */
  reference: readonly AdapterScale[]
  signal: AbortSignal
}

/** Log-probability of the counted tokens of a text. */
async function logprobOf(
  model: Pick<Model, 'score'>,
  { ids, mask }: TrainExample,
  adapters: readonly AdapterScale[],
  signal: AbortSignal,
): Promise<number> {
  let sum = 0
  for await (const chunk of model.score(ids, { adapters, topLogprobs: 1, signal }))
    for (const { position, logprob } of chunk) if (mask[position] === 1) sum += logprob
  return sum
}

/** Rewards of preferences that were not learned from; null where there are none. */
export async function heldOutRewards(
  model: Pick<Model, 'score'>,
  preferences: readonly EncodedPreference[],
  { beta, adapters, reference, signal }: Scored,
): Promise<HeldOutRewards | null> {
  const margins: number[] = []
  for (const { ids, mask, rejected } of preferences) {
    const rewardOf = async (text: TrainExample): Promise<number> => {
      throwIfAborted(signal)
      const policyLogprob = await logprobOf(model, text, adapters, signal)
      return beta * (policyLogprob - (await logprobOf(model, text, reference, signal)))
    }
    margins.push((await rewardOf({ ids, mask })) - (await rewardOf(rejected)))
  }
  if (margins.length === 0) return null
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length
  return {
    loss: mean(margins.map((margin) => Math.log1p(Math.exp(-Math.abs(margin))) + Math.max(0, -margin))),
    margin: mean(margins),
    accuracy: mean(margins.map((margin) => (margin > 0 ? 1 : 0))),
  }
}
