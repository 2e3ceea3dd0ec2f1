import { TokenscopeError } from '../errors.ts'

export interface StopMatcher {
  /** Takes new text; returns what cannot belong to a stop string, and whether one has ended the text. */
  push(text: string): { text: string; stopped: boolean }
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

/** Ends a streamed text before the first stop string, of which nothing is ever let out. Throws `bad-argument` on ''. */
export function createStopMatcher(stops: readonly string[]): StopMatcher {
  if (stops.includes('')) {
    throw new TokenscopeError('bad-argument', 'A stop string is empty; expected at least one character.', {
      hint: 'Remove the empty stop string.',
    })
  }
  let held = ''
  return {
    push(text) {
      const all = held + text
      const match = firstMatch(all, stops)
      held = ''
      if (match !== null) return { text: all.slice(0, match), stopped: true }
      const keep = heldLength(all, stops)
      held = all.slice(all.length - keep)
      return { text: all.slice(0, all.length - keep), stopped: false }
    },
    flush() {
      const rest = held
      held = ''
      return rest
    },
  }
}
