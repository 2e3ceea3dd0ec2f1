import { TokenscopeError } from '../errors.ts'
import { parsePattern, type PatternNode } from './patternSyntax.ts'

/** Positions of a text, 1 where one is in the set: [text.length + 1]. */
type Positions = Uint8Array

/** Positions times nodes that all patterns of a config may visit together, about half a second. A long pattern over 560 modules takes 3 %. */
const MAX_WORK = 50_000_000

/** The work left for the patterns of one config. */
export class PatternBudget {
  left = MAX_WORK
}

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
  readonly #budget: PatternBudget

  /** @throws `bad-file` or `unsupported`, naming `field` and the character, for what cannot be read as a pattern. */
  constructor(text: string, field: string, budget = new PatternBudget()) {
    this.text = text
    this.#field = field
    this.#budget = budget
    this.#root = parsePattern(text, field)
  }

  /** As Python's `re.fullmatch`. @throws `bad-file` when the pattern needs more work than any real one. */
  matches(text: string): boolean {
    const start = new Uint8Array(text.length + 1)
    start[0] = 1
    return new Match(text, this, this.#field, this.#budget).run(this.#root, start)[text.length] === 1
  }
}

class Match {
  readonly #text: string
  readonly #pattern: Pattern
  readonly #field: string
  readonly #budget: PatternBudget

  constructor(text: string, pattern: Pattern, field: string, budget: PatternBudget) {
    this.#text = text
    this.#pattern = pattern
    this.#field = field
    this.#budget = budget
  }

  run(node: PatternNode, from: Positions): Positions {
    this.#budget.left -= from.length
    if (this.#budget.left < 0) throw this.#tooMuch()
    switch (node.kind) {
      case 'character':
        return this.#character(node.test, from)
      case 'sequence':
        return this.#sequence(node.items, from)
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

  #sequence(items: readonly PatternNode[], from: Positions): Positions {
    let at = from
    for (const item of items) {
      if (!at.includes(1)) break
      at = this.run(item, at)
    }
    return at
  }

  #character(test: (code: number) => boolean, from: Positions): Positions {
    const to = new Uint8Array(from.length)
    for (let at = 0; at < this.#text.length; at++) {
      if (from[at] === 1 && test(this.#text.charCodeAt(at))) to[at + 1] = 1
    }
    return to
  }

  #repeat({ item, min, max }: Extract<PatternNode, { kind: 'repeat' }>, from: Positions): Positions {
    if (item.kind === 'character' && min === 0 && max === Infinity) return this.#run(item.test, from)
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

  /** Any number of one kind of character, such as `.*`. */
  #run(test: (code: number) => boolean, from: Positions): Positions {
    const reached = from.slice()
    for (let at = 0; at < this.#text.length; at++) {
      if (reached[at] === 1 && test(this.#text.charCodeAt(at))) reached[at + 1] = 1
    }
    return reached
  }

  #ahead(item: PatternNode, at: number): boolean {
    const from = new Uint8Array(this.#text.length + 1)
    from[at] = 1
    return this.run(item, from).includes(1)
  }

  #tooMuch(): TokenscopeError {
    const got = JSON.stringify(this.#pattern.text.slice(0, 100))
    return new TokenscopeError('bad-file', `${this.#field} is ${got}, which takes too long to match.`, {
      hint: 'Nested repetitions make a pattern slow and the file may be hostile; list the module names instead.',
      details: { field: this.#field, got, expected: 'a pattern that matches quickly' },
    })
  }
}

function union(a: Positions, b: Positions): Positions {
  return a.map((present, at) => (present || b[at] ? 1 : 0))
}
