import { element, member } from './attributes.ts'
import { mentions } from './checkNames.ts'
import { FILTERS } from './filters.ts'
import { holds } from './comparison.ts'
import { LoopContext } from './loop.ts'
import type { CallArguments, Expression, Parameters, Statement, AssignmentTarget } from './nodes.ts'
import { arithmetic, checkSize, iterate, negated, numeric, slice, truthy } from './operators.ts'
import { str, typeName } from './pythonText.ts'
import { Scope } from './scope.ts'
import { TESTS } from './tests.ts'
import {
  Callable,
  Dict,
  exceeded,
  fail,
  Namespace,
  Tuple,
  Undefined,
  type Keywords,
  type Value,
} from './values.ts'

/** How a run of statements ended. */
type Flow = 'done' | 'break' | 'continue'

/** What filters may ask of the running template. */
export interface Runtime {
  applyFilter(name: string, value: Value, args: Value[], keywords: Keywords): Value
  applyTest(name: string, value: Value, args: Value[], keywords: Keywords): boolean
}

export function call(callee: Value, args: Value[], keywords: Keywords): Value {
  if (callee instanceof Undefined) return callee.refuse()
  if (callee instanceof Callable) return callee.call(args, keywords)
  if (callee instanceof LoopContext) return callee.again(args)
  return fail(`'${typeName(callee)}' object is not callable`)
}

/** Goes through a template's statements, writing text. */
export class Interpreter implements Runtime {
  /** Line of the statement that is running. */
  line = 1
  readonly #maxOutput: number
  #output: string[] = []
  #written = 0

  /** @param maxOutput characters the template may write */
  constructor(maxOutput: number) {
    this.#maxOutput = maxOutput
  }

  render(body: readonly Statement[], scope: Scope): string {
    return this.#captured(() => this.#run(body, scope))
  }

  applyFilter(name: string, value: Value, args: Value[], keywords: Keywords): Value {
    const filter = FILTERS.get(name)
    if (filter === undefined) return fail(`No filter named '${name}'.`)
    return filter(value, args, keywords, this)
  }

  applyTest(name: string, value: Value, args: Value[], keywords: Keywords): boolean {
    const test = TESTS.get(name)
    if (test === undefined) return fail(`No test named '${name}'.`)
    return test(value, args, keywords)
  }

  #write(text: string): void {
    this.#written += text.length
    if (this.#written > this.#maxOutput) exceeded(`its output is longer than ${this.#maxOutput} characters`)
    this.#output.push(text)
  }

  /** The text that something writes, kept out of the output. */
  #captured(run: () => void): string {
    const outer = this.#output
    this.#output = []
    run()
    const text = this.#output.join('')
    this.#output = outer
    return text
  }

  #run(body: readonly Statement[], scope: Scope): Flow {
    for (const statement of body) {
      this.line = statement.line
      const flow = this.#statement(statement, scope)
      if (flow !== 'done') return flow
    }
    return 'done'
  }

  #statement(statement: Statement, scope: Scope): Flow {
    switch (statement.type) {
      case 'data':
        this.#write(statement.text)
        return 'done'
      case 'output':
        this.#write(str(this.#value(statement.value, scope)))
        return 'done'
      case 'if': {
        const taken = statement.branches.find(([test]) => truthy(this.#value(test, scope)))
        return this.#run(taken?.[1] ?? statement.otherwise, scope)
      }
      case 'for':
        return this.#for(statement, scope)
      case 'set':
        this.#assign(statement.target, this.#value(statement.value, scope), scope)
        return 'done'
      case 'capture':
        this.#capture(statement, scope)
        return 'done'
      case 'with':
        return this.#with(statement, scope)
      case 'macro':
        scope.set(statement.name, this.#macro(statement.name, statement, scope))
        return 'done'
      case 'callBlock':
        this.#callBlock(statement, scope)
        return 'done'
      case 'filterBlock': {
        const text = this.#captured(() => this.#run(statement.body, new Scope(scope)))
        this.#write(str(this.#value(statement.filter, scope, text)))
        return 'done'
      }
      case 'scope':
        return this.#run(statement.body, new Scope(scope))
      case 'break':
      case 'continue':
        return statement.type
    }
  }

  #capture(statement: Extract<Statement, { type: 'capture' }>, scope: Scope): void {
    const text = this.#captured(() => this.#run(statement.body, new Scope(scope)))
    const { filter } = statement
    this.#assign(statement.target, filter === null ? text : this.#value(filter, scope, text), scope)
  }

  #with(statement: Extract<Statement, { type: 'with' }>, scope: Scope): Flow {
    const inner = new Scope(scope)
    const values = statement.assignments.map(([, value]) => this.#value(value, scope))
    statement.assignments.forEach(([target], i) => this.#assign(target, values[i] ?? null, inner))
    return this.#run(statement.body, inner)
  }

  #assign(target: AssignmentTarget, value: Value, scope: Scope): void {
    switch (target.type) {
      case 'name':
        return scope.set(target.name, value)
      case 'member': {
        const space = scope.get(target.name)
        if (!(space instanceof Namespace)) return fail('cannot assign attribute on non-namespace object')
        return space.assign(target.member, value)
      }
      case 'targets': {
        const items = [...iterate(value)]
        const expected = target.items.length
        if (items.length > expected) fail(`too many values to unpack (expected ${expected})`)
        if (items.length < expected)
          fail(`not enough values to unpack (expected ${expected}, got ${items.length})`)
        target.items.forEach((item, i) => this.#assign(item, items[i] ?? null, scope))
      }
    }
  }

  #for(statement: Extract<Statement, { type: 'for' }>, scope: Scope, given?: Value, depth = 0): Flow {
    const source = given ?? this.#value(statement.source, scope)
    const loop = new LoopContext(
      this.#selected(statement, source, scope),
      source,
      statement.filter !== null,
      depth,
    )
    if (statement.recursive) {
      loop.recurse = (inner) => this.#captured(() => void this.#for(statement, scope, inner, depth + 1))
    }
    for (const item of loop.run()) {
      const inner = new Scope(scope)
      inner.set('loop', loop)
      this.#assign(statement.target, item, inner)
      if (this.#run(statement.body, inner) === 'break') break
    }
    return loop.entered ? 'done' : this.#run(statement.otherwise, new Scope(scope))
  }

  /** The items a loop goes through, its `if` asked when each one's turn comes. */
  *#selected(
    { target, filter }: Extract<Statement, { type: 'for' }>,
    source: Value,
    scope: Scope,
  ): Generator<Value> {
    for (const item of iterate(source)) {
      if (filter !== null) {
        const inner = new Scope(scope)
        this.#assign(target, item, inner)
        if (!truthy(this.#value(filter, inner))) continue
      }
      yield item
    }
  }

  #callBlock(statement: Extract<Statement, { type: 'callBlock' }>, scope: Scope): void {
    const caller = this.#macro('caller', statement, scope)
    const { args, keywords } = this.#arguments(statement.call, scope)
    keywords.set('caller', caller)
    this.#write(str(call(this.#value(statement.callee, scope), args, keywords)))
  }

  #macro(
    name: string,
    { parameters, body }: { parameters: Parameters; body: Statement[] },
    scope: Scope,
  ): Callable {
    const takes = {
      caller: mentions([body, parameters.defaults], 'caller'),
      kwargs: mentions([body, parameters.defaults], 'kwargs'),
      varargs: mentions([body, parameters.defaults], 'varargs'),
    }
    const run = (args: Value[], keywords: Keywords): Value => {
      const inner = new Scope(scope)
      const rest = new Map(keywords)
      if (takes.caller && !parameters.names.includes('caller')) {
        inner.set('caller', rest.get('caller') ?? new Undefined('No caller defined'))
        rest.delete('caller')
      }
      this.#bindParameters(parameters, args, rest, inner)
      if (takes.kwargs) inner.set('kwargs', new Dict(rest))
      else if (rest.size > 0) fail(`macro '${name}' takes no keyword argument '${[...rest.keys()][0]}'`)
      const extra = args.slice(parameters.names.length)
      if (takes.varargs) inner.set('varargs', new Tuple(extra))
      else if (extra.length > 0)
        fail(`macro '${name}' takes not more than ${parameters.names.length} argument(s)`)
      const line = this.line
      const text = this.#captured(() => this.#run(body, inner))
      this.line = line
      return text
    }
    const attributes = {
      name,
      arguments: new Tuple(parameters.names),
      catch_kwargs: takes.kwargs,
      catch_varargs: takes.varargs,
      caller: takes.caller,
    }
    return new Callable(name, run, { typeName: 'Macro', attributes })
  }

  #bindParameters({ names, defaults }: Parameters, args: Value[], rest: Keywords, inner: Scope): void {
    names.forEach((parameter, i) => {
      const named = i < args.length ? undefined : rest.get(parameter)
      if (named !== undefined) rest.delete(parameter)
      const fallback = defaults[i - names.length + defaults.length]
      const value = args[i] ?? named
      if (i < args.length || value !== undefined) inner.set(parameter, value ?? null)
      else if (fallback !== undefined) inner.set(parameter, this.#value(fallback, inner))
      else inner.set(parameter, new Undefined(`parameter '${parameter}' was not provided`))
    })
  }

  #arguments(
    { args, keywords, spread, spreadKeywords }: CallArguments,
    scope: Scope,
  ): { args: Value[]; keywords: Keywords } {
    const values = args.map((arg) => this.#value(arg, scope))
    if (spread !== null) values.push(...iterate(this.#value(spread, scope)))
    const named: Keywords = new Map(keywords.map(([name, value]) => [name, this.#value(value, scope)]))
    if (spreadKeywords !== null) {
      const more = this.#value(spreadKeywords, scope)
      if (!(more instanceof Dict)) return fail(`argument after ** must be a mapping, not ${typeName(more)}`)
      for (const [key, value] of more.entries()) {
        if (typeof key !== 'string') return fail('keywords must be strings')
        if (named.has(key)) fail(`got multiple values for keyword argument '${key}'`)
        named.set(key, value)
      }
    }
    return { args: values, keywords: named }
  }

  /** @param input what a filter without an input of its own is given */
  #value(node: Expression, scope: Scope, input: Value = null): Value {
    switch (node.type) {
      case 'const':
        return node.value
      case 'name':
        return scope.get(node.name)
      case 'list':
        return node.items.map((item) => this.#value(item, scope))
      case 'tuple':
        return new Tuple(node.items.map((item) => this.#value(item, scope)))
      case 'dict':
        return new Dict(
          node.entries.map(([key, value]) => [this.#value(key, scope), this.#value(value, scope)]),
        )
      case 'attribute':
        return member(this.#value(node.object, scope), node.name)
      case 'item':
        return element(this.#value(node.object, scope), this.#value(node.key, scope))
      case 'slice':
        return this.#slice(node, scope)
      case 'call': {
        const callee = this.#value(node.callee, scope)
        const { args, keywords } = this.#arguments(node.call, scope)
        return call(callee, args, keywords)
      }
      case 'filter': {
        const value = node.input === null ? input : this.#value(node.input, scope, input)
        const { args, keywords } = this.#arguments(node.call, scope)
        return this.applyFilter(node.name, value, args, keywords)
      }
      case 'test': {
        const value = this.#value(node.input, scope)
        const { args, keywords } = this.#arguments(node.call, scope)
        return this.applyTest(node.name, value, args, keywords)
      }
      case 'not':
      case 'sign':
      case 'and':
      case 'or':
      case 'arithmetic':
      case 'concat':
      case 'compare':
      case 'condition':
        return this.#operation(node, scope)
    }
  }

  #slice(node: Extract<Expression, { type: 'slice' }>, scope: Scope): Value {
    const part = (value: Expression | null): Value => (value === null ? null : this.#value(value, scope))
    const object = this.#value(node.object, scope)
    const bounds = [part(node.start), part(node.stop), part(node.step)] as const
    // Bounds of the wrong type find nothing, as any other key that is not there.
    const sound = bounds.every((bound) => bound === null || typeof numeric(bound) === 'bigint')
    const taken = sound ? slice(object, ...bounds) : undefined
    return taken ?? new Undefined(`${typeName(object)} object has no element slice`)
  }

  #operation(
    node: Extract<
      Expression,
      { type: 'not' | 'sign' | 'and' | 'or' | 'arithmetic' | 'concat' | 'compare' | 'condition' }
    >,
    scope: Scope,
  ): Value {
    switch (node.type) {
      case 'not':
        return !truthy(this.#value(node.value, scope))
      case 'sign': {
        const minus = negated(this.#value(node.value, scope))
        return node.negative ? minus : negated(minus)
      }
      case 'and': {
        const left = this.#value(node.left, scope)
        return truthy(left) ? this.#value(node.right, scope) : left
      }
      case 'or': {
        const left = this.#value(node.left, scope)
        return truthy(left) ? left : this.#value(node.right, scope)
      }
      case 'arithmetic':
        return arithmetic(node.sign, this.#value(node.left, scope), this.#value(node.right, scope))
      case 'concat': {
        const text = node.items.map((item) => str(this.#value(item, scope))).join('')
        checkSize(text.length)
        return text
      }
      case 'compare':
        return this.#compare(node, scope)
      case 'condition': {
        if (truthy(this.#value(node.test, scope))) return this.#value(node.chosen, scope)
        if (node.otherwise !== null) return this.#value(node.otherwise, scope)
        return new Undefined('the inline if-expression evaluated to false and no else section was defined.')
      }
    }
  }

  #compare({ first, rest }: Extract<Expression, { type: 'compare' }>, scope: Scope): Value {
    let left = this.#value(first, scope)
    for (const [sign, node] of rest) {
      const right = this.#value(node, scope)
      if (!holds(left, sign, right)) return false
      left = right
    }
    return true
  }
}
