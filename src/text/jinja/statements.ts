import type { Expression, Parameters, Statement, AssignmentTarget } from './nodes.ts'
import { checkNames, type Names } from './checkNames.ts'
import { ExpressionParser } from './parser.ts'
import { tokenize } from './lexer.ts'
import { TemplateFault } from './values.ts'

const UNBUILT = new Set(['include', 'import', 'from', 'extends'])
const RESERVED = new Set(['true', 'false', 'none', 'True', 'False', 'None'])

/** Reads a template's statements. */
class TemplateParser extends ExpressionParser {
  /** Names of the open tags, for messages. */
  readonly #open: string[] = []

  template(): Statement[] {
    return this.#statements([])
  }

  /** Statements up to one of the given tags, whose name is then the current token; to the end without any. */
  #statements(ends: readonly string[]): Statement[] {
    const body: Statement[] = []
    for (;;) {
      const { type, value, line } = this.current
      if (type === 'eof') {
        if (ends.length > 0) this.#cutOff(ends)
        return body
      }
      this.next()
      if (type === 'data') body.push({ type: 'data', text: value, line })
      else if (type === 'open') {
        body.push({ type: 'output', value: this.tuple(), line })
        this.expect('close')
      } else if (this.is('name') && ends.includes(this.current.value)) return body
      else {
        body.push(this.#statement(line))
        this.expect('end')
      }
    }
  }

  #cutOff(ends: readonly string[]): never {
    const tags = ends.map((end) => `'${end}'`).join(' or ')
    this.fail(
      `Unexpected end of template: the innermost block is '${this.#open.at(-1)}', which needs ${tags}.`,
    )
  }

  /** The body of a tag: behind its `%}` up to one of the given tags. */
  #body(tag: string, ends: readonly string[]): Statement[] {
    this.expect('end')
    this.#open.push(tag)
    const body = this.#statements(ends)
    this.#open.pop()
    return body
  }

  #closedBody(tag: string, end = `end${tag}`): Statement[] {
    const body = this.#body(tag, [end])
    this.next()
    return body
  }

  #statement(line: number): Statement {
    if (!this.is('name')) this.fail('tag name expected')
    const tag = this.next().value
    switch (tag) {
      case 'if':
        return this.#if(line)
      case 'for':
        return this.#for(line)
      case 'set':
        return this.#set(line)
      case 'macro':
        return {
          type: 'macro',
          name: this.#name(),
          parameters: this.#parameters(),
          body: this.#closedBody(tag),
          line,
        }
      case 'call':
        return this.#callBlock(line)
      case 'filter':
        return { type: 'filterBlock', filter: this.filterChain(), body: this.#closedBody(tag), line }
      case 'with':
        return { type: 'with', assignments: this.#assignments(), body: this.#closedBody(tag), line }
      case 'generation':
        return { type: 'scope', body: this.#closedBody(tag), line }
      case 'block':
        return this.#block(line)
      case 'autoescape':
        return this.#autoescape(line)
      case 'break':
      case 'continue':
        return { type: tag, line }
      default:
        if (UNBUILT.has(tag))
          throw new TemplateFault('unsupported', `the tag '${tag}' is not supported here`, line)
        return this.#unknownTag(tag, line)
    }
  }

  #unknownTag(tag: string, line: number): never {
    const open = this.#open.at(-1)
    const hint = open === undefined ? '' : ` The innermost block that needs to be closed is '${open}'.`
    this.fail(`Encountered unknown tag '${tag}'.${hint}`, line)
  }

  #name(): string {
    const { value, line } = this.expect('name')
    return RESERVED.has(value) ? this.fail(`can't assign to '${value}'`, line) : value
  }

  #target(namespaces: boolean): AssignmentTarget {
    if (this.skip('op', '(')) {
      const inner = this.#targets(namespaces)
      this.expect('op', ')')
      return inner
    }
    const name = this.#name()
    if (namespaces && this.skip('op', '.')) return { type: 'member', name, member: this.expect('name').value }
    return { type: 'name', name }
  }

  #targets(namespaces: boolean): AssignmentTarget {
    const items = [this.#target(namespaces)]
    let comma = false
    while (this.skip('op', ',')) {
      comma = true
      if (!this.is('op', '(') && (!this.is('name') || this.is('name', 'in'))) break
      items.push(this.#target(namespaces))
    }
    return !comma && items[0] !== undefined ? items[0] : { type: 'targets', items }
  }

  #if(line: number): Statement {
    const branches: [Expression, Statement[]][] = []
    for (;;) {
      const test = this.tuple({ condition: false })
      branches.push([test, this.#body('if', ['elif', 'else', 'endif'])])
      if (this.next().value !== 'elif') break
    }
    let otherwise: Statement[] = []
    if (!this.is('end')) this.fail(`unexpected '${this.current.value}', expected '%}'`)
    if (this.#ended('else')) {
      otherwise = this.#body('if', ['endif'])
      this.next()
    }
    return { type: 'if', branches, otherwise, line }
  }

  /** Whether the tag that ended the last body is this one. */
  #ended(tag: string): boolean {
    return this.is('name', tag, -1)
  }

  #for(line: number): Statement {
    const target = this.#targets(false)
    this.expect('name', 'in')
    const source = this.tuple({ condition: false, stop: 'recursive' })
    const filter = this.skip('name', 'if') ? this.expression() : null
    const recursive = this.skip('name', 'recursive')
    const body = this.#body('for', ['endfor', 'else'])
    let otherwise: Statement[] = []
    this.next()
    if (this.#ended('else')) {
      otherwise = this.#body('for', ['endfor'])
      this.next()
    }
    return { type: 'for', target, source, filter, recursive, body, otherwise, line }
  }

  #set(line: number): Statement {
    const target = this.#targets(true)
    if (this.skip('op', '=')) return { type: 'set', target, value: this.tuple(), line }
    const filter = this.skip('op', '|') ? this.filterChain() : null
    return { type: 'capture', target, filter, body: this.#closedBody('set'), line }
  }

  #parameters(): Parameters {
    const parameters: Parameters = { names: [], defaults: [] }
    this.expect('op', '(')
    while (!this.skip('op', ')')) {
      if (parameters.names.length > 0) this.expect('op', ',')
      if (this.skip('op', ')')) break
      parameters.names.push(this.#name())
      if (this.skip('op', '=')) parameters.defaults.push(this.expression())
      else if (parameters.defaults.length > 0) this.fail('non-default argument follows default argument')
    }
    return parameters
  }

  #callBlock(line: number): Statement {
    const parameters = this.is('op', '(') ? this.#parameters() : { names: [], defaults: [] }
    const called = this.expression()
    if (called.type !== 'call') return this.fail('expected call', line)
    const { callee, call } = called
    return { type: 'callBlock', callee, call, parameters, body: this.#closedBody('call'), line }
  }

  #assignments(): [AssignmentTarget, Expression][] {
    const assignments: [AssignmentTarget, Expression][] = []
    while (!this.is('end')) {
      if (assignments.length > 0) this.expect('op', ',')
      const target = this.#target(false)
      this.expect('op', '=')
      assignments.push([target, this.expression()])
    }
    return assignments
  }

  #block(line: number): Statement {
    const name = this.#name()
    while (this.skip('name', 'scoped') || this.skip('name', 'required'));
    const body = this.#closedBody('block')
    if (this.is('name', name)) this.next()
    return { type: 'scope', body, line }
  }

  #autoescape(line: number): Statement {
    const value = this.expression()
    if (value.type !== 'const' || value.value !== false) {
      throw new TemplateFault('unsupported', "the tag 'autoescape' is not supported here", line)
    }
    return { type: 'scope', body: this.#closedBody('autoescape'), line }
  }
}

/** Throws `TemplateFault` of kind `syntax` or `unsupported`, with the line. */
export function parseTemplate(source: string, names: Names): Statement[] {
  const body = new TemplateParser(tokenize(source)).template()
  checkNames(body, names)
  return body
}
