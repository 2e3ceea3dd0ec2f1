import { TokenscopeError } from '../errors.ts'
import { parsePattern, type PatternNode } from './patternSyntax.ts'

/** Positions of a text, 1 where one is in the set: [text.length + 1]. */
type Positions = Uint8Array

/** Positions times nodes visited in one match; real patterns need a few thousand. */
const MAX_WORK = 2_000_000

/**
 * A Python regular expression that module names are matched against.
 *
 * Only whether the whole text matches is asked, so every node maps the set of positions it may start at to the set it may
 * end at. That takes time polynomial in the text, whatever the pattern: nothing backtracks. Work is bounded besides.
 */
export class Pattern {
  readonly text: string
  readonly #root: PatternNode
  readonly #field: string

  /** @throws `bad-file` or `unsupported`, naming `field` and the character, for what cannot be read as a pattern. */
  constructor(text: string, field: string) {
    this.text = text
    this.#field = field
    this.#root = parsePattern(text, field)
  }

  /** As Python's `re.fullmatch`. @throws `bad-file` when the pattern needs more work than any real one. */
  matches(text: string): boolean {
    const start = new Uint8Array(text.length + 1)
    start[0] = 1
    return new Match(text, this.text, this.#field).run(this.#root, start)[text.length] === 1
  }
}

class Match {
  readonly #text: string
  readonly #pattern: string
  readonly #field: string
  #work = 0

  constructor(text: string, pattern: string, field: string) {
    this.#text = text
    this.#pattern = pattern
    this.#field = field
  }

  run(node: PatternNode, from: Positions): Positions {
    this.#work += from.length
    if (this.#work > MAX_WORK) throw this.#tooMuch()
    switch (node.kind) {
      case 'character':
        return this.#character(node.test, from)
      case 'sequence':
        return node.items.reduce((at, item) => this.run(item, at), from)
      case 'choice':
        return node.options.map((option) => this.run(option, from)).reduce(union)
      case 'repeat':
        return this.#repeat(node, from)
      case 'assertion':
        return from.map((present, at) => (present && node.test(this.#text, at) ? 1 : 0))
      case 'lookahead':
        return from.map((present, at) => (present && this.#ahead(node.item, at) !== node.negative ? 1 : 0))
    }
  }

  #character(test: (code: number) => boolean, from: Positions): Positions {
    const to = new Uint8Array(from.length)
    for (let at = 0; at < this.#text.length; at++) {
      if (from[at] === 1 && test(this.#text.charCodeAt(at))) to[at + 1] = 1
    }
    return to
  }

  #repeat({ item, min, max }: Extract<PatternNode, { kind: 'repeat' }>, from: Positions): Positions {
    let frontier = from
    for (let n = 0; n < min && frontier.includes(1); n++) frontier = this.run(item, frontier)
    const reached = frontier.slice()
    for (let n = min; n < max && frontier.includes(1); n++) {
      // Only positions not seen with fewer repetitions can lead anywhere new.
      frontier = this.run(item, frontier).map((present, at) => (present && !reached[at] ? 1 : 0))
      frontier.forEach((present, at) => {
        if (present) reached[at] = 1
      })
    }
    return reached
  }

  #ahead(item: PatternNode, at: number): boolean {
    const from = new Uint8Array(this.#text.length + 1)
    from[at] = 1
    return this.run(item, from).includes(1)
  }

  #tooMuch(): TokenscopeError {
    const got = JSON.stringify(this.#pattern.slice(0, 100))
    return new TokenscopeError('bad-file', `${this.#field} is ${got}, which takes too long to match.`, {
      hint: 'Nested repetitions make a pattern slow and the file may be hostile; list the module names instead.',
      details: { field: this.#field, got, expected: 'a pattern that matches quickly' },
    })
  }
}

function union(a: Positions, b: Positions): Positions {
  return a.map((present, at) => (present || b[at] ? 1 : 0))
}
