import type { GeneratedToken, DraftModel, Proposal, SpeculatedRound } from '../api/model.ts'

/** Most proposals of a round. */
export const MAX_AHEAD = 7
export const DRAFT_KINDS = [
  'prompt-lookup',
  'q4_0',
  'first-layers',
] as const satisfies readonly DraftModel['kind'][]

/** A place in the rounds: a proposal of a round, or behind them the model's own token. */
export interface RoundPlace {
  round: number
  slot: number
}

/** One place of a round: what the draft model proposed, and what became text there. */
export interface RoundSlot {
  /** Null behind the last proposal. */
  proposal: Proposal | null
  /** Null where the text went on without this place. */
  token: GeneratedToken | null
}

/** What a run came to. */
export interface RoundTotals {
  tokens: number
  proposed: number
  accepted: number
  draftMs: number
  modelMs: number
}

export function slotsOf({ proposals, tokens }: SpeculatedRound): RoundSlot[] {
  const slots = proposals.map((proposal, i): RoundSlot => ({ proposal, token: tokens[i] ?? null }))
  const targetToken = tokens[proposals.length]
  return targetToken === undefined ? slots : [...slots, { proposal: null, token: targetToken }]
}

export function totalsOf(rounds: readonly SpeculatedRound[]): RoundTotals {
  const proposals = rounds.flatMap((round) => round.proposals)
  const count = (outcome: Proposal['outcome']): number =>
    proposals.filter((proposal) => proposal.outcome === outcome).length
  const sum = (of: (round: SpeculatedRound) => number): number =>
    rounds.reduce((total, round) => total + of(round), 0)
  return {
    tokens: sum(({ tokens }) => tokens.length),
    proposed: proposals.length,
    accepted: count('accepted'),
    draftMs: sum(({ draftMs }) => draftMs),
    modelMs: sum(({ modelMs }) => modelMs),
  }
}
