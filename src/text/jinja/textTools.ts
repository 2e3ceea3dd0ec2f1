import { characters } from './pythonText.ts'
import { SPACE } from './lexer.ts'
import { fail } from './values.ts'

const SPACE_START = new RegExp(`^${SPACE}+`)
const SPACE_END = new RegExp(`${SPACE}+$`)
const WORD = new RegExp(`(?:(?!${SPACE})[\\s\\S])+`, 'g')
const FIRST_WORD = new RegExp(`^(?:(?!${SPACE})[\\s\\S])+`)
const BREAK = String.raw`\n\r\v\f\x1c-\x1e\x85\u2028\u2029`
const LINE = new RegExp(`[^${BREAK}]*(?:\\r\\n|[${BREAK}]|$)`, 'g')
const LINE_END = new RegExp(`(?:\\r\\n|[${BREAK}])$`)

export type StripSide = 'left' | 'right' | 'both'

/** `strip` and its relatives: white space, or any of the given characters. */
export function stripped(text: string, set: string | null, side: StripSide): string {
  if (set === null) {
    const start = side === 'right' ? text : text.replace(SPACE_START, '')
    return side === 'left' ? start : start.replace(SPACE_END, '')
  }
  const all = [...text]
  const wanted = new Set(set)
  let from = 0
  let to = all.length
  if (side !== 'right') while (from < to && wanted.has(all[from] ?? '')) from++
  if (side !== 'left') while (to > from && wanted.has(all[to - 1] ?? '')) to--
  return all.slice(from, to).join('')
}

/** `split(None)`: words between white space. Behind the last cut the rest keeps its white space at the end. */
function splitWords(text: string, limit: number): string[] {
  if (limit < 0) return text.match(WORD) ?? []
  const words: string[] = []
  let rest = stripped(text, null, 'left')
  while (words.length < limit && rest !== '') {
    const [word = ''] = FIRST_WORD.exec(rest) ?? []
    words.push(word)
    rest = stripped(rest.slice(word.length), null, 'left')
  }
  return rest === '' ? words : [...words, rest]
}

function reversedText(text: string): string {
  return [...text].toReversed().join('')
}

/** @param limit cuts at most; negative for any number */
export function split(text: string, separator: string | null, limit: number): string[] {
  if (separator === null) return splitWords(text, limit)
  if (separator === '') return fail('empty separator')
  const parts = text.split(separator)
  if (limit < 0 || parts.length <= limit + 1) return parts
  return [...parts.slice(0, limit), parts.slice(limit).join(separator)]
}

export function splitFromRight(text: string, separator: string | null, limit: number): string[] {
  if (separator === '') return fail('empty separator')
  if (limit < 0) return split(text, separator, -1)
  const back = split(reversedText(text), separator === null ? null : reversedText(separator), limit)
  return back.map(reversedText).toReversed()
}

export function splitLines(text: string, keepEnds = false): string[] {
  const lines = text.match(LINE)?.filter((line) => line !== '') ?? []
  return keepEnds ? lines : lines.map((line) => line.replace(LINE_END, ''))
}

export function replaced(text: string, from: string, to: string, limit: number): string {
  if (limit < 0) return from === '' ? between(text, to, Infinity) : text.split(from).join(to)
  if (from === '') return between(text, to, limit)
  const parts = text.split(from)
  const cuts = Math.min(limit, parts.length - 1)
  return [...parts.slice(0, cuts), parts.slice(cuts).join(from)].join(to)
}

/** Replacing nothing puts the new text before every character and at the end. */
function between(text: string, to: string, limit: number): string {
  const all = [...text]
  const out = all.map((character, i) => (i < limit ? to : '') + character).join('')
  return all.length < limit ? out + to : out
}

/** Fills a text up to a width in code points. */
export function padded(text: string, width: number, fill: string, side: 'left' | 'right' | 'center'): string {
  const missing = Math.max(0, width - characters(text).length)
  if (side === 'right') return text + fill.repeat(missing)
  if (side === 'left') return fill.repeat(missing) + text
  // CPython puts the odd one on the left where the width is odd too.
  const left = Math.floor(missing / 2) + (missing & width & 1)
  return fill.repeat(left) + text + fill.repeat(missing - left)
}

/** Position of a part between two places, in code points; -1 without one. */
export function find(text: string, part: string, from: number, to: number, last: boolean): number {
  const all = characters(text)
  const size = all.length
  const start = Math.max(0, from < 0 ? from + size : from)
  const end = Math.min(size, to < 0 ? to + size : to)
  if (start > size || end - start < 0) return -1
  const window = typeof all === 'string' ? all.slice(start, end) : all.slice(start, end).join('')
  const at = last ? window.lastIndexOf(part) : window.indexOf(part)
  if (at < 0) return -1
  return start + characters(window.slice(0, at)).length
}

export function count(text: string, part: string): number {
  return part === '' ? characters(text).length + 1 : text.split(part).length - 1
}

export function expandTabs(text: string, size: number): string {
  let column = 0
  return Array.from(text, (character) => {
    if (character === '\t') {
      const width = size > 0 ? size - (column % size) : 0
      column += width
      return ' '.repeat(width)
    }
    column = character === '\n' || character === '\r' ? 0 : column + 1
    return character
  }).join('')
}

export function zeroFilled(text: string, width: number): string {
  const sign = /^[-+]/.exec(text)?.[0] ?? ''
  return sign + padded(text.slice(sign.length), width - sign.length, '0', 'left')
}
