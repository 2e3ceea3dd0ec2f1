import { nucleusCovered, sampleStages } from '../decode/samplers.ts'
import type { GeneratedToken, SamplingOptions } from '../api/model.ts'

/** One line of the logits panel. */
export interface CandidateRow {
  id: number
  /** Null when the text was not captured with the run and has to be looked up. */
  text: string | null
  /** Probability in the view that is shown; 0 for an excluded token. */
  probability: number
  /** Natural log of the model's own probability, before filters. */
  logprob: number
  chosen: boolean
  /** Cut by a filter; only in the view after filters. */
  excluded: boolean
}

export interface CandidateTable {
  rows: CandidateRow[]
  /** Everything not among `rows`; probability in the shown view. */
  rest: { count: number; probability: number }
  /** Tokens with a chance in the shown view. */
  kept: number
  /** Of the shown view, in bits; null when only the top was captured. */
  entropyBits: number | null
  /** 1-based place of the chosen token in the model's own order; null when it is outside what was captured. */
  chosenRank: number | null
}

/** The model's own distribution over the whole vocabulary, computed once per token. */
export interface Distribution {
  /** Natural logs, [vocab]. */
  logprobs: Float64Array
  /** Ids by descending probability, ties to the lowest id. */
  order: Uint32Array
  entropyBits: number
  /** Logits that were no number; they count as impossible. */
  notNumbers: number
}

export function distributionOf(logits: Float32Array): Distribution {
  let top = -Infinity
  let notNumbers = 0
  for (const logit of logits) {
    if (Number.isNaN(logit)) notNumbers += 1
    else if (logit > top) top = logit
  }
  let sum = 0
  for (const logit of logits) if (!Number.isNaN(logit)) sum += Math.exp(logit - top)
  const shift = top + Math.log(sum)
  const logprobs = Float64Array.from(logits, (logit) => (Number.isNaN(logit) ? -Infinity : logit - shift))
  let entropy = 0
  for (const logprob of logprobs) if (logprob > -Infinity) entropy -= Math.exp(logprob) * logprob
  const order = Uint32Array.from(logprobs, (_, id) => id)
  order.sort((a, b) => logprobs[b]! - logprobs[a]! || a - b)
  return { logprobs, order, entropyBits: entropy / Math.LN2, notNumbers }
}

export interface TableRequest {
  token: GeneratedToken
  vocab: number
  /** Null while only what the run captured is known. */
  distribution: Distribution | null
  logits: Float32Array | null
  limit: number
}

/** The model's own probabilities: the most probable tokens, and the chosen one wherever it stands. */
export function tableBeforeFilters({ token, vocab, distribution, limit }: TableRequest): CandidateTable {
  const texts = capturedTexts(token)
  const ranked = distribution === null ? token.top.map(({ id }) => id) : distribution.order
  const logprobOf = capturedLogprobs(token, distribution)
  const shown = Array.from(ranked.slice(0, limit))
  if (!shown.includes(token.id)) shown.push(token.id)
  const rows = shown.map((id) => ({
    id,
    text: texts.get(id) ?? null,
    probability: Math.exp(logprobOf(id)),
    logprob: logprobOf(id),
    chosen: id === token.id,
    excluded: false,
  }))
  const place = ranked.indexOf(token.id)
  return {
    rows,
    rest: { count: vocab - rows.length, probability: restOf(rows) },
    kept: vocab,
    entropyBits: distribution?.entropyBits ?? null,
    chosenRank: place === -1 ? null : place + 1,
  }
}

/**
 * Probabilities after penalty, temperature and filters. Excluded tokens of the model's own top stay, with 0.
 * Null when what was captured does not determine the filtered set.
 */
export function tableAfterFilters(
  request: TableRequest,
  options: SamplingOptions,
  seenIds: readonly number[],
): CandidateTable | null {
  const { token, vocab, distribution, limit } = request
  const source = filterSource(request)
  if (source === null) return null
  const context = { seenIds, random: token.random ?? 0 }
  if (!(source instanceof Float32Array) && !nucleusCovered(source, options, { seenIds })) return null
  const stages = sampleStages(source, options, context)
  const texts = capturedTexts(token)
  const logprobOf = capturedLogprobs(token, distribution)
  const survivors = Array.from(stages.ids.slice(0, limit), (id, index) => ({
    id,
    probability: stages.probabilities[index] ?? 0,
    excluded: false,
  }))
  const alive = new Set(stages.ids)
  const ranked =
    distribution === null ? token.top.map(({ id }) => id) : Array.from(distribution.order.slice(0, limit))
  const cut = ranked.filter((id) => !alive.has(id)).slice(0, Math.max(0, limit - survivors.length))
  const shown = [...survivors, ...cut.map((id) => ({ id, probability: 0, excluded: true }))]
  if (!shown.some(({ id }) => id === token.id)) {
    const index = stages.ids.indexOf(token.id)
    shown.push({ id: token.id, probability: stages.probabilities[index] ?? 0, excluded: index === -1 })
  }
  const rows = shown.map((row) => ({
    ...row,
    text: texts.get(row.id) ?? null,
    logprob: logprobOf(row.id),
    chosen: row.id === token.id,
  }))
  const beforeFilters = tableBeforeFilters(request)
  return {
    rows,
    rest: { count: vocab - rows.length, probability: restOf(rows) },
    kept: stages.ids.length,
    entropyBits: entropyBits(stages.probabilities),
    chosenRank: beforeFilters.chosenRank,
  }
}

/** Full logits, or what the run captured: log-probabilities are logits whose log-sum-exp is 0. */
function filterSource({ token, vocab, logits }: TableRequest) {
  if (logits !== null) return logits
  if (token.top.length === 0) return null
  return {
    ids: token.top.map(({ id }) => id),
    logits: token.top.map(({ logprob }) => logprob),
    logSumExp: 0,
    vocab,
  }
}

function capturedTexts(token: GeneratedToken): Map<number, string> {
  const texts = new Map(token.top.map(({ id, text }) => [id, text]))
  if (!texts.has(token.id)) texts.set(token.id, token.text)
  return texts
}

function capturedLogprobs(token: GeneratedToken, distribution: Distribution | null): (id: number) => number {
  if (distribution !== null) return (id) => distribution.logprobs[id] ?? -Infinity
  const captured = new Map(token.top.map(({ id, logprob }) => [id, logprob]))
  return (id) => (id === token.id ? token.logprob : (captured.get(id) ?? -Infinity))
}

function restOf(rows: readonly CandidateRow[]): number {
  return Math.max(0, 1 - rows.reduce((sum, row) => sum + row.probability, 0))
}

function entropyBits(probabilities: Float64Array): number {
  let entropy = 0
  for (const p of probabilities) if (p > 0) entropy -= p * Math.log2(p)
  return entropy
}
