import { invariant, TokenscopeError } from '../errors.ts'
import { Sandbox } from '../text/sandbox.ts'
import { translatePattern, type TranslatedPattern } from './pythonPattern.ts'

/** Milliseconds that all patterns of a config may take together. A long one over 560 modules takes one. */
const MATCH_LIMIT = 1000

/** A Python regular expression that names are matched against as a whole, as `re.fullmatch` does: see {@link matchPatterns}. */
export class ModulePattern {
  readonly text: string
  readonly field: string
  readonly translated: TranslatedPattern
  /** What was asked, and the answer. */
  #answers: ReadonlyMap<string, boolean> = new Map()

  /** @throws `bad-file` or `unsupported`, naming `field`, for what is not built. */
  constructor(text: string, field: string) {
    this.text = text
    this.field = field
    this.translated = translatePattern(text, field)
  }

  settle(answers: ReadonlyMap<string, boolean>): void {
    this.#answers = answers
  }

  /** For a name that {@link matchPatterns} was given. */
  matches(name: string): boolean {
    const answer = this.#answers.get(name)
    invariant(answer !== undefined, `${this.field} was not matched against ${name}`)
    return answer
  }
}

/**
 * Matches names against patterns from a file, in a thread that is ended when it takes too long: RegExp goes back over a text, and a
 * hostile pattern has it do so for years.
 *
 * @throws `bad-file` for what is no pattern, or takes longer than `limit` milliseconds.
 */
export async function matchPatterns(
  patterns: readonly ModulePattern[],
  names: readonly string[],
  limit = MATCH_LIMIT,
): Promise<void> {
  if (patterns.length === 0) return
  const sandbox = new Sandbox()
  try {
    const translated = patterns.map((pattern) => pattern.translated)
    const reply = await sandbox.run({ kind: 'match', patterns: translated, texts: [...names] }, limit)
    if (reply.status !== 'matches') throw tooMuch(patterns, limit)
    for (const [n, pattern] of patterns.entries()) {
      const answer = reply.results[n]
      if (typeof answer === 'string') throw unreadable(pattern, answer)
      pattern.settle(new Map(names.map((name, at) => [name, answer?.[at] === 1])))
    }
  } finally {
    sandbox.dispose()
  }
}

function unreadable({ text, field }: ModulePattern, why: string): TokenscopeError {
  const got = JSON.stringify(text.slice(0, 100))
  return new TokenscopeError('bad-file', `${field} is ${got}, expected a regular expression: ${why}.`, {
    hint: 'List the module names instead of a pattern.',
    details: { field, got, expected: 'a regular expression', why },
  })
}

function tooMuch(patterns: readonly ModulePattern[], limit: number): TokenscopeError {
  const fields = patterns.map(({ field }) => field)
  const some = `${fields.slice(0, 3).join(', ')}${fields.length > 3 ? ' …' : ''}`
  return new TokenscopeError('bad-file', `${some}: the pattern takes too long to match.`, {
    hint: 'Nested repetitions make a pattern slow and the file may be hostile; list the module names instead.',
    details: { fields: fields.slice(0, 20), got: patterns[0]?.text.slice(0, 200), limit },
  })
}
