import { methodOf } from './methods.ts'
import { itemOf } from './operators.ts'
import { repr, typeName } from './pythonText.ts'
import { Dict, Markup, Thing, Tuple, Undefined, unsupported, type Value } from './values.ts'

/** Methods that change their object; the sandbox hides them. */
const CHANGING: Readonly<Record<string, readonly string[]>> = {
  list: ['append', 'clear', 'pop', 'reverse', 'insert', 'sort', 'extend', 'remove'],
  dict: ['clear', 'pop', 'popitem', 'setdefault', 'update'],
}
/** Attributes that Python's numbers have; templates have no use for them. */
const OF_NUMBERS = new Set([
  'real',
  'imag',
  'numerator',
  'denominator',
  'conjugate',
  'bit_length',
  'bit_count',
  'to_bytes',
  'from_bytes',
  'as_integer_ratio',
  'is_integer',
  'hex',
  'fromhex',
])

function described(value: Value): string {
  return value === null ? 'None' : `${typeName(value)} object`
}

function hidden(value: Value, name: string): Undefined {
  return new Undefined(`access to attribute '${name}' of '${typeName(value)}' object is unsafe.`)
}

/** The attribute Python's `getattr` finds; undefined where it finds none. */
function attribute(value: Value, name: string): Value | undefined {
  if (value instanceof Undefined) return value.refuse()
  if (name.startsWith('__') && name.endsWith('__')) return hidden(value, name)
  if (CHANGING[typeName(value)]?.includes(name)) return hidden(value, name)
  if (value instanceof Thing) return value.attribute(name)
  if (value instanceof Tuple && value.names.includes(name)) return value.items[value.names.indexOf(name)]
  const numbers = typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean'
  if (numbers && OF_NUMBERS.has(name)) return unsupported(`the attribute '${name}' of a number`)
  return methodOf(value, name)
}

/** `value.name`: the attribute, else the item of that name. */
export function member(value: Value, name: string): Value {
  const attributeValue = attribute(value, name)
  const item = attributeValue === undefined && value instanceof Dict ? value.get(name) : attributeValue
  return item === undefined ? new Undefined(`'${described(value)}' has no attribute '${name}'`) : item
}

/** `value[key]`: the item, else for a text the attribute of that name. */
export function element(value: Value, key: Value): Value {
  const item = itemOf(value, key)
  if (item !== undefined) return item
  const name = key instanceof Markup ? key.text : key
  const attributeValue = typeof name === 'string' ? attribute(value, name) : undefined
  if (attributeValue !== undefined) return attributeValue
  return new Undefined(
    typeof name === 'string'
      ? `'${described(value)}' has no attribute '${name}'`
      : `${described(value)} has no element ${key instanceof Undefined ? 'Undefined' : repr(key)}`,
  )
}
