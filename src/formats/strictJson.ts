import { badFile, recogniseForeign } from './badFile.ts'

/**
 * Objects have no prototype, so a key such as `__proto__` is a key like any other. Whole numbers outside ±(2⁵³ − 1) are
 * bigints: nothing is rounded silently.
 */
export type JsonValue = string | number | bigint | boolean | null | JsonValue[] | JsonObject
export interface JsonObject {
  [key: string]: JsonValue
}

const MAX_DEPTH = 64
const SPACE = /[ \t\n\r]*/y
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
/** Up to a quote, a backslash or a control character: the class begins at the space. */
const PLAIN = /[ !#-[\]-\uffff]*/y
const HEX = /[0-9a-fA-F]{4}/y
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

/**
 * Parses JSON (RFC 8259) from untrusted bytes and refuses what `JSON.parse` lets pass: duplicate keys, invalid UTF-8, hostile depth.
 * @throws `bad-file` naming the file and the path of the value.
 */
export function parseStrictJson(bytes: Uint8Array, file: string): JsonValue {
  const foreign = recogniseForeign(bytes)
  if (foreign) throw badFile(file, '', foreign.what, 'JSON', foreign.hint)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    const error = badFile(file, 'text', 'not valid UTF-8', 'UTF-8', 'Save the file as UTF-8 (not UTF-16).')
    error.cause = cause
    throw error
  }
  return new Parser(text, file).document()
}

class Parser {
  readonly #text: string
  readonly #file: string
  readonly #path: string[] = []
  #at = 0

  constructor(text: string, file: string) {
    this.#text = text
    this.#file = file
  }

  document(): JsonValue {
    const value = this.#value()
    this.#skipSpace()
    if (this.#at < this.#text.length) throw this.#unexpected('the end of the file')
    return value
  }

  #value(): JsonValue {
    this.#skipSpace()
    const first = this.#text[this.#at]
    if (first === '{') return this.#object()
    if (first === '[') return this.#array()
    if (first === '"') return this.#string()
    if (first === 't') return this.#word('true', true)
    if (first === 'f') return this.#word('false', false)
    if (first === 'n') return this.#word('null', null)
    return this.#number()
  }

  #object(): JsonObject {
    const object = Object.create(null) as JsonObject
    this.#items('}', () => {
      if (this.#text[this.#at] !== '"') throw this.#unexpected('a key in double quotes')
      const key = this.#string()
      this.#path.push(key)
      if (key in object) throw badFile(this.#file, this.#where(), 'there twice', 'one value per key')
      this.#skipSpace()
      this.#expect(':')
      object[key] = this.#value()
      this.#path.pop()
    })
    return object
  }

  #array(): JsonValue[] {
    const array: JsonValue[] = []
    this.#items(']', () => {
      this.#path.push(String(array.length))
      array.push(this.#value())
      this.#path.pop()
    })
    return array
  }

  /** The comma-separated inside of an object or array, from its opening bracket past its closing one. */
  #items(close: string, item: () => void): void {
    if (this.#path.length >= MAX_DEPTH) {
      throw badFile(this.#file, 'nesting', `deeper than ${MAX_DEPTH}`, `at most ${MAX_DEPTH} levels`)
    }
    this.#at++
    this.#skipSpace()
    if (this.#text[this.#at] === close) {
      this.#at++
      return
    }
    for (;;) {
      this.#skipSpace()
      item()
      this.#skipSpace()
      if (this.#text[this.#at] !== ',') break
      this.#at++
    }
    this.#expect(close)
  }

  #string(): string {
    this.#at++
    let value = this.#match(PLAIN)?.[0] ?? ''
    while (this.#text[this.#at] === '\\') {
      value += this.#escape() + (this.#match(PLAIN)?.[0] ?? '')
    }
    this.#expect('"')
    return value
  }

  #escape(): string {
    const letter = this.#text[this.#at + 1] ?? ''
    this.#at += 2
    if (letter === 'u') {
      const hex = this.#match(HEX)
      if (!hex) throw this.#unexpected('four hexadecimal digits')
      return String.fromCharCode(Number.parseInt(hex[0], 16))
    }
    const character = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined
    if (character === undefined) throw this.#unexpected('a JSON escape')
    return character
  }

  #number(): number | bigint {
    const match = this.#match(NUMBER)
    if (!match) throw this.#unexpected('a JSON value')
    const value = Number(match[0])
    const isInteger = match[1] === undefined && match[2] === undefined
    if (isInteger && !Number.isSafeInteger(value)) return this.#bigint(match[0])
    if (!Number.isFinite(value)) throw badFile(this.#file, this.#where(), match[0], 'a finite number')
    return value
  }

  #bigint(digits: string): bigint {
    // Converting thousands of digits takes quadratic time; no field needs more than 64 bits.
    if (digits.length > 40)
      throw badFile(this.#file, this.#where(), `a number of ${digits.length} digits`, 'at most 40')
    return BigInt(digits)
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected('a JSON value')
    this.#at += word.length
    return value
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match) this.#at = pattern.lastIndex
    return match
  }

  #skipSpace(): void {
    SPACE.lastIndex = this.#at
    SPACE.test(this.#text)
    this.#at = SPACE.lastIndex
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) throw this.#unexpected(`'${character}'`)
    this.#at++
  }

  #where(): string {
    return this.#path.join('.')
  }

  #unexpected(expected: string): Error {
    const rest = this.#text.slice(this.#at, this.#at + 12)
    const got = rest === '' ? 'the end of the file' : JSON.stringify(rest)
    return badFile(this.#file, this.#where() || 'JSON', `${got} at character ${this.#at}`, expected)
  }
}
