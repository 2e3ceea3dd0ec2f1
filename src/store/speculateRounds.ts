import type { GeneratedToken, Guide, Proposal, SpeculatedRound } from '../api/model.ts'

/** Most proposals of a round. */
export const MOST_AHEAD = 7
export const GUIDES = ['prompt-lookup', 'q4_0', 'first-layers'] as const satisfies readonly Guide['kind'][]

/** A place in the lanes: a proposal of a round, or behind them the model's own token. */
export interface LanePlace {
  round: number
  slot: number
}

/** One place of a round: what the guide proposed, and what became text there. */
export interface Slot {
  /** Null behind the last proposal. */
  proposal: Proposal | null
  /** Null where the text went on without this place. */
  token: GeneratedToken | null
}

/** What a run came to. */
export interface Totals {
  tokens: number
  proposed: number
  accepted: number
  guideMs: number
  modelMs: number
}

export function slotsOf({ proposals, tokens }: SpeculatedRound): Slot[] {
  const slots = proposals.map((proposal, i): Slot => ({ proposal, token: tokens[i] ?? null }))
  const own = tokens[proposals.length]
  return own === undefined ? slots : [...slots, { proposal: null, token: own }]
}

export function totalsOf(rounds: readonly SpeculatedRound[]): Totals {
  const proposals = rounds.flatMap((round) => round.proposals)
  const count = (verdict: Proposal['verdict']): number =>
    proposals.filter((proposal) => proposal.verdict === verdict).length
  const sum = (of: (round: SpeculatedRound) => number): number =>
    rounds.reduce((total, round) => total + of(round), 0)
  return {
    tokens: sum(({ tokens }) => tokens.length),
    proposed: proposals.length,
    accepted: count('accepted'),
    guideMs: sum(({ guideMs }) => guideMs),
    modelMs: sum(({ modelMs }) => modelMs),
  }
}
