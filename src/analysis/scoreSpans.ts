import type { ScoredToken } from '../api/model.ts'

/** What a span of a training text is for; only labels are learnt. */
export const ROLES = ['instruction', 'input', 'label'] as const
export type Role = (typeof ROLES)[number]

/** Characters [from, to) of a text. */
export interface TextSpan {
  from: number
  to: number
  role: Role
}

/** Gives a span a role, or none; what it covers of other spans is theirs no more. */
export function markSpan(
  spans: readonly TextSpan[],
  from: number,
  to: number,
  role: Role | null,
): readonly TextSpan[] {
  const kept = spans.flatMap((span) => [
    { ...span, to: Math.min(span.to, from) },
    { ...span, from: Math.max(span.from, to) },
  ])
  const all = role === null ? kept : [...kept, { from, to, role }]
  return all.filter((span) => span.from < span.to).sort((a, b) => a.from - b.from)
}

/** Spans after an edit of the text: what stands before and behind the changed span keeps its role. */
export function moveSpans(spans: readonly TextSpan[], oldText: string, newText: string): readonly TextSpan[] {
  const shorter = Math.min(oldText.length, newText.length)
  let start = 0
  while (start < shorter && oldText[start] === newText[start]) start += 1
  let end = 0
  while (end < shorter - start && oldText.at(-1 - end) === newText.at(-1 - end)) end += 1
  const growth = newText.length - oldText.length
  // A place inside the changed span moves to its end.
  const move = (at: number): number =>
    at <= start ? at : Math.max(start, Math.max(at, oldText.length - end) + growth)
  return spans
    .map((span) => ({ ...span, from: move(span.from), to: move(span.to) }))
    .filter(({ from, to }) => from < to)
}

/** A special token as it may be written out: `<|label|>`, `<s>`. */
const TAG = /<[^<>\s]{1,48}>/

/** Texts of the tokens as they stand in the source, where special tokens are written out; added ones have none. */
export function writtenTexts(
  source: string,
  ids: readonly number[],
  texts: readonly string[],
  special: readonly number[],
): string[] {
  const place = (added: boolean): string[] => {
    let at = 0
    return ids.map((id, row) => {
      const tag = special.includes(id) && !(added && row === 0) ? new RegExp(TAG, 'y') : null
      if (tag !== null) tag.lastIndex = at
      const text = tag?.exec(source)?.[0] ?? texts[row] ?? ''
      at += text.length
      return text
    })
  }
  const placed = place(false)
  const isComplete = ids.every((id, row) => placed[row] !== '' || !special.includes(id))
  return isComplete && placed.join('').length <= source.length ? placed : place(true)
}

/** Role of every token, by the span that its last character stands in. `texts` are those in the source, in order. */
export function spanRoles(texts: readonly string[], spans: readonly TextSpan[]): (Role | null)[] {
  let at = 0
  return texts.map((text, row) => {
    const from = at
    at += text.length
    if (row === 0 && text === '') return null
    // A token that only begins a character belongs with the one that ends it.
    const place = Math.max(from, at - 1)
    return spans.find((span) => span.from <= place && place < span.to)?.role ?? null
  })
}

/** Marks that open a span, as chat templates and instruction sets spell them. */
export const MARKERS: readonly { text: string; role: Role }[] = [
  { text: '<|instruction|>', role: 'instruction' },
  { text: '<|input|>', role: 'input' },
  { text: '<|label|>', role: 'label' },
  ...(
    [
      ['system', 'instruction'],
      ['user', 'input'],
      ['assistant', 'label'],
    ] as const
  ).flatMap(([name, role]) => [
    { text: `<|${name}|>`, role },
    { text: `<|im_start|>${name}\n`, role },
    { text: `<|start_header_id|>${name}<|end_header_id|>\n\n`, role },
  ]),
]

/** A marker as the ids it is read as. */
export interface MarkerIds {
  text: string
  ids: readonly number[]
  role: Role
}

/** Role of every token by the markers before it; markers themselves have the mark `marker`. */
export function markerRoles(
  ids: readonly number[],
  markers: readonly MarkerIds[],
): (Role | 'marker' | null)[] {
  const roles: (Role | 'marker' | null)[] = []
  let role: Role | null = null
  while (roles.length < ids.length) {
    const at = roles.length
    const match = markers.find(
      (marker) => marker.ids.length > 0 && marker.ids.every((id, i) => ids[at + i] === id),
    )
    if (match === undefined) roles.push(role)
    else {
      role = match.role
      roles.push(...match.ids.map(() => 'marker' as const))
    }
  }
  return roles
}

/**
 * Which tokens count: with labels, only those; without, all that are neither instruction nor input. Markers never do, nor does the
 * first token, which nothing predicts.
 */
export function countedTokens(roles: readonly (Role | 'marker' | null)[]): boolean[] {
  const hasLabels = roles.includes('label')
  return roles.map((role, row) => row > 0 && (hasLabels ? role === 'label' : role === null))
}

/** What a text's counted tokens add up to. Natural logs unless the name says bits. */
export interface ScoreTotals {
  counted: number
  /** Scored, but left out. */
  masked: number
  nats: number
  /** NaN while nothing counts. */
  meanNats: number
  perplexity: number
  /** UTF-8, of the counted tokens' texts; special tokens have none. */
  bytes: number
  bitsPerByte: number
}

/** Adds up the scored tokens that count. `texts` and `counted` are by row, the first token included. */
export function totalsOf(
  tokens: readonly ScoredToken[],
  texts: readonly string[],
  counted: readonly boolean[],
): ScoreTotals {
  const mine = tokens.filter(({ position }) => counted[position] === true)
  const nats = mine.reduce((sum, { logprob }) => sum - logprob, 0)
  const meanNats = nats / mine.length
  const text = mine.map(({ position }) => texts[position] ?? '').join('')
  const bytes = new TextEncoder().encode(text).length
  return {
    counted: mine.length,
    masked: tokens.length - mine.length,
    nats,
    meanNats,
    perplexity: Math.exp(meanNats),
    bytes,
    bitsPerByte: bytes === 0 ? NaN : nats / Math.LN2 / bytes,
  }
}
