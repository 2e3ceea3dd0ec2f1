import { Dict, Markup, Thing, Tuple, Undefined, unsupported, DictView, type Value } from './values.ts'

/** Name of a value's Python type, as error messages give it. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType'
  if (Array.isArray(value)) return 'list'
  if (value instanceof Thing) return value.typeName
  if (value instanceof Markup) return 'Markup'
  if (value instanceof Tuple) return 'tuple'
  if (value instanceof Dict) return 'dict'
  if (value instanceof Undefined) return 'Undefined'
  const names = { boolean: 'bool', bigint: 'int', number: 'float', string: 'str' } as const
  return names[typeof value as keyof typeof names]
}

/** A float as `repr` writes it: the shortest digits, with an exponent from 1e16 and below 1e-4. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power < -4 || power >= 16) {
    const digits = String(Math.abs(power)).padStart(2, '0')
    return `${mantissa}e${power < 0 ? '-' : '+'}${digits}`
  }
  if (power < 0) {
    const sign = mantissa.startsWith('-') ? '-' : ''
    return `${sign}0.${'0'.repeat(-power - 1)}${mantissa.replace(/[-.]/g, '')}`
  }
  const plain = String(value)
  return plain.includes('.') ? plain : `${plain}.0`
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
const UNPRINTABLE = /[\\\n\r\t]|(?! )[\p{C}\p{Z}]/gu

function escaped(character: string): string {
  const short = ESCAPES[character]
  if (short !== undefined) return short
  const code = character.codePointAt(0) ?? 0
  const hex = code.toString(16)
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}

export function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const body = text.replace(UNPRINTABLE, escaped)
  return quote + (quote === "'" ? body.replaceAll("'", "\\'") : body) + quote
}

/** Python's `repr`. */
export function repr(value: Value): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return floatText(value)
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`
  if (value instanceof Markup) return `Markup(${quoted(value.text)})`
  if (value instanceof Tuple) {
    const items = value.items.map(repr).join(', ')
    return value.items.length === 1 ? `(${items},)` : `(${items})`
  }
  if (value instanceof Dict)
    return `{${value
      .entries()
      .map(([key, item]) => `${repr(key)}: ${repr(item)}`)
      .join(', ')}}`
  if (value instanceof Undefined) return 'Undefined'
  if (value instanceof DictView) return `${value.typeName}([${value.items.map(repr).join(', ')}])`
  return value.repr?.() ?? unsupported(`printing a ${value.typeName}, whose text is an address in memory,`)
}

/** Python's `str`. */
export function str(value: Value): string {
  if (typeof value === 'string') return value
  if (value instanceof Markup) return value.text
  return value instanceof Undefined ? '' : repr(value)
}

/** The text of a str, or null for any other value. */
export function textOf(value: Value): string | null {
  if (typeof value === 'string') return value
  return value instanceof Markup ? value.text : null
}

/** HTML's special characters as entities, as `escape` writes them. */
export function escapeHtml(value: Value): string {
  if (value instanceof Markup) return value.text
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    "'": '&#39;',
    '"': '&#34;',
  }
  return str(value).replace(/[&<>'"]/g, (character) => entities[character] ?? character)
}

const HAS_PAIRS = /[\ud800-\udfff]/

/** Characters as Python counts them: code points. Text without surrogates is its own list. */
export function characters(text: string): string | string[] {
  return HAS_PAIRS.test(text) ? [...text] : text
}

export function textLength(text: string): number {
  return characters(text).length
}

/** Order of two texts by code points, as Python sorts them. */
export function compareText(a: string, b: string): number {
  if (!HAS_PAIRS.test(a) && !HAS_PAIRS.test(b)) return a < b ? -1 : a > b ? 1 : 0
  const left = Array.from(a, (character) => character.codePointAt(0) ?? 0)
  const right = Array.from(b, (character) => character.codePointAt(0) ?? 0)
  const at = left.findIndex((code, i) => code !== right[i])
  if (at < 0) return left.length - right.length
  return (left[at] ?? 0) - (right[at] ?? -1)
}
