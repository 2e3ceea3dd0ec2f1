import { TokenscopeError } from '../errors.ts'

export interface StopMatcher {
  /**
   * Takes new text; returns what cannot belong to a stop string, and whether one has ended the text. `isHidden`: the spelling of a
   * special token, which stop strings may name and the text does not show.
   */
  push(text: string, isHidden?: boolean): { text: string; stopped: boolean }
  /** The text held back when generation ends otherwise. */
  flush(): string
}

/** The match that a reader going character by character would meet first. */
function firstMatch(text: string, stops: readonly string[]): number | null {
  let start: number | null = null
  let end = Infinity
  for (const stop of stops) {
    const at = text.indexOf(stop)
    if (at < 0) continue
    const stopEnd = at + stop.length
    if (stopEnd < end || (stopEnd === end && at < (start ?? Infinity))) {
      start = at
      end = stopEnd
    }
  }
  return start
}

/** Length of the longest end of the text that begins some stop string. */
function heldLength(text: string, stops: readonly string[]): number {
  let longest = 0
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(stop.slice(0, length))) longest = length
    }
  }
  return longest
}

/** Places `[begin, end)` of a text that are not shown. */
type Hidden = readonly (readonly [begin: number, end: number])[]

/** `text[begin, end)` without what is hidden. */
function shown(text: string, hidden: Hidden, begin: number, end: number): string {
  let out = ''
  let at = begin
  for (const [from, to] of hidden) {
    out += text.slice(at, Math.max(at, Math.min(from, end)))
    at = Math.max(at, Math.min(to, end))
  }
  return out + text.slice(at, end)
}

/** Ends a streamed text before the first stop string, of which nothing is ever let out. Throws `bad-argument` on ''. */
export function createStopMatcher(stops: readonly string[]): StopMatcher {
  if (stops.includes('')) {
    throw new TokenscopeError('bad-argument', 'A stop string is empty; expected at least one character.', {
      hint: 'Remove the empty stop string.',
    })
  }
  let held = ''
  let hidden: Hidden = []
  return {
    push(text, isHidden = false) {
      const all = held + text
      const places: Hidden = isHidden && text !== '' ? [...hidden, [held.length, all.length]] : hidden
      const match = firstMatch(all, stops)
      const end = match ?? all.length - heldLength(all, stops)
      held = match === null ? all.slice(end) : ''
      hidden = places.flatMap(([from, to]) =>
        to > end ? [[Math.max(0, from - end), to - end] as const] : [],
      )
      return { text: shown(all, places, 0, end), stopped: match !== null }
    },
    flush() {
      const rest = shown(held, hidden, 0, held.length)
      held = ''
      hidden = []
      return rest
    },
  }
}
