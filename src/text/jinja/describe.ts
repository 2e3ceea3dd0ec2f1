import type { TemplateReads } from '../../api/chat.ts'
import { FILTERS } from './filters.ts'
import { parseTemplate } from './statements.ts'
import { TESTS } from './tests.ts'

type Node = Record<string, unknown>
type Constant = string | number | boolean

const NAMES = { filters: new Set(FILTERS.keys()), tests: new Set(TESTS.keys()) }
/** What the renderer itself gives a template. */
const GIVEN = ['range', 'dict', 'namespace', 'joiner', 'cycler', 'lipsum', 'raise_exception', 'strftime_now']
const INSIDE = ['loop', 'self', 'super', 'caller', 'varargs', 'kwargs']

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function listOf(value: unknown): Node[] {
  return Array.isArray(value) ? value.flatMap((item: unknown) => (isNode(item) ? [item] : [])) : []
}

/** Names that an assignment sets; members of namespaces set none. */
function targetNames(target: unknown): string[] {
  if (!isNode(target)) return []
  if (target['type'] === 'name') return [String(target['name'])]
  return target['type'] === 'targets' ? listOf(target['items']).flatMap(targetNames) : []
}

/** The constants of an expression: one, or those of a list. */
function constantsOf(value: unknown): Constant[] {
  if (!isNode(value)) return []
  if (value['type'] === 'list' || value['type'] === 'tuple')
    return listOf(value['items']).flatMap(constantsOf)
  if (value['type'] !== 'const') return []
  const constant = value['value']
  if (typeof constant === 'bigint') return [Number(constant)]
  return ['string', 'number', 'boolean'].includes(typeof constant) ? [constant as Constant] : []
}

/** The field that an expression looks up last, null where it looks up none by name. */
function fieldOf(value: unknown): string | null {
  if (!isNode(value)) return null
  if (value['type'] === 'attribute') return String(value['name'])
  const key = value['type'] === 'item' ? constantsOf(value['key'])[0] : undefined
  return typeof key === 'string' ? key : null
}

class Reader {
  readonly variables = new Map<string, Set<Constant>>()
  readonly roles = new Set<string>()
  readonly fields = new Set<string>()
  readsClock = false

  /** Walks a piece in the order it runs. @param set names that the template has set by then */
  walk(value: unknown, set: Set<string>): void {
    if (Array.isArray(value)) return value.forEach((item: unknown) => this.walk(item, set))
    if (!isNode(value)) return
    const field = fieldOf(value)
    if (field !== null) this.fields.add(field)
    switch (value['type']) {
      case 'name':
        return this.#read(String(value['name']), set)
      case 'for':
        return this.#loop(value, set)
      case 'macro':
      case 'callBlock':
        return this.#macro(value, set)
      case 'set':
      case 'capture':
        this.#children(value, set, ['target'])
        return this.#assign(value, set)
      case 'with':
      case 'scope':
      case 'filterBlock':
        return this.#scoped(value, set)
      case 'compare':
        this.#compare(value, set)
        return this.#children(value, set)
      case 'test':
        if (value['name'] === 'true' || value['name'] === 'false')
          this.#addValues(value['input'], [true, false], set)
        return this.#children(value, set)
      case 'filter':
        if (value['name'] === 'default' || value['name'] === 'd') this.#default(value, set)
        return this.#children(value, set)
      default:
        return this.#children(value, set)
    }
  }

  #children(node: Node, set: Set<string>, except: readonly string[] = []): void {
    for (const [key, child] of Object.entries(node)) if (!except.includes(key)) this.walk(child, set)
  }

  #read(name: string, set: ReadonlySet<string>): void {
    if (name === 'strftime_now') this.readsClock = true
    if (!set.has(name) && !this.variables.has(name)) this.variables.set(name, new Set())
  }

  #assign(node: Node, set: Set<string>): void {
    for (const name of targetNames(node['target'])) {
      // A variable with a value of its own unless the caller gives one.
      for (const value of constantsOf(node['value'])) this.variables.get(name)?.add(value)
      set.add(name)
    }
    const { target } = node
    if (isNode(target) && target['type'] === 'member') this.fields.add(String(target['member']))
  }

  #loop(node: Node, set: Set<string>): void {
    this.walk(node['source'], set)
    const inside = new Set([...set, ...targetNames(node['target'])])
    for (const part of ['filter', 'body'] as const) this.walk(node[part], inside)
    this.walk(node['otherwise'], new Set(set))
  }

  #macro(node: Node, set: Set<string>): void {
    const { parameters } = node
    const names =
      isNode(parameters) && Array.isArray(parameters['names']) ? parameters['names'].map(String) : []
    if (node['type'] === 'macro') set.add(String(node['name']))
    this.#children(node, set, ['parameters', 'body'])
    if (isNode(parameters)) this.walk(parameters['defaults'], set)
    this.walk(node['body'], new Set([...set, ...names]))
  }

  #scoped(node: Node, set: Set<string>): void {
    const inside = new Set(set)
    for (const pair of Array.isArray(node['assignments']) ? (node['assignments'] as unknown[][]) : []) {
      this.walk(pair[1], set)
      for (const name of targetNames(pair[0])) inside.add(name)
    }
    this.walk(node['filter'], set)
    this.walk(node['body'], inside)
  }

  #compare(node: Node, set: ReadonlySet<string>): void {
    const others = (Array.isArray(node['rest']) ? (node['rest'] as unknown[][]) : []).map(
      ([, other]) => other,
    )
    const sides = [node['first'], ...others]
    const constants = sides.flatMap(constantsOf)
    for (const side of sides) {
      this.#addValues(side, constants, set)
      if (fieldOf(side) !== 'role' && !(isNode(side) && side['name'] === 'role')) continue
      for (const role of constants) if (typeof role === 'string') this.roles.add(role)
    }
  }

  #default(node: Node, set: ReadonlySet<string>): void {
    const { call } = node
    this.#addValues(
      node['input'],
      isNode(call) ? listOf(call['args']).slice(0, 1).flatMap(constantsOf) : [],
      set,
    )
  }

  #addValues(side: unknown, values: readonly Constant[], set: ReadonlySet<string>): void {
    if (!isNode(side) || side['type'] !== 'name') return
    const name = String(side['name'])
    this.#read(name, set)
    const variable = this.variables.get(name)
    for (const value of values) variable?.add(value)
  }
}

/** Macros may call one another before they are all defined. */
function macroNames(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(macroNames)
  if (!isNode(value)) return []
  const named = value['type'] === 'macro' ? [String(value['name'])] : []
  return [...named, ...Object.values(value).flatMap(macroNames)]
}

/** What a template reads. Throws `TemplateFault` with the line where it cannot be read. */
export function describeTemplate(template: string): TemplateReads {
  const body = parseTemplate(template, NAMES)
  const reader = new Reader()
  reader.walk(body, new Set(INSIDE))
  for (const name of [...GIVEN, ...macroNames(body)]) reader.variables.delete(name)
  return {
    variables: [...reader.variables].map(([name, values]) => ({ name, values: [...values] })),
    roles: [...reader.roles],
    fields: [...reader.fields],
    readsClock: reader.readsClock,
  }
}
