import { member } from './attributes.ts'
import type { FilterTable } from './filters.ts'
import { getter, ignoreCase, parseFloatText, parseWhole, rounded, type Getter } from './filterTools.ts'
import {
  arithmetic,
  compare,
  equals,
  iterate,
  length,
  negated,
  numeric,
  reversed,
  sorted,
  truthy,
  integerOf,
} from './operators.ts'
import { str, textOf, typeName } from './pythonText.ts'
import { Dict, fail, Markup, Stream, Tuple, Undefined, DictView, type Value } from './values.ts'

function keyOf(attribute: Value | undefined, caseSensitive: Value | undefined, fallback?: Value): Getter {
  const get = getter(attribute, fallback)
  return truthy(caseSensitive ?? false) ? get : (value) => ignoreCase(get(value))
}

/** `sort` may name several attributes, separated by commas. */
function sortKey(attribute: Value | undefined, caseSensitive: Value | undefined): Getter {
  const names = textOf(attribute ?? null)?.split(',') ?? []
  if (names.length < 2) return keyOf(attribute, caseSensitive)
  const getters = names.map((name) => keyOf(name, caseSensitive))
  return (value) => getters.map((get) => get(value))
}

function best(
  value: Value,
  caseSensitive: Value | undefined,
  attribute: Value | undefined,
  sign: 1 | -1,
): Value {
  const key = keyOf(attribute, caseSensitive)
  const items = [...iterate(value)]
  const [first, ...rest] = items
  if (first === undefined) return new Undefined('No aggregated item, sequence was empty.')
  return rest.reduce((best, item) => (compare(key(item), key(best)) * sign < 0 ? item : best), first)
}

function* batches(value: Value, size: number, fill: Value | undefined): Generator<Value> {
  let batch: Value[] = []
  for (const item of iterate(value)) {
    if (batch.length === size) {
      yield batch
      batch = []
    }
    batch.push(item)
  }
  const missing = fill === undefined || fill === null ? 0 : size - batch.length
  if (batch.length > 0) yield [...batch, ...Array.from({ length: Math.max(0, missing) }, () => fill ?? null)]
}

function* slices(value: Value, count: number, fill: Value | undefined): Generator<Value> {
  const items = [...iterate(value)]
  const each = Math.floor(items.length / count)
  const longer = items.length % count
  for (let i = 0; i < count; i++) {
    const start = i * each + Math.min(i, longer)
    const part = items.slice(start, start + each + (i < longer ? 1 : 0))
    if (fill !== undefined && fill !== null && i >= longer) part.push(fill)
    yield part
  }
}

function* unique(
  value: Value,
  caseSensitive: Value | undefined,
  attribute: Value | undefined,
): Generator<Value> {
  const key = keyOf(attribute, caseSensitive)
  const seen = new Dict()
  for (const item of iterate(value)) {
    if (seen.has(key(item))) continue
    seen.set(key(item), true)
    yield item
  }
}

function grouped(
  value: Value,
  attribute: Value,
  fallback: Value | undefined,
  caseSensitive: Value | undefined,
): Value {
  const key = keyOf(attribute, caseSensitive, fallback)
  const shown = getter(attribute, fallback)
  const groups: Value[][] = []
  let last: Value = new Undefined('no group yet')
  for (const item of sorted(iterate(value), key, false)) {
    const currentKey = key(item)
    const group = groups.at(-1)
    if (group !== undefined && equals(last, currentKey)) group.push(item)
    else groups.push([item])
    last = currentKey
  }
  return groups.map((group) => new Tuple([shown(group[0] ?? null), group], ['grouper', 'list']))
}

function dictSorted(
  value: Value,
  caseSensitive: Value | undefined,
  by: Value | undefined,
  reverse: boolean,
): Value {
  if (!(value instanceof Dict)) return fail(`'${typeName(value)}' object has no attribute 'items'`)
  const place = by === undefined || equals(by, 'key') ? 0 : equals(by, 'value') ? 1 : null
  if (place === null) return fail('You can only sort by either "key" or "value"')
  const key: Getter = (entry) => {
    const part = entry instanceof Tuple ? (entry.items[place] ?? null) : null
    return truthy(caseSensitive ?? false) ? part : ignoreCase(part)
  }
  return sorted(new DictView('items', value).items, key, reverse)
}

function summed(value: Value, attribute: Value | undefined, start: Value): Value {
  const get = getter(attribute)
  let sum = start
  for (const item of iterate(value)) sum = arithmetic('+', sum, get(item))
  return sum
}

function toInt(value: Value, fallback: Value, base: number): Value {
  if (value instanceof Undefined) return value.refuse()
  const text = textOf(value)
  if (text !== null) {
    const parsed = parseWhole(text, base)
    const float = parsed === null ? parseFloatText(text) : null
    return parsed ?? (float !== null && Number.isFinite(float) ? BigInt(Math.trunc(float)) : fallback)
  }
  const number = numeric(value)
  if (number === null) return fallback
  return typeof number === 'bigint' ? number : Number.isFinite(number) ? BigInt(Math.trunc(number)) : fallback
}

function toFloat(value: Value, fallback: Value): Value {
  if (value instanceof Undefined) return value.refuse()
  const text = textOf(value)
  if (text !== null) return parseFloatText(text) ?? fallback
  const number = numeric(value)
  return number === null ? fallback : Number(number)
}

function roundedBy(value: Value, precision: number, method: string): Value {
  if (!['common', 'ceil', 'floor'].includes(method)) return fail('method must be common, ceil or floor')
  const number = numeric(value)
  if (number === null) return fail(`type ${typeName(value)} doesn't define __round__ method`)
  if (method === 'common') return rounded(value, precision) ?? null
  const unit = 10 ** precision
  return (method === 'ceil' ? Math.ceil(Number(number) * unit) : Math.floor(Number(number) * unit)) / unit
}

function lengthOf(value: Value): Value {
  return BigInt(length(value))
}

function items(value: Value): Value {
  if (value instanceof Undefined) return new Stream([])
  return value instanceof Dict
    ? new Stream(new DictView('items', value).items)
    : fail('Can only get item pairs from a mapping.')
}

function backwards(value: Value): Value {
  const text = textOf(value)
  if (text === null) return new Stream(reversed(value))
  const back = [...text].toReversed().join('')
  return value instanceof Markup ? new Markup(back) : back
}

function joined(value: Value, separator: Value | undefined, attribute: Value | undefined): Value {
  const get = getter(attribute)
  return Array.from(iterate(value), (item) => str(get(item))).join(str(separator ?? ''))
}

function orDefault(value: Value, fallback: Value | undefined, boolean: Value | undefined): Value {
  const missing = value instanceof Undefined || (truthy(boolean ?? false) && !truthy(value))
  return missing ? (fallback ?? '') : value
}

/** Filters over lists, dicts and numbers, by their arguments' names; `?` marks what may be left out. */
export const SEQUENCE_FILTERS: FilterTable = {
  abs: ['', (value) => (compare(value, 0n) < 0 ? negated(value) : negated(negated(value)))],
  attr: ['name', (value, [name]) => attributeOnly(value, str(name ?? null))],
  batch: [
    'linecount fill_with?',
    (value, [size, fill]) => new Stream(batches(value, integerOf(size ?? 1n), fill)),
  ],
  count: ['', lengthOf],
  d: ['default_value? boolean?', (value, [fallback, boolean]) => orDefault(value, fallback, boolean)],
  default: ['default_value? boolean?', (value, [fallback, boolean]) => orDefault(value, fallback, boolean)],
  dictsort: [
    'case_sensitive? by? reverse?',
    (value, [sensitive, by, reverse]) => dictSorted(value, sensitive, by, truthy(reverse ?? false)),
  ],
  first: ['', (value) => first(iterate(value), 'No first item, sequence was empty.')],
  float: ['default?', (value, [fallback]) => toFloat(value, fallback ?? 0)],
  groupby: [
    'attribute default? case_sensitive?',
    (value, [attribute, fallback, sensitive]) => grouped(value, attribute ?? null, fallback, sensitive),
  ],
  int: ['default? base?', (value, [fallback, base]) => toInt(value, fallback ?? 0n, integerOf(base ?? 10n))],
  items: ['', items],
  join: ['d? attribute?', (value, [separator, attribute]) => joined(value, separator, attribute)],
  last: ['', (value) => first(reversed(value), 'No last item, sequence was empty.')],
  length: ['', lengthOf],
  list: ['', (value) => [...iterate(value)]],
  max: [
    'case_sensitive? attribute?',
    (value, [sensitive, attribute]) => best(value, sensitive, attribute, -1),
  ],
  min: [
    'case_sensitive? attribute?',
    (value, [sensitive, attribute]) => best(value, sensitive, attribute, 1),
  ],
  reverse: ['', backwards],
  round: [
    'precision? method?',
    (value, [precision, method]) => roundedBy(value, integerOf(precision ?? 0n), str(method ?? 'common')),
  ],
  slice: [
    'slices fill_with?',
    (value, [count, fill]) => new Stream(slices(value, integerOf(count ?? 1n), fill)),
  ],
  sort: [
    'reverse? case_sensitive? attribute?',
    (value, [reverse, sensitive, attribute]) =>
      sorted(iterate(value), sortKey(attribute, sensitive), truthy(reverse ?? false)),
  ],
  sum: ['attribute? start?', (value, [attribute, start]) => summed(value, attribute, start ?? 0n)],
  unique: [
    'case_sensitive? attribute?',
    (value, [sensitive, attribute]) => new Stream(unique(value, sensitive, attribute)),
  ],
}

function first(items: Iterable<Value>, message: string): Value {
  for (const item of items) return item
  return new Undefined(message)
}

/** Only the attribute: an item of that name does not count. */
function attributeOnly(value: Value, name: string): Value {
  if (!(value instanceof Dict) || !value.has(name)) return member(value, name)
  const shadow = member(new Dict(), name)
  return shadow instanceof Undefined ? shadow : member(value, name)
}
