import { groupStarts, type GroupedToken } from './characterGroups.ts'
import type { TokenLog } from './tokenLog.ts'

const ABOVE = '⁰¹²³⁴⁵⁶⁷⁸⁹'
const BELOW = '₀₁₂₃₄₅₆₇₈₉'

const digits = (value: number, of: string): string =>
  [...String(value)].map((digit) => of[Number(digit)] ?? '').join('')

/**
 * Texts for views that show tokens one by one: of several that make one character each gets the character and which part of it the
 * token is, 강¹⁄₃ 강²⁄₃ 강³⁄₃. `isTextless` says which ids stand for no text.
 */
export function labelTokenParts(
  tokens: readonly GroupedToken[],
  isTextless: (id: number) => boolean,
): string[] {
  const starts = groupStarts(tokens, isTextless)
  return starts.flatMap((start, group) => {
    const members = tokens.slice(start, starts[group + 1] ?? tokens.length)
    const text = members.map(({ text }) => text).join('')
    // A character that is still being written has no name yet.
    if (members.length === 1 || text === '') return members.map(({ text }) => text)
    return members.map((_, at) => `${text}${digits(at + 1, ABOVE)}\u2044${digits(members.length, BELOW)}`)
  })
}

/** What tokens without a text of their own are called. */
export interface TextlessNames {
  /** The one that begins a text. */
  begin: string
  end: string
}

const NO_NAMES: TextlessNames = { begin: '', end: '' }

/** Those of the first `rows` tokens of the text on the page; empty until they are known, and for those without a text and a name. */
export function labelRows(log: TokenLog, rows: number, names = NO_NAMES): string[] {
  const { promptIds, promptTexts, tokens, bosId } = log
  // Before the prompt's texts have come, all of it would look like one character.
  const given = promptTexts.length === promptIds.length ? promptTexts : null
  const read = promptIds.map((id, at) => ({ id, text: given?.[at] ?? '' }))
  const isTextless = (id: number): boolean => id === bosId || log.isEnd(id)
  const labels = [
    ...(given === null ? read.map(() => '') : labelTokenParts(read, isTextless)),
    ...labelTokenParts(tokens, isTextless),
  ]
  const nameOf = (row: number): string => {
    const id = promptIds[row] ?? tokens[row - promptIds.length]?.id
    if (id === undefined || (given === null && row < promptIds.length)) return ''
    return row === 0 && id === bosId ? names.begin : log.isEnd(id) ? names.end : ''
  }
  return Array.from({ length: rows }, (_, row) => labels[row] || nameOf(row))
}
