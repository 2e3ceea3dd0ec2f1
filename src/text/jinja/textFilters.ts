import { capitalized } from './characterKinds.ts'
import type { FilterTable } from './filters.ts'
import { dumpJson, jsonOptions } from './json.ts'
import { arithmetic, checkSize, truthy, integerOf } from './operators.ts'
import { characters, escapeHtml, str, textLength, textOf } from './pythonText.ts'
import { padded, replaced, splitLines, stripped } from './textTools.ts'
import { Dict, fail, Markup, Tuple, unsupported, type Value } from './values.ts'

const WORD_START = /([-\s({[<]+)/
const WORDS = /[\p{L}\p{N}\p{M}_]+/gu

/** A text's filter keeps the mark of a safe one. */
function like(value: Value, text: string): Value {
  return value instanceof Markup ? new Markup(text) : text
}

function title(value: string): string {
  const parts = value.split(WORD_START).filter(Boolean)
  return parts
    .map((part) => {
      const [first = '', ...rest] = part
      return first.toUpperCase() + rest.join('').toLowerCase()
    })
    .join('')
}

function indented(value: Value, width: Value, first: boolean, blank: boolean): Value {
  const text = textOf(value)
  if (text === null) return fail('indent needs a text')
  const unit = textOf(width) ?? ' '.repeat(checked(integerOf(width)))
  const lines = splitLines(`${text}\n`)
  checkSize(text.length + unit.length * lines.length)
  const rest = lines.slice(1).map((line) => (line === '' && !blank ? line : unit + line))
  return like(value, (first ? unit : '') + [lines[0] ?? '', ...rest].join('\n'))
}

function checked(size: number): number {
  checkSize(size)
  return Math.max(0, size)
}

function truncated(text: string, length: number, kill: boolean, end: string, leeway: number): string {
  const all = Array.from(characters(text))
  if (all.length <= length + leeway) return text
  const cut = all.slice(0, length - textLength(end)).join('')
  if (kill) return cut + end
  const space = cut.lastIndexOf(' ')
  return (space < 0 ? cut : cut.slice(0, space)) + end
}

function fileSize(value: Value, binary: boolean): string {
  const bytes = Number(textOf(value) ?? value)
  const base = binary ? 1024 : 1000
  if (bytes === 1) return '1 Byte'
  if (bytes < base) return `${Math.trunc(bytes)} Bytes`
  const units = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y']
  const at = Math.min(units.findIndex((_, i) => bytes < base ** (i + 2)) >>> 0, units.length - 1)
  const prefix = binary ? `${(units[at] ?? '').toUpperCase()}iB` : `${units[at]}B`
  return `${((base * bytes) / base ** (at + 2)).toFixed(1)} ${prefix}`
}

function quoteUrl(value: Value, query: boolean): string {
  const text = encodeURIComponent(str(value)).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return query ? text.replaceAll('%20', '+') : text.replaceAll('%2F', '/')
}

function urlEncode(value: Value): string {
  const text = textOf(value)
  if (text !== null) return quoteUrl(text, false)
  if (!(value instanceof Dict)) return unsupported("the filter 'urlencode' of anything but a text or a dict")
  return value
    .entries()
    .map(([key, item]) => `${quoteUrl(key, true)}=${quoteUrl(item, true)}`)
    .join('&')
}

/** Filters that give a text, by their arguments' names; `?` marks what may be left out. */
export const TEXT_FILTERS: FilterTable = {
  capitalize: ['', (value) => like(value, capitalized(str(value)))],
  center: [
    'width?',
    (value, [width]) => like(value, padded(str(value), checked(integerOf(width ?? 80n)), ' ', 'center')),
  ],
  e: ['', (value) => new Markup(escapeHtml(value))],
  escape: ['', (value) => new Markup(escapeHtml(value))],
  filesizeformat: ['binary?', (value, [binary]) => fileSize(value, truthy(binary ?? false))],
  forceescape: ['', (value) => new Markup(escapeHtml(str(value)))],
  indent: [
    'width? first? blank?',
    (value, [width, first, blank]) =>
      indented(value, width ?? 4n, truthy(first ?? false), truthy(blank ?? false)),
  ],
  lower: ['', (value) => like(value, str(value).toLowerCase())],
  replace: [
    'old new count?',
    (value, [from, to, limit]) => {
      const count = limit === undefined || limit === null ? -1 : integerOf(limit)
      const text = replaced(str(value), str(from ?? null), str(to ?? null), count)
      checkSize(text.length)
      return text
    },
  ],
  safe: ['', (value) => new Markup(str(value))],
  string: ['', (value) => (value instanceof Markup ? value : str(value))],
  striptags: ['', () => unsupported("the filter 'striptags'")],
  title: ['', (value) => title(str(value))],
  tojson: [
    'ensure_ascii? indent? separators? sort_keys?',
    (value, [ascii, indent, separators, sort]) =>
      dumpJson(value, jsonOptions(ascii, indent, separators, sort)),
  ],
  trim: [
    'chars?',
    (value, [chars]) =>
      like(value, stripped(str(value), chars === undefined || chars === null ? null : str(chars), 'both')),
  ],
  truncate: [
    'length? killwords? end? leeway?',
    (value, [length, kill, end, leeway]) =>
      truncated(
        str(value),
        integerOf(length ?? 255n),
        truthy(kill ?? false),
        str(end ?? '...'),
        integerOf(leeway ?? 5n),
      ),
  ],
  upper: ['', (value) => like(value, str(value).toUpperCase())],
  urlencode: ['', urlEncode],
  wordcount: ['', (value) => BigInt(str(value).match(WORDS)?.length ?? 0)],
}

/** `format` takes any arguments. */
export function formatFilter(value: Value, args: Value[], named: ReadonlyMap<string, Value>): Value {
  if (args.length > 0 && named.size > 0)
    return fail("can't handle positional and keyword arguments at the same time")
  return arithmetic('%', str(value), named.size > 0 ? new Dict(named) : new Tuple(args))
}
