/** Python's questions about the characters of a text. */

import { SPACE } from './lexer.ts'

const every = (pattern: RegExp) => (text: string) => text !== '' && pattern.test(text)
const CASED = /[\p{Lu}\p{Ll}\p{Lt}]/u

export const isAlnum = every(/^[\p{L}\p{N}]+$/u)
export const isAlpha = every(/^\p{L}+$/u)
export const isDecimal = every(/^\p{Nd}+$/u)
/** Superscripts count as digits. */
export const isDigit = every(/^[\p{Nd}\u00b2\u00b3\u00b9\u2070\u2074-\u2089\u2460-\u2468]+$/u)
export const isNumeric = every(/^\p{N}+$/u)
export const isSpace = every(new RegExp(`^${SPACE}+$`))
export const isIdentifier = every(/^[\p{ID_Start}_][\p{ID_Continue}]*$/u)
export const isAscii = (text: string): boolean => Array.from(text).every((c) => c <= '\x7f')
export const isPrintable = (text: string): boolean => !/(?! )[\p{C}\p{Z}]/u.test(text)
export const isLower = (text: string): boolean => CASED.test(text) && !/[\p{Lu}\p{Lt}]/u.test(text)
export const isUpper = (text: string): boolean => CASED.test(text) && !/[\p{Ll}\p{Lt}]/u.test(text)
export const isTitle = (text: string): boolean => CASED.test(text) && titled(text) === text

/** First letter of every run of letters in upper case, the rest in lower, as `str.title`. */
export function titled(text: string): string {
  let inWord = false
  return Array.from(text, (character) => {
    const result = inWord ? character.toLowerCase() : character.toUpperCase()
    inWord = CASED.test(character)
    return result
  }).join('')
}

export function capitalized(text: string): string {
  const [first = '', ...rest] = text
  return first.toUpperCase() + rest.join('').toLowerCase()
}

export function swappedCase(text: string): string {
  return Array.from(text, (c) => (c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase())).join('')
}
