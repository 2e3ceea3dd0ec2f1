import { TokenscopeError, type ErrorCode } from '../errors.ts'

/** What of Python's `re` module names are matched with. Captures, flags, back references and lookbehind are refused. */
export type PatternNode =
  | { kind: 'character'; test: (code: number) => boolean }
  | { kind: 'sequence'; items: readonly PatternNode[] }
  | { kind: 'choice'; options: readonly [PatternNode, ...PatternNode[]] }
  /** Greedy and lazy are the same when only a full match is asked for. */
  | { kind: 'repeat'; item: PatternNode; min: number; max: number }
  | { kind: 'assertion'; test: (text: string, at: number) => boolean }
  | { kind: 'lookahead'; item: PatternNode; negative: boolean }

type CharacterTest = (code: number) => boolean

const MAX_LENGTH = 4096
const MAX_DEPTH = 32
const MAX_REPEAT = 1000

const isDigit: CharacterTest = (code) => code >= 48 && code <= 57
const isWord: CharacterTest = (code) =>
  isDigit(code) || code === 95 || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
const isSpace: CharacterTest = (code) => code === 32 || (code >= 9 && code <= 13)
const not =
  (test: CharacterTest): CharacterTest =>
  (code) =>
    !test(code)

/** Classes over ASCII, which module names are written in. */
const CLASSES: Readonly<Record<string, CharacterTest>> = {
  d: isDigit,
  D: not(isDigit),
  w: isWord,
  W: not(isWord),
  s: isSpace,
  S: not(isSpace),
}
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v' }

const atWordEdge = (text: string, at: number): boolean =>
  (at > 0 && isWord(text.charCodeAt(at - 1))) !== (at < text.length && isWord(text.charCodeAt(at)))
const ASSERTIONS: Readonly<Record<string, (text: string, at: number) => boolean>> = {
  b: atWordEdge,
  B: (text, at) => !atWordEdge(text, at),
  A: (_, at) => at === 0,
  Z: (text, at) => at === text.length,
}

/** @param field file and field the pattern stands in, for the messages. */
export function parsePattern(text: string, field: string): PatternNode {
  return new PatternParser(text, field).pattern()
}

class PatternParser {
  readonly #text: string
  readonly #field: string
  #at = 0
  #depth = 0

  constructor(text: string, field: string) {
    this.#text = text
    this.#field = field
  }

  pattern(): PatternNode {
    if (this.#text.length > MAX_LENGTH) {
      throw this.#fail(`${this.#text.length} characters long`, `at most ${MAX_LENGTH}`)
    }
    const node = this.#choice()
    if (this.#at < this.#text.length) throw this.#unexpected('the end, or an opening parenthesis before')
    return node
  }

  #choice(): PatternNode {
    if (++this.#depth > MAX_DEPTH) throw this.#unexpected(`at most ${MAX_DEPTH} levels of parentheses`)
    const first = this.#sequence()
    const rest: PatternNode[] = []
    while (this.#take('|')) rest.push(this.#sequence())
    this.#depth--
    return rest.length === 0 ? first : { kind: 'choice', options: [first, ...rest] }
  }

  #sequence(): PatternNode {
    const items: PatternNode[] = []
    while (this.#at < this.#text.length && this.#next() !== '|' && this.#next() !== ')') {
      items.push(this.#repeated(this.#atom()))
    }
    return { kind: 'sequence', items }
  }

  #repeated(item: PatternNode): PatternNode {
    const range = this.#range()
    if (!range) return item
    if (item.kind === 'assertion') throw this.#unexpected('something to repeat before a repetition')
    if (this.#take('+')) throw this.#refuse('a possessive repetition')
    this.#take('?')
    if (this.#range()) throw this.#unexpected('one repetition, not two in a row')
    return { kind: 'repeat', item, ...range }
  }

  #range(): { min: number; max: number } | null {
    if (this.#take('*')) return { min: 0, max: Infinity }
    if (this.#take('+')) return { min: 1, max: Infinity }
    if (this.#take('?')) return { min: 0, max: 1 }
    const braces = /^\{(?:(\d+)(,(\d*))?|,(\d+))\}/.exec(this.#text.slice(this.#at, this.#at + 32))
    if (!braces) return null
    const min = Number(braces[1] ?? 0)
    const upper = braces[4] ?? (braces[2] === undefined ? braces[1] : braces[3])
    const max = upper === '' || upper === undefined ? Infinity : Number(upper)
    if (min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT) || max < min) {
      throw this.#unexpected(`a repetition of at most ${MAX_REPEAT}`)
    }
    this.#at += braces[0].length
    return { min, max }
  }

  #atom(): PatternNode {
    const character = this.#next()
    this.#at++
    switch (character) {
      case '(':
        return this.#group()
      case '[':
        return { kind: 'character', test: this.#set() }
      case '.':
        return { kind: 'character', test: (code) => code !== 10 }
      case '^':
        return { kind: 'assertion', test: (_, at) => at === 0 }
      case '$':
        return {
          kind: 'assertion',
          test: (text, at) => at === text.length || (at === text.length - 1 && text[at] === '\n'),
        }
      case '\\':
        return this.#escape()
      case '*':
      case '+':
      case '?':
        this.#at--
        throw this.#unexpected('something to repeat before it')
      default:
        return literal(character)
    }
  }

  #group(): PatternNode {
    let wrap = (item: PatternNode): PatternNode => item
    if (this.#take('?')) {
      if (this.#take('=')) wrap = (item) => ({ kind: 'lookahead', item, negative: false })
      else if (this.#take('!')) wrap = (item) => ({ kind: 'lookahead', item, negative: true })
      else if (!this.#take(':') && !this.#name()) {
        throw this.#refuse('a group that is neither plain, named nor a lookahead')
      }
    }
    const item = this.#choice()
    if (!this.#take(')')) throw this.#unexpected("')'")
    return wrap(item)
  }

  #name(): boolean {
    const name = /^P<\w+>/.exec(this.#text.slice(this.#at, this.#at + 100))
    this.#at += name?.[0].length ?? 0
    return name !== null
  }

  #escape(): PatternNode {
    const letter = this.#next()
    const assertion = Object.hasOwn(ASSERTIONS, letter) ? ASSERTIONS[letter] : undefined
    if (!assertion) return { kind: 'character', test: this.#escapedCharacter().test }
    this.#at++
    return { kind: 'assertion', test: assertion }
  }

  /** The part of an escape behind the backslash; `code` is null for a class such as `\d`. */
  #escapedCharacter(): { test: CharacterTest; code: number | null } {
    const letter = this.#next()
    this.#at++
    const test = Object.hasOwn(CLASSES, letter) ? CLASSES[letter] : undefined
    if (test) return { test, code: null }
    const plain = Object.hasOwn(CONTROLS, letter)
      ? CONTROLS[letter]
      : /^[^A-Za-z0-9]$/.test(letter)
        ? letter
        : null
    if (plain === null || plain === undefined) {
      this.#at -= 2
      throw this.#refuse(letter === '' ? 'a backslash at the end' : `the escape \\${letter}`)
    }
    const code = plain.charCodeAt(0)
    return { test: (other) => other === code, code }
  }

  /** A set such as `[a-z_.]`, after its bracket. */
  #set(): CharacterTest {
    const negated = this.#take('^')
    const tests: CharacterTest[] = []
    for (;;) {
      if (this.#at >= this.#text.length) throw this.#unexpected("']'")
      if (tests.length > 0 && this.#take(']')) break
      const first = this.#setItem()
      const ranged = this.#next() === '-' && this.#text[this.#at + 1] !== ']'
      if (!ranged) {
        tests.push(first.test)
        continue
      }
      this.#at++
      const low = first.code
      const high = this.#setItem().code
      if (low === null || high === null || high < low) throw this.#unexpected('a range from low to high')
      tests.push((code) => code >= low && code <= high)
    }
    const inside: CharacterTest = (code) => tests.some((test) => test(code))
    return negated ? not(inside) : inside
  }

  #setItem(): { test: CharacterTest; code: number | null } {
    if (this.#take('\\')) return this.#escapedCharacter()
    if (this.#at >= this.#text.length) throw this.#unexpected("']'")
    const code = this.#next().charCodeAt(0)
    this.#at++
    return { test: (other) => other === code, code }
  }

  #next(): string {
    return this.#text[this.#at] ?? ''
  }

  #take(character: string): boolean {
    if (this.#next() !== character) return false
    this.#at++
    return true
  }

  #unexpected(expected: string): TokenscopeError {
    const rest = this.#text.slice(this.#at, this.#at + 20)
    return this.#fail(
      `${rest === '' ? 'at its end' : JSON.stringify(rest)} at character ${this.#at}`,
      expected,
    )
  }

  #refuse(what: string): TokenscopeError {
    const where = `${what} at character ${this.#at}`
    return this.#fail(where, 'groups, sets, repetitions, alternatives and lookahead', 'unsupported')
  }

  #fail(got: string, expected: string, code: ErrorCode = 'bad-file'): TokenscopeError {
    return new TokenscopeError(code, `${this.#field}: the pattern has ${got}, expected ${expected}.`, {
      hint: 'List the module names instead of a pattern.',
      details: { field: this.#field, pattern: this.#text.slice(0, 200), got, expected },
    })
  }
}

function literal(character: string): PatternNode {
  const code = character.charCodeAt(0)
  return { kind: 'character', test: (other) => other === code }
}
