import { percentFormat } from './percentFormat.ts'
import { characters, compareText, escapeHtml, textLength, textOf, typeName } from './pythonText.ts'
import {
  Dict,
  exceeded,
  fail,
  Markup,
  Range,
  Thing,
  Tuple,
  Undefined,
  DictView,
  type Value,
} from './values.ts'

/** Characters or items one value may have: a template that doubles a text must end before memory does. */
const MAX_SIZE = 2 ** 24

export function checkSize(size: number): void {
  if (size > MAX_SIZE) exceeded(`a value of ${size} characters or items is too large`)
}

export function truthy(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false
  if (Array.isArray(value)) return value.length > 0
  if (value instanceof Markup) return value.text !== ''
  if (value instanceof Tuple) return value.items.length > 0
  if (value instanceof Dict) return value.size > 0
  if (value instanceof Thing) return value.truthy
  return Boolean(value)
}

/** What `iter` gives, or null where Python would refuse. */
export function iterable(value: Value): Iterable<Value> | null {
  if (Array.isArray(value)) return value
  const text = textOf(value)
  if (text !== null) return [...text]
  if (value instanceof Tuple) return value.items
  if (value instanceof Dict) return value.keys()
  if (value instanceof Undefined) return []
  return value instanceof Thing ? (value.iterate?.() ?? null) : null
}

export function iterate(value: Value): Iterable<Value> {
  return iterable(value) ?? fail(`'${typeName(value)}' object is not iterable`)
}

export function sizeOf(value: Value): number | null {
  if (Array.isArray(value)) return value.length
  const text = textOf(value)
  if (text !== null) return textLength(text)
  if (value instanceof Tuple) return value.items.length
  if (value instanceof Dict) return value.size
  if (value instanceof Undefined) return 0
  return value instanceof Thing ? (value.size?.() ?? null) : null
}

export function length(value: Value): number {
  return sizeOf(value) ?? fail(`object of type '${typeName(value)}' has no len()`)
}

/** A number of any kind; null for other values. True counts as 1. */
export function numeric(value: Value): bigint | number | null {
  if (typeof value === 'bigint' || typeof value === 'number') return value
  return typeof value === 'boolean' ? BigInt(value) : null
}

function sequence(value: Value): readonly Value[] | null {
  if (Array.isArray(value)) return value
  return value instanceof Tuple ? value.items : null
}

function sameDict(a: Dict, b: Dict): boolean {
  if (a.size !== b.size) return false
  return a.entries().every(([key, value]) => {
    const other = b.get(key)
    return other !== undefined && equals(value, other)
  })
}

export function equals(a: Value, b: Value): boolean {
  if (a === b) return true
  const [left, right] = [numeric(a), numeric(b)]
  // Two kinds of number may be equal.
  // oxlint-disable-next-line eqeqeq
  if (left !== null && right !== null) return left == right
  const [leftText, rightText] = [textOf(a), textOf(b)]
  if (leftText !== null || rightText !== null) return leftText === rightText
  if (a instanceof Undefined) return b instanceof Undefined
  if (a instanceof Dict) return b instanceof Dict && sameDict(a, b)
  if (a instanceof Range && b instanceof Range) return equals([...a.iterate()], [...b.iterate()])
  const [leftItems, rightItems] = [sequence(a), sequence(b)]
  if (leftItems === null || rightItems === null || Array.isArray(a) !== Array.isArray(b)) return false
  return (
    leftItems.length === rightItems.length &&
    leftItems.every((item, i) => equals(item, rightItems[i] ?? null))
  )
}

export type Ordering = '<' | '<=' | '>' | '>='

/** Negative, zero or positive; NaN where neither comes first. Throws as Python does for values without an order. */
export function compare(a: Value, b: Value, sign: Ordering = '<'): number {
  if (a instanceof Undefined) return a.refuse()
  if (b instanceof Undefined) return b.refuse()
  const [left, right] = [numeric(a), numeric(b)]
  if (left !== null && right !== null) return left < right ? -1 : left > right ? 1 : left >= right ? 0 : NaN
  const [leftText, rightText] = [textOf(a), textOf(b)]
  if (leftText !== null && rightText !== null) return compareText(leftText, rightText)
  const [leftItems, rightItems] = [sequence(a), sequence(b)]
  if (leftItems !== null && rightItems !== null && Array.isArray(a) === Array.isArray(b)) {
    const at = leftItems.findIndex(
      (item, i) => i >= rightItems.length || !equals(item, rightItems[i] ?? null),
    )
    if (at < 0 || at >= rightItems.length) return leftItems.length - rightItems.length
    return compare(leftItems[at] ?? null, rightItems[at] ?? null, sign)
  }
  return fail(`'${sign}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`)
}

export function ordered(a: Value, b: Value, sign: Ordering): boolean {
  const order = compare(a, b, sign)
  switch (sign) {
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
  }
}

/** Python's `item in container`. */
export function contains(container: Value, item: Value): boolean {
  const text = textOf(container)
  if (text !== null) {
    const part = textOf(item)
    if (part === null) fail(`'in <string>' requires string as left operand, not ${typeName(item)}`)
    return text.includes(part ?? '')
  }
  if (container instanceof Dict) return container.has(item)
  const items = iterable(container)
  if (items === null) return fail(`argument of type '${typeName(container)}' is not iterable`)
  for (const one of items) if (equals(one, item)) return true
  return false
}

export type Arithmetic = '+' | '-' | '*' | '/' | '//' | '%' | '**'

const WORDS: Readonly<Partial<Record<Arithmetic, string>>> = { '**': '** or pow()' }

function wholeDivision(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient
}

function floatArithmetic(sign: Arithmetic, a: number, b: number): Value {
  if (b === 0 && (sign === '/' || sign === '//' || sign === '%')) return fail('float division by zero')
  switch (sign) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return a / b
    case '//':
      return Math.floor(a / b)
    case '%': {
      const rest = a % b
      return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest
    }
    case '**':
      return a ** b
  }
}

function wholeArithmetic(sign: Arithmetic, a: bigint, b: bigint): Value {
  if (b === 0n && (sign === '/' || sign === '//' || sign === '%')) return fail('division by zero')
  switch (sign) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return Number(a) / Number(b)
    case '//':
      return wholeDivision(a, b)
    case '%':
      return a - wholeDivision(a, b) * b
    case '**':
      if (b < 0n) return Number(a) ** Number(b)
      checkSize(a.toString().length * Number(b))
      return a ** b
  }
}

function joined(a: Value, b: Value): Value | null {
  if (a instanceof Markup || b instanceof Markup) {
    if (textOf(a) === null || textOf(b) === null) return null
    return new Markup(escapeHtml(a) + escapeHtml(b))
  }
  if (typeof a === 'string' && typeof b === 'string') {
    checkSize(a.length + b.length)
    return a + b
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    checkSize(a.length + b.length)
    return [...a, ...b]
  }
  return a instanceof Tuple && b instanceof Tuple ? new Tuple([...a.items, ...b.items]) : null
}

function repeated(value: Value, times: Value): Value | null {
  const count = numeric(times)
  if (typeof count !== 'bigint') return null
  const size = textOf(value)?.length ?? sequence(value)?.length
  if (size === undefined) return null
  const rounds = Math.max(0, Number(count))
  checkSize(size * rounds)
  if (typeof value === 'string') return value.repeat(rounds)
  if (value instanceof Markup) return new Markup(value.text.repeat(rounds))
  const items = Array.from({ length: rounds }, () => [...(sequence(value) ?? [])]).flat()
  return value instanceof Tuple ? new Tuple(items) : items
}

export function arithmetic(sign: Arithmetic, a: Value, b: Value): Value {
  if (a instanceof Undefined) return a.refuse()
  if (sign === '%' && typeof a === 'string') return percentFormat(a, b)
  if (b instanceof Undefined) return b.refuse()
  const [left, right] = [numeric(a), numeric(b)]
  if (left !== null && right !== null) {
    return typeof left === 'bigint' && typeof right === 'bigint'
      ? wholeArithmetic(sign, left, right)
      : floatArithmetic(sign, Number(left), Number(right))
  }
  const result = sign === '+' ? joined(a, b) : sign === '*' ? (repeated(a, b) ?? repeated(b, a)) : null
  if (result !== null) return result
  return fail(`unsupported operand type(s) for ${WORDS[sign] ?? sign}: '${typeName(a)}' and '${typeName(b)}'`)
}

export function negated(value: Value): Value {
  if (value instanceof Undefined) return value.refuse()
  const number = numeric(value)
  return number === null ? fail(`bad operand type for unary -: '${typeName(value)}'`) : -number
}

function itemAt(items: readonly Value[] | string, index: bigint): Value | undefined {
  const at = index < 0n ? Number(index) + items.length : Number(index)
  return items[at]
}

/** `value[key]`, undefined where Python would raise a LookupError or a TypeError. */
export function itemOf(value: Value, key: Value): Value | undefined {
  if (value instanceof Undefined) return value.refuse()
  // A key that no dict can have is one that is not there.
  if (value instanceof Dict) return Array.isArray(key) || key instanceof Dict ? undefined : value.get(key)
  const index = numeric(key)
  if (typeof index !== 'bigint') return undefined
  const text = textOf(value)
  if (text !== null) return itemAt(characters(text), index)
  const items = sequence(value)
  if (items !== null) return itemAt(items, index)
  return value instanceof Thing ? value.item?.(index) : undefined
}

function bound(value: Value, fallback: number, size: number, low: number): number {
  if (value === null) return fallback
  const number = numeric(value)
  if (typeof number !== 'bigint')
    return fail('slice indices must be integers or None or have an __index__ method')
  const at = Number(number) < 0 ? Number(number) + size : Number(number)
  return Math.min(Math.max(at, low), low < 0 ? size - 1 : size)
}

/** The indices `[start:stop:step]` takes of so many items. */
function sliceIndices(size: number, start: Value, stop: Value, step: Value): number[] {
  const stride = step === null ? 1n : numeric(step)
  if (typeof stride !== 'bigint')
    return fail('slice indices must be integers or None or have an __index__ method')
  if (stride === 0n) return fail('slice step cannot be zero')
  const by = Number(stride)
  const low = by < 0 ? -1 : 0
  const from = bound(start, by < 0 ? size - 1 : 0, size, low)
  const to = bound(stop, by < 0 ? -1 : size, size, low)
  const indices: number[] = []
  for (let i = from; by < 0 ? i > to : i < to; i += by) indices.push(i)
  return indices
}

export function slice(value: Value, start: Value, stop: Value, step: Value): Value | undefined {
  if (value instanceof Undefined) return value.refuse()
  const pick = <T>(items: ArrayLike<T>): T[] =>
    sliceIndices(items.length, start, stop, step).map((i) => items[i] as T)
  const text = textOf(value)
  if (text !== null) {
    const part = pick<string>(characters(text)).join('')
    return value instanceof Markup ? new Markup(part) : part
  }
  if (Array.isArray(value)) return pick(value)
  if (value instanceof Tuple) return new Tuple(pick(value.items))
  if (!(value instanceof Range)) return undefined
  const indices = sliceIndices(value.size(), start, stop, step).map(BigInt)
  const by = value.step * (step === null ? 1n : BigInt(Number(step)))
  const first = value.start + (indices[0] ?? 0n) * value.step
  return new Range(first, first + by * BigInt(indices.length), by)
}

/** The items of a value in reverse, as `reversed` takes them. */
export function reversed(value: Value): Value[] {
  if (
    value instanceof Undefined ||
    (value instanceof Thing && value.item === undefined && !(value instanceof DictView))
  )
    return fail(`'${typeName(value)}' object is not reversible`)
  return [...iterate(value)].toReversed()
}

/** Python's `sorted`: stable, also in reverse. */
export function sorted(values: Iterable<Value>, key: (value: Value) => Value, reverse: boolean): Value[] {
  const entries = Array.from(values, (value) => ({ value, key: key(value) }))
  entries.sort((a, b) => (reverse ? compare(b.key, a.key) : compare(a.key, b.key)))
  return entries.map(({ value }) => value)
}

/** An int, for arguments that must be one. */
export function integerOf(value: Value): number {
  const number = numeric(value)
  return typeof number === 'bigint'
    ? Number(number)
    : fail(`'${typeName(value)}' object cannot be interpreted as an integer`)
}
