import type { Statement } from './nodes.ts'
import { TemplateFault } from './values.ts'

export interface Names {
  filters: ReadonlySet<string>
  tests: ReadonlySet<string>
}

const CONDITIONAL = new Set<unknown>(['if', 'condition'])
/** Statements whose inside is compiled as a frame of its own. */
const FRAMES = new Set<unknown>(['for', 'macro', 'callBlock', 'filterBlock', 'scope', 'with', 'capture'])

type Node = Record<string, unknown>

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function check(value: unknown, names: Names, conditional: boolean, line: number): void {
  if (Array.isArray(value)) return value.forEach((item: unknown) => check(item, names, conditional, line))
  if (!isNode(value)) return
  const { type, name } = value
  const at = typeof value['line'] === 'number' ? value['line'] : line
  const available = type === 'filter' ? names.filters : type === 'test' ? names.tests : null
  if (!conditional && available !== null && !available.has(String(name))) {
    throw new TemplateFault('syntax', `No ${String(type)} named '${String(name)}'.`, at)
  }
  const inside = CONDITIONAL.has(type) || (conditional && !FRAMES.has(type))
  for (const child of Object.values(value)) check(child, names, inside, at)
}

/** Refuses filters and tests that do not exist, but inside a condition, where Jinja waits until one is reached. */
export function checkNames(body: readonly Statement[], names: Names): void {
  check(body, names, false, 1)
}

/** Whether a name is read anywhere in a piece of template. */
export function mentions(value: unknown, name: string): boolean {
  if (Array.isArray(value)) return value.some((item: unknown) => mentions(item, name))
  if (!isNode(value)) return false
  return (
    (value['type'] === 'name' && value['name'] === name) ||
    Object.values(value).some((v) => mentions(v, name))
  )
}
