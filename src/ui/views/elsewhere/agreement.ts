/** One alternative of a token; the id counts only where both sides have the same vocabulary. */
export interface Alternative {
  id: number
  text: string
  logprob: number
}

export interface WrittenToken extends Alternative {
  top: readonly Alternative[]
}

/** How far two predictions for one place are apart. */
export interface Divergence {
  /** KL(engine ‖ tab) in nats over the alternatives that both gave, each side scaled to them; null with fewer than two. */
  kl: number | null
  /** Probability of these alternatives at the engine. */
  mass: number
}

/** A place that both sides predicted behind the same text. */
export interface ComparedPlace extends Divergence {
  /** Index of the engine's token. */
  index: number
  far: string
  /** What the tab's model would have put there. */
  local: string
}

export interface Agreement {
  unit: 'tokens' | 'characters'
  agree: number
  /** Of the longer text. */
  count: number
  /** By token of each side: the other text has the same there. */
  same: { local: readonly boolean[]; far: readonly boolean[] }
  /** Where the texts part: the engine's text there; null when they are the same. */
  parted: string | null
}

type Key = (alternative: Alternative) => number | string

/** Alternatives match by id in one vocabulary, by text across two. */
export const keyOf = (shared: boolean): Key => (shared ? ({ id }) => id : ({ text }) => text)

/** The alternatives of a place with the written token among them, by key; the first of a key counts. */
function distribution(token: WrittenToken, key: Key): Map<number | string, number> {
  const probabilities = new Map<number | string, number>()
  for (const one of [...token.top, token])
    if (!Number.isNaN(one.logprob) && !probabilities.has(key(one)))
      probabilities.set(key(one), Math.exp(one.logprob))
  return probabilities
}

export function divergence(far: WrittenToken, local: WrittenToken, key: Key): Divergence {
  const [p, q] = [distribution(far, key), distribution(local, key)]
  const common = [...p].flatMap(([one, share]): [number, number][] => {
    const other = q.get(one)
    return other !== undefined && share > 0 && other > 0 ? [[share, other]] : []
  })
  const mass = common.reduce((sum, [share]) => sum + share, 0)
  const other = common.reduce((sum, [, share]) => sum + share, 0)
  // Scaled to one alternative both sides would be the same.
  if (common.length < 2) return { kl: null, mass: Math.min(1, mass) }
  const kl = common.reduce((sum, [a, b]) => sum + (a / mass) * Math.log(a / mass / (b / other)), 0)
  // Rounding leaves nothing below zero.
  return { kl: Math.max(0, kl), mass: Math.min(1, mass) }
}

const textOf = (tokens: readonly WrittenToken[]): string => tokens.map(({ text }) => text).join('')

/** Where each token begins and ends in its text, in UTF-16 units. */
function spansOf(tokens: readonly WrittenToken[]): { from: number; to: number }[] {
  let at = 0
  return tokens.map(({ text }) => ({ from: at, to: (at += text.length) }))
}

/** Both texts beside each other: by tokens in one vocabulary, else by characters. */
export function agreement(
  local: readonly WrittenToken[],
  far: readonly WrittenToken[],
  shared: boolean,
): Agreement {
  const [a, b] = [textOf(local), textOf(far)]
  const parting = [...b].findIndex((_, at) => a[at] !== b[at])
  const at = a === b ? -1 : parting === -1 ? b.length : parting
  const parted = at === -1 ? null : b.slice(at, at + 24)
  if (shared) {
    const isSame = (list: readonly WrittenToken[], other: readonly WrittenToken[]) =>
      list.map(({ id }, index) => other[index]?.id === id)
    const same = { local: isSame(local, far), far: isSame(far, local) }
    const agree = same.far.filter(Boolean).length
    return { unit: 'tokens', agree, count: Math.max(local.length, far.length), same, parted }
  }
  const matches = (list: readonly WrittenToken[], text: string, other: string) =>
    spansOf(list).map(({ from, to }) => text.slice(from, to) === other.slice(from, to))
  const same = { local: matches(local, a, b), far: matches(far, b, a) }
  const agree = Array.from({ length: b.length }, (_, unit) => a[unit] === b[unit]).filter(Boolean).length
  return { unit: 'characters', agree, count: Math.max(a.length, b.length), same, parted }
}

/** Places that both texts predict behind the same characters: their tokens begin there, and all before is equal. */
export function commonPlaces(
  local: readonly WrittenToken[],
  far: readonly WrittenToken[],
  key: Key,
): ComparedPlace[] {
  const [a, b] = [textOf(local), textOf(far)]
  const starts = new Map(spansOf(local).map(({ from }, index) => [from, index]))
  return spansOf(far).flatMap(({ from }, index): ComparedPlace[] => {
    const other = local[starts.get(from) ?? -1]
    const token = far[index]
    if (other === undefined || token === undefined || a.slice(0, from) !== b.slice(0, from)) return []
    return [{ index, far: token.text, local: other.text, ...divergence(token, other, key) }]
  })
}

/** Means over the places that have a divergence; null without any. */
export function meanDivergence(
  places: readonly ComparedPlace[],
): { kl: number; mass: number; count: number } | null {
  const measured = places.flatMap(({ kl, mass }) => (kl === null ? [] : [{ kl, mass }]))
  if (measured.length === 0) return null
  const mean = (of: (one: { kl: number; mass: number }) => number): number =>
    measured.reduce((sum, one) => sum + of(one), 0) / measured.length
  return { kl: mean(({ kl }) => kl), mass: mean(({ mass }) => mass), count: measured.length }
}
