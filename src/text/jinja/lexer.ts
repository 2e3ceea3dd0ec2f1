import { TemplateFault } from './values.ts'

export type TokenType =
  'data' | 'open' | 'close' | 'begin' | 'end' | 'name' | 'string' | 'int' | 'float' | 'op' | 'eof'

/** `open`/`close` stand for `{{`/`}}`, `begin`/`end` for `{%`/`%}`. */
export interface Token {
  type: TokenType
  value: string
  line: number
}

/** White space as Python's regular expressions and `str.strip` know it. */
export const SPACE = String.raw`[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]`
const SPACES = new RegExp(`${SPACE}+`, 'y')
const TRAILING = new RegExp(`${SPACE}+$`)
const ONLY_SPACES = new RegExp(`^${SPACE}*$`)

const TAG = new RegExp(
  String.raw`\{%(?<raw>[-+]?)${SPACE}*raw${SPACE}*(?:-%\}${SPACE}*|%\})|(?<tag>\{%|\{#|\{\{)(?<sign>[-+]?)`,
  'g',
)
const COMMENT_END = new RegExp(String.raw`\+#\}|-#\}${SPACE}*|#\}\n?`, 'g')
const RAW_END = new RegExp(
  String.raw`\{%(?<sign>[-+]?)${SPACE}*endraw${SPACE}*(?:\+%\}|-%\}${SPACE}*|%\}\n?)`,
  'g',
)
const BLOCK_END = new RegExp(String.raw`\+%\}|-%\}${SPACE}*|%\}\n?`, 'y')
const VARIABLE_END = new RegExp(String.raw`-\}\}${SPACE}*|\}\}`, 'y')
const FLOAT = /(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy
const INTEGER = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy
const NAME = /[\p{L}\p{N}\p{Pc}\p{M}]+/uy
const STRING = /'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"/sy
const OPERATOR = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}><=.:|,;]/y
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }

const ESCAPE = /\\(?:\n|([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|N\{[^}]*\}|([\s\S]))/g
const PLAIN_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** A string literal's text; an unknown escape stays as it is written, as in Python. */
function unescape(body: string, line: number): string {
  return body.replace(
    ESCAPE,
    (match, octal?: string, x?: string, u?: string, long?: string, other?: string) => {
      const hex = x ?? u ?? long
      if (octal !== undefined) return String.fromCodePoint(parseInt(octal, 8))
      if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16))
      if (other === undefined) {
        if (match === '\\\n') return ''
        throw new TemplateFault('unsupported', `the escape ${match} is not supported here`, line)
      }
      if ('xuUN'.includes(other)) throw new TemplateFault('syntax', `the escape ${match} is cut off`, line)
      return PLAIN_ESCAPES[other] ?? match
    },
  )
}

/** Line ends are one newline each, and the one at the end of the template goes. */
export function normalizedSource(source: string): string {
  return source.replace(/\r\n|\r/g, '\n').replace(/\n$/, '')
}

/** Splits a template as Jinja does with `trim_blocks` and `lstrip_blocks`. */
class Lexer {
  readonly tokens: Token[] = []
  readonly #source: string
  #at = 0
  #line = 1
  /** Whether the text before the next tag begins a line. */
  #lineStarts = true

  constructor(source: string) {
    this.#source = normalizedSource(source)
  }

  run(): Token[] {
    while (this.#at < this.#source.length) this.#text()
    this.#push('eof', '')
    return this.tokens
  }

  #push(type: TokenType, value: string): void {
    this.tokens.push({ type, value, line: this.#line })
  }

  #fail(message: string): never {
    throw new TemplateFault('syntax', message, this.#line)
  }

  /** Goes on to a place, counting the lines passed. */
  #advance(to: number): void {
    for (
      let i = this.#source.indexOf('\n', this.#at);
      i >= 0 && i < to;
      i = this.#source.indexOf('\n', i + 1)
    ) {
      this.#line++
    }
    this.#lineStarts = to > 0 && this.#source[to - 1] === '\n'
    this.#at = to
  }

  /** Text before a tag, less what the tag's sign or its being a block takes away. */
  #data(text: string, sign: string, isBlock: boolean): void {
    let kept = text
    if (sign === '-') kept = text.replace(TRAILING, '')
    else if (sign !== '+' && isBlock) {
      const lineStart = text.lastIndexOf('\n') + 1
      const begins = lineStart > 0 || this.#lineStarts
      if (begins && ONLY_SPACES.test(text.slice(lineStart))) kept = text.slice(0, lineStart)
    }
    if (kept !== '') this.#push('data', kept)
  }

  #text(): void {
    TAG.lastIndex = this.#at
    const match = TAG.exec(this.#source)
    if (match === null) {
      this.#push('data', this.#source.slice(this.#at))
      this.#advance(this.#source.length)
      return
    }
    const { raw, tag, sign } = match.groups ?? {}
    this.#data(this.#source.slice(this.#at, match.index), raw ?? sign ?? '', tag !== '{{')
    this.#advance(TAG.lastIndex)
    if (tag === undefined) this.#raw()
    else if (tag === '{#') this.#comment()
    else this.#tag(tag === '{{')
  }

  #comment(): void {
    COMMENT_END.lastIndex = this.#at
    if (!COMMENT_END.test(this.#source)) this.#fail('Missing end of comment tag')
    this.#advance(COMMENT_END.lastIndex)
  }

  #raw(): void {
    RAW_END.lastIndex = this.#at
    const match = RAW_END.exec(this.#source)
    if (match === null) return this.#fail('Missing end of raw directive')
    this.#data(this.#source.slice(this.#at, match.index), match.groups?.['sign'] ?? '', true)
    this.#advance(RAW_END.lastIndex)
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at
    return pattern.exec(this.#source)?.[0] ?? null
  }

  #tag(isVariable: boolean): void {
    this.#push(isVariable ? 'open' : 'begin', isVariable ? '{{' : '{%')
    const end = isVariable ? VARIABLE_END : BLOCK_END
    const brackets: string[] = []
    for (;;) {
      const space = this.#match(SPACES)
      if (space !== null) this.#advance(this.#at + space.length)
      const closing = brackets.length === 0 ? this.#match(end) : null
      if (closing !== null) {
        this.#push(isVariable ? 'close' : 'end', closing)
        return this.#advance(this.#at + closing.length)
      }
      if (this.#at >= this.#source.length) {
        this.#fail(`unexpected end of template, expected '${isVariable ? '}}' : '%}'}'`)
      }
      this.#inside(brackets)
    }
  }

  #inside(brackets: string[]): void {
    const kinds: [TokenType, RegExp][] = [
      ['float', FLOAT],
      ['int', INTEGER],
      ['name', NAME],
      ['string', STRING],
      ['op', OPERATOR],
    ]
    for (const [type, pattern] of kinds) {
      const lexeme = this.#match(pattern)
      if (lexeme === null) continue
      if (type === 'op') this.#balance(lexeme, brackets)
      this.#push(type, type === 'string' ? unescape(lexeme.slice(1, -1), this.#line) : lexeme)
      return this.#advance(this.#at + lexeme.length)
    }
    this.#fail(`unexpected char '${String.fromCodePoint(this.#source.codePointAt(this.#at) ?? 0)}'`)
  }

  #balance(operator: string, brackets: string[]): void {
    const closing = CLOSING[operator]
    if (closing !== undefined) brackets.push(closing)
    else if (')]}'.includes(operator)) {
      const expected = brackets.pop()
      if (expected === undefined) this.#fail(`unexpected '${operator}'`)
      if (expected !== operator) this.#fail(`unexpected '${operator}', expected '${expected}'`)
    }
  }
}

/** Throws `TemplateFault` of kind `syntax` with the line. */
export function tokenize(source: string): Token[] {
  return new Lexer(source).run()
}
