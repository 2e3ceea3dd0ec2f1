import type { CallArguments, ComparisonOperator, Expression } from './nodes.ts'
import type { Arithmetic } from './operators.ts'
import type { Token, TokenType } from './lexer.ts'
import { TemplateFault, unsupported } from './values.ts'

const CONSTANTS = new Map<string, boolean | null>([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
])
const COMPARISONS = new Set(['==', '!=', '<', '<=', '>', '>='])
const SPELLED: Partial<Record<TokenType, string>> = { close: '}}', end: '%}' }
const NOTHING: CallArguments = { args: [], keywords: [], spread: null, spreadKeywords: null }

/** Reads expressions with Jinja's own precedence: `not` under comparison, `~` over `+`, `**` over the sign's operand. */
export class ExpressionParser {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  protected get current(): Token {
    return this.#tokens[this.#at] ?? { type: 'eof', value: '', line: this.#tokens.at(-1)?.line ?? 1 }
  }

  protected fail(message: string, line = this.current.line): never {
    throw new TemplateFault('syntax', message, line)
  }

  protected next(): Token {
    const token = this.current
    this.#at++
    return token
  }

  protected is(type: TokenType, value?: string, ahead = 0): boolean {
    const token = this.#tokens[this.#at + ahead]
    return token?.type === type && (value === undefined || token.value === value)
  }

  protected skip(type: TokenType, value?: string): boolean {
    const matches = this.is(type, value)
    if (matches) this.#at++
    return matches
  }

  protected expect(type: TokenType, value?: string): Token {
    if (this.is(type, value)) return this.next()
    const { current } = this
    const got = current.type === 'eof' ? 'end of template' : `'${current.value}'`
    return this.fail(`unexpected ${got}, expected '${value ?? SPELLED[type] ?? type}'`)
  }

  /** An expression; without `condition`, one that ends before a trailing `if`. */
  expression(condition = true): Expression {
    return condition ? this.#condition() : this.#or()
  }

  #condition(): Expression {
    let value = this.#or()
    while (this.skip('name', 'if')) {
      const test = this.#or()
      const otherwise = this.skip('name', 'else') ? this.#condition() : null
      value = { type: 'condition', test, chosen: value, otherwise }
    }
    return value
  }

  #or(): Expression {
    let left = this.#and()
    while (this.skip('name', 'or')) left = { type: 'or', left, right: this.#and() }
    return left
  }

  #and(): Expression {
    let left = this.#not()
    while (this.skip('name', 'and')) left = { type: 'and', left, right: this.#not() }
    return left
  }

  #not(): Expression {
    return this.skip('name', 'not') ? { type: 'not', value: this.#not() } : this.#compare()
  }

  #comparison(): ComparisonOperator | null {
    const { type, value } = this.current
    if (type === 'op' && COMPARISONS.has(value)) {
      this.next()
      return value as ComparisonOperator
    }
    if (this.skip('name', 'in')) return 'in'
    if (!this.is('name', 'not') || !this.is('name', 'in', 1)) return null
    this.#at += 2
    return 'not in'
  }

  #compare(): Expression {
    const first = this.#sum()
    const rest: [ComparisonOperator, Expression][] = []
    for (let sign = this.#comparison(); sign !== null; sign = this.#comparison())
      rest.push([sign, this.#sum()])
    return rest.length === 0 ? first : { type: 'compare', first, rest }
  }

  #binary(signs: readonly string[], operand: () => Expression): Expression {
    let left = operand()
    while (this.current.type === 'op' && signs.includes(this.current.value)) {
      const sign = this.next().value as Arithmetic
      left = { type: 'arithmetic', sign, left, right: operand() }
    }
    return left
  }

  #sum(): Expression {
    return this.#binary(['+', '-'], () => this.#concat())
  }

  #concat(): Expression {
    const items = [this.#product()]
    while (this.skip('op', '~')) items.push(this.#product())
    return items.length === 1 && items[0] !== undefined ? items[0] : { type: 'concat', items }
  }

  #product(): Expression {
    return this.#binary(['*', '/', '//', '%'], () => this.#binary(['**'], () => this.unary()))
  }

  protected unary(filters = true): Expression {
    let value: Expression
    if (this.skip('op', '-')) value = { type: 'sign', negative: true, value: this.unary(false) }
    else if (this.skip('op', '+')) value = { type: 'sign', negative: false, value: this.unary(false) }
    else value = this.#primary()
    value = this.#postfix(value)
    return filters ? this.#filtersAndTests(value) : value
  }

  #primary(): Expression {
    const { type, value } = this.current
    if (type === 'name') {
      this.next()
      const constant = CONSTANTS.get(value)
      return constant === undefined ? { type: 'name', name: value } : { type: 'const', value: constant }
    }
    if (type === 'string') {
      let text = ''
      while (this.is('string')) text += this.next().value
      return { type: 'const', value: text }
    }
    if (type === 'int')
      return { type: 'const', value: BigInt(this.next().value.replaceAll('_', '').toLowerCase()) }
    if (type === 'float') return { type: 'const', value: Number(this.next().value.replaceAll('_', '')) }
    if (this.skip('op', '(')) {
      const inner = this.tuple({ parenthesised: true })
      this.expect('op', ')')
      return inner
    }
    if (this.skip('op', '[')) return { type: 'list', items: this.#until(']', () => this.expression()) }
    if (this.skip('op', '{')) return { type: 'dict', entries: this.#until('}', () => this.#entry()) }
    return this.fail(type === 'eof' ? 'unexpected end of template' : `unexpected '${value}'`)
  }

  #entry(): [Expression, Expression] {
    const key = this.expression()
    this.expect('op', ':')
    return [key, this.expression()]
  }

  /** Items up to a closing bracket, with a comma allowed behind the last. */
  #until<T>(closing: string, item: () => T): T[] {
    const items: T[] = []
    while (!this.is('op', closing)) {
      if (items.length > 0) this.expect('op', ',')
      if (this.is('op', closing)) break
      items.push(item())
    }
    this.expect('op', closing)
    return items
  }

  /** Expressions with commas between them; one without a comma is itself. */
  protected tuple({ parenthesised = false, condition = true, stop = '' } = {}): Expression {
    const items: Expression[] = []
    let comma = false
    for (;;) {
      const { type, value } = this.current
      const ended = type === 'end' || type === 'close' || type === 'eof' || (type === 'op' && value === ')')
      if (ended || (stop !== '' && this.is('name', stop))) break
      items.push(this.expression(condition))
      if (!this.skip('op', ',')) break
      comma = true
    }
    const [only] = items
    if (!comma && only !== undefined) return only
    if (only === undefined && !parenthesised) this.fail(`expected an expression, got '${this.current.value}'`)
    return { type: 'tuple', items }
  }

  #postfix(value: Expression): Expression {
    let object = value
    for (;;) {
      if (this.skip('op', '.')) object = this.#member(object)
      else if (this.skip('op', '[')) object = this.#subscript(object)
      else if (this.is('op', '(')) object = { type: 'call', callee: object, call: this.call() }
      else return object
    }
  }

  #member(object: Expression): Expression {
    const { type, value, line } = this.next()
    if (type === 'name') return { type: 'attribute', object, name: value }
    if (type === 'int') return { type: 'item', object, key: { type: 'const', value: BigInt(value) } }
    return this.fail('expected name or number', line)
  }

  #subscript(object: Expression): Expression {
    const items: Expression[] = []
    for (;;) {
      const start = this.is('op', ':') ? null : this.expression()
      if (this.skip('op', ':')) {
        const slice = this.#sliceEnd(object, start)
        if (items.length > 0 || this.is('op', ',')) unsupported('a slice of several dimensions')
        this.expect('op', ']')
        return slice
      }
      if (start !== null) items.push(start)
      if (!this.skip('op', ',')) break
    }
    this.expect('op', ']')
    const [only] = items
    return { type: 'item', object, key: items.length === 1 && only ? only : { type: 'tuple', items } }
  }

  #sliceEnd(object: Expression, start: Expression | null): Expression {
    const part = () =>
      this.is('op', ':') || this.is('op', ']') || this.is('op', ',') ? null : this.expression()
    const stop = part()
    const step = this.skip('op', ':') ? part() : null
    return { type: 'slice', object, start, stop, step }
  }

  protected call(): CallArguments {
    const call: CallArguments = { args: [], keywords: [], spread: null, spreadKeywords: null }
    this.expect('op', '(')
    this.#until(')', () => this.#argument(call))
    return call
  }

  #argument(call: CallArguments): void {
    if (this.skip('op', '**')) call.spreadKeywords = this.expression()
    else if (this.skip('op', '*')) call.spread = this.expression()
    else if (this.is('name') && this.is('op', '=', 1)) {
      const name = this.next().value
      this.next()
      call.keywords.push([name, this.expression()])
    } else if (call.keywords.length > 0 || call.spreadKeywords !== null) {
      this.fail('invalid syntax for function call expression')
    } else call.args.push(this.expression())
  }

  #filtersAndTests(value: Expression): Expression {
    let result = value
    for (;;) {
      if (this.skip('op', '|')) result = this.filter(result)
      else if (this.skip('name', 'is')) result = this.#test(result)
      else if (this.is('op', '(')) result = { type: 'call', callee: result, call: this.call() }
      else return result
    }
  }

  #dotted(): string {
    let name = this.expect('name').value
    while (this.skip('op', '.')) name += `.${this.expect('name').value}`
    return name
  }

  protected filter(input: Expression | null): Expression {
    const name = this.#dotted()
    return { type: 'filter', input, name, call: this.is('op', '(') ? this.call() : NOTHING }
  }

  /** A chain of filters without an input, as `filter` and `set` blocks have it. */
  protected filterChain(): Expression {
    let chain = this.filter(null)
    while (this.skip('op', '|')) chain = this.filter(chain)
    return chain
  }

  #test(input: Expression): Expression {
    const negated = this.skip('name', 'not')
    const name = this.#dotted()
    const test: Expression = { type: 'test', input, name, call: this.#testArguments() }
    return negated ? { type: 'not', value: test } : test
  }

  #testArguments(): CallArguments {
    if (this.is('op', '(')) return this.call()
    const { type, value } = this.current
    const begins = type === 'name' || type === 'string' || type === 'int' || type === 'float'
    if (!begins && !(type === 'op' && '[{'.includes(value))) return NOTHING
    if (type === 'name' && ['else', 'or', 'and'].includes(value)) return NOTHING
    if (this.is('name', 'is')) this.fail('You cannot chain multiple tests with is')
    return { ...NOTHING, args: [this.#postfix(this.#primary())] }
  }
}
