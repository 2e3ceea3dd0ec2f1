import { compare, iterate, truthy } from './operators.ts'
import { floatText, textOf, typeName } from './pythonText.ts'
import { Dict, fail, Tuple, type Value } from './values.ts'

export interface JsonOptions {
  ascii: boolean
  /** What one level is indented by; null writes one line. */
  indent: string | null
  separators: [item: string, key: string]
  sort: boolean
}

const TO_ASCII = /["\\]|[^ -~]/g
const TO_UNICODE = new RegExp(String.raw`["\\\x00-\x1f]`, 'g')
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\f': '\\f',
  '\b': '\\b',
}

function quoted(text: string, ascii: boolean): string {
  const pattern = ascii ? TO_ASCII : TO_UNICODE
  return `"${text.replace(pattern, (unit) => SHORT_ESCAPES[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`
}

function floatJson(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  return Number.isFinite(value) ? floatText(value) : value > 0 ? 'Infinity' : '-Infinity'
}

function scalar(value: Value, ascii: boolean): string | null {
  const text = textOf(value)
  if (text !== null) return quoted(text, ascii)
  if (value === null) return 'null'
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  return typeof value === 'number' ? floatJson(value) : null
}

function keyText(key: Value, ascii: boolean): string {
  const text = textOf(key) ?? scalar(key, ascii)
  return text ?? fail(`keys must be str, int, float, bool or None, not ${typeName(key)}`)
}

/** Python's `json.dumps`. */
export function dumpJson(value: Value, options: JsonOptions, depth = 0): string {
  const { ascii, indent, separators, sort } = options
  const simple = scalar(value, ascii)
  if (simple !== null) return simple
  const wrap = (open: string, parts: string[], close: string): string => {
    if (parts.length === 0) return open + close
    if (indent === null) return open + parts.join(separators[0]) + close
    const inner = `\n${indent.repeat(depth + 1)}`
    return `${open}${inner}${parts.join(separators[0] + inner)}\n${indent.repeat(depth)}${close}`
  }
  const items = value instanceof Tuple ? value.items : value
  if (Array.isArray(items))
    return wrap(
      '[',
      items.map((item: Value) => dumpJson(item, options, depth + 1)),
      ']',
    )
  if (!(value instanceof Dict)) return fail(`Object of type ${typeName(value)} is not JSON serializable`)
  const entries = value.entries()
  if (sort) entries.sort(([a], [b]) => compare(a, b))
  const parts = entries.map(([key, item]) => {
    return `${quoted(keyText(key, ascii), ascii)}${separators[1]}${dumpJson(item, options, depth + 1)}`
  })
  return wrap('{', parts, '}')
}

/** The options of Transformers' `tojson` from its arguments. */
export function jsonOptions(
  ascii: Value | undefined,
  indent: Value | undefined,
  separators: Value | undefined,
  sort: Value | undefined,
): JsonOptions {
  const step = indent ?? null
  const unit = step === null ? null : (textOf(step) ?? ' '.repeat(Math.max(0, Number(step))))
  const given = separators ?? null
  const pair = given === null ? [step === null ? ', ' : ',', ': '] : Array.from(iterate(given), textOf)
  const [item, key] = pair
  if (typeof item !== 'string' || typeof key !== 'string' || pair.length !== 2)
    return fail('separators must be two texts')
  return { ascii: truthy(ascii ?? false), indent: unit, separators: [item, key], sort: truthy(sort ?? false) }
}
