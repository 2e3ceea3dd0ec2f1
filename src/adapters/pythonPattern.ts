import { TokenscopeError, type ErrorCode } from '../errors.ts'

/** A pattern of Python's `re` as JavaScript says it: the same whole texts match. */
export interface TranslatedPattern {
  source: string
  flags: 'u' | 'iu'
}

const MAX_LENGTH = 4096
const MAX_REPEAT = 1000

/** Ways in which a group opens. Nothing refers back to one, so none keeps what it took. */
const OPENS = /^\((?:(?!\?)|\?(?:[:=!]|<[=!]|P<[A-Za-z_]\w*>))/
const REPEATS = /^(?:[*+?]|\{(?!\})(\d*)(,?)(\d*)\})/
const FLAGS = /^(?:\(\?[aimsu]+\))*/
/** Hexadecimal digits behind an escape. */
const DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }
const CONTROLS: Readonly<Record<string, string>> = {
  a: '\\x07',
  t: '\\t',
  n: '\\n',
  v: '\\v',
  f: '\\f',
  r: '\\r',
}

const quoted = (letter: string): string => `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`

/**
 * Rewrites what the two languages say differently: named groups, `\A`, `\Z`, `$`, a dot, `{,n}`, brackets inside sets, flags at the
 * start. Back references, conditions, atomic groups, possessive repetitions and flags further in are refused by name. Whether what
 * is left is a pattern, RegExp says. Classes such as `\w` are those of ASCII, which modules are named in.
 *
 * @param field file and field the pattern stands in, for the messages.
 * @throws `bad-file` or `unsupported`, naming `field` and the character.
 */
export function translatePattern(text: string, field: string): TranslatedPattern {
  return new Translator(text, field).translate()
}

class Translator {
  readonly #text: string
  readonly #field: string
  readonly #flags: string
  /** What closes each open group. */
  readonly #closes: string[] = []
  #at = 0

  constructor(text: string, field: string) {
    this.#text = text
    this.#field = field
    this.#flags = this.#accept(FLAGS)?.[0] ?? ''
  }

  translate(): TranslatedPattern {
    const { length } = this.#text
    if (length > MAX_LENGTH) throw this.#fail(`${length} characters`, `at most ${MAX_LENGTH}`, 'bad-file')
    let source = ''
    while (this.#at < length) source += this.#part()
    return { source: `^(?:${source})$`, flags: this.#flags.includes('i') ? 'iu' : 'u' }
  }

  #part(): string {
    const repeat = this.#repeat()
    if (repeat !== null) return repeat
    const lines = this.#flags.includes('m')
    const letter = this.#letter()
    switch (letter) {
      case '(':
        return this.#open()
      case ')':
        return this.#close()
      case '[':
        return this.#set()
      case '\\':
        return this.#escape({ A: '^', Z: '$', b: '\\b', B: '\\B' })
      case '|':
        return '|'
      case '.':
        return this.#flags.includes('s') ? '[^]' : '[^\\n]'
      case '^':
        return lines ? '(?<![^\\n])' : '^'
      case '$':
        return lines ? '(?![^\\n])' : '(?=\\n?$)'
      default:
        return quoted(letter)
    }
  }

  #repeat(): string | null {
    const match = this.#accept(REPEATS)
    if (match === null) return null
    const [sign, from = '', comma = '', to = ''] = match
    if (this.#accept(/^\+/) !== null) throw this.#refuse('a possessive repetition')
    const [low, high] = [Number(from), comma === '' ? Number(from) : Number(to)]
    if (Math.max(low, high) > MAX_REPEAT)
      throw this.#fail(sign, `a repetition of at most ${MAX_REPEAT}`, 'bad-file')
    return sign.startsWith('{') ? `{${low}${comma}${to}}` : sign
  }

  #open(): string {
    this.#at -= 1
    const opens = this.#accept(OPENS)?.[0]
    if (opens === undefined) throw this.#refuse('a group that is neither plain, named nor looking around')
    const looks = /[=!]$/.test(opens)
    // JavaScript repeats nothing that looks around, unless it stands in a group.
    this.#closes.push(looks ? '))' : ')')
    return looks ? `(?:${opens}` : '(?:'
  }

  #close(): string {
    const closes = this.#closes.pop()
    if (closes === undefined) throw this.#fail("a ')'", "a '(' before it", 'bad-file')
    return closes
  }

  /** An escape, after its backslash; `places` are those that stand for a place. */
  #escape(places: Readonly<Record<string, string>> = {}): string {
    const letter = this.#letter()
    const digits = DIGITS[letter]
    if (digits !== undefined) {
      const code = Number.parseInt(this.#accept(new RegExp(`^[0-9a-fA-F]{${digits}}`))?.[0] ?? '', 16)
      if (code <= 0x10ffff) return `\\u{${code.toString(16)}}`
    }
    if (/^[dDwWsS]$/.test(letter)) return `\\${letter}`
    const translated = Object.hasOwn(places, letter) ? places[letter] : CONTROLS[letter]
    if (translated !== undefined) return translated
    if (letter !== '' && !/^[A-Za-z0-9]$/.test(letter)) return quoted(letter)
    throw this.#refuse(letter === '' ? 'a backslash at the end' : `the escape \\${letter}`)
  }

  /** A set such as `[a-z_.]`, after its bracket. */
  #set(): string {
    let source = this.#accept(/^\^/) === null ? '[' : '[^'
    for (let first = true; first || this.#accept(/^\]/) === null; first = false) {
      const letter = this.#letter()
      if (letter === '') return source
      source += letter === '\\' ? this.#escape({ b: '\\b' }) : letter === '-' && !first ? '-' : quoted(letter)
    }
    return `${source}]`
  }

  /** The next letter, or '' at the end; passes it. */
  #letter(): string {
    const code = this.#text.codePointAt(this.#at)
    const letter = code === undefined ? '' : String.fromCodePoint(code)
    this.#at += letter.length
    return letter
  }

  #accept(expression: RegExp): RegExpExecArray | null {
    const match = expression.exec(this.#text.slice(this.#at))
    this.#at += match?.[0].length ?? 0
    return match
  }

  #refuse(what: string): TokenscopeError {
    return this.#fail(what, 'groups, sets, repetitions, alternatives and looking around', 'unsupported')
  }

  #fail(what: string, expected: string, code: ErrorCode): TokenscopeError {
    const got = `${what} before character ${this.#at}`
    return new TokenscopeError(code, `${this.#field}: the pattern has ${got}, expected ${expected}.`, {
      hint: 'List the module names instead of a pattern.',
      details: { field: this.#field, pattern: this.#text.slice(0, 200), got, expected },
    })
  }
}
