import type { Explained, ExplainedToken } from '../../../text/inspect/types.ts'
import { BYTE_ALPHABET } from '../../../text/tokenBytes.ts'
import { groupStarts, visibleText } from '../../../state/characterGroups.ts'

/** Tokens that together make one piece of text, with their places. */
export interface TokenGroup {
  start: number
  tokens: readonly ExplainedToken[]
  text: string
}

export function tokenGroups({ tokens }: Explained): TokenGroup[] {
  const special = new Set(tokens.filter((token) => token.special).map(({ id }) => id))
  const starts = groupStarts(tokens, (id) => special.has(id))
  return starts.map((start, at) => {
    const members = tokens.slice(start, starts[at + 1] ?? tokens.length)
    return { start, tokens: members, text: members.map(({ text }) => text).join('') }
  })
}

const SCRIPTS = [
  ['Hangul', /\p{Script=Hangul}/u],
  ['Latin', /\p{Script=Latin}/u],
  ['Han', /\p{Script=Han}/u],
  ['Kana', /[\p{Script=Hiragana}\p{Script=Katakana}]/u],
  ['Cyrillic', /\p{Script=Cyrillic}/u],
  ['digits', /\p{N}/u],
  ['letters', /\p{L}/u],
] as const

export type ScriptName = (typeof SCRIPTS)[number][0] | 'other'

export interface ScriptMeasure {
  script: ScriptName
  tokens: number
  characters: number
}

/** Characters and tokens by script: a token counts for the first letter or digit of the text that it ends. */
export function scriptMeasures(explained: Explained): ScriptMeasure[] {
  const byScript = new Map<ScriptName, ScriptMeasure>()
  for (const { tokens, text } of tokenGroups(explained)) {
    if (text === '') continue
    const letter = /[\p{L}\p{N}]/u.exec(text)?.[0] ?? text
    const script = SCRIPTS.find(([, pattern]) => pattern.test(letter))?.[0] ?? 'other'
    const sum = byScript.get(script) ?? { script, tokens: 0, characters: 0 }
    byScript.set(script, {
      script,
      tokens: sum.tokens + tokens.length,
      characters: sum.characters + [...text].length,
    })
  }
  return [...byScript.values()].sort((a, b) => b.tokens - a.tokens)
}

export interface TextMeasure {
  tokens: number
  characters: number
  bytes: number
  /** Tokens that stand for what the vocabulary cannot spell. */
  unknown: number
}

export function textMeasure(explained: Explained, text: string): TextMeasure {
  // Special tokens that the text itself spells are none that stand for the unknown.
  const addedIds = new Set(
    explained.sections.flatMap((section) => (section.kind === 'added' ? [section.id] : [])),
  )
  return {
    tokens: explained.tokens.filter(({ template }) => !template).length,
    characters: [...text].length,
    bytes: new TextEncoder().encode(text).length,
    unknown: explained.tokens.filter(({ id, special, template }) => special && !template && !addedIds.has(id))
      .length,
  }
}

/** Jamo of the Hangul syllables of a text: 강 is ㄱ ㅏ ㅇ. Null without any. */
export function jamoOf(text: string): string | null {
  const syllables = text.match(/[가-힣]/g)
  return syllables === null
    ? null
    : syllables.map((one) => [...one.normalize('NFD')].map(letterOf).join(' ')).join(' · ')
}

const LEADING = 'ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ'
const VOWELS = 'ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ'
const TRAILING = 'ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ'

/** A conjoining jamo as the letter that stands by itself. */
function letterOf(jamo: string): string {
  const point = jamo.codePointAt(0) ?? 0
  return LEADING[point - 0x1100] ?? VOWELS[point - 0x1161] ?? TRAILING[point - 0x11a8] ?? jamo
}

/** Bytes as two hexadecimal digits each. */
export function hexOf(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ')
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A piece for reading: bytes as the characters they make, or as numbers where they make none. */
export function readablePiece(piece: string, byteLevel: boolean): string {
  const bytes = Array.from(piece, (character) => BYTE_ALPHABET.get(character))
  if (!byteLevel || bytes.includes(undefined)) return visibleText(piece)
  try {
    return visibleText(UTF8.decode(Uint8Array.from(bytes as number[])))
  } catch (error) {
    // Part of a character only.
    if (error instanceof TypeError) return hexOf(bytes as number[])
    throw error
  }
}
