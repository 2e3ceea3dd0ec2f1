import { floatDigits } from './numberFormat.ts'
import { numeric } from './operators.ts'
import { characters, repr, str, textOf, typeName } from './pythonText.ts'
import { padded } from './textTools.ts'
import { Dict, fail, Tuple, unsupported, type Value } from './values.ts'

const FIELD =
  /%(?:\((?<key>[^)]*)\))?(?<flags>[-+ #0]*)(?<width>\*|\d+)?(?:\.(?<precision>\*|\d*))?[hlL]?(?<letter>[\s\S])?/g

type Groups = Record<string, string | undefined>

function signed(negative: boolean, flags: string): string {
  if (negative) return '-'
  return flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : ''
}

function wholePart(value: Value, letter: string): bigint {
  const number = numeric(value)
  if (number === null || (typeof number === 'number' && !'diu'.includes(letter)))
    return fail(`%${letter} format: a number is required, not ${typeName(value)}`)
  return typeof number === 'bigint' ? number : BigInt(Math.trunc(number))
}

function numberText(
  value: Value,
  { flags = '', precision }: Groups,
  letter: string,
): [sign: string, digits: string] {
  if ('diuoxX'.includes(letter)) {
    const number = wholePart(value, letter)
    const base = letter === 'o' ? 8 : letter.toLowerCase() === 'x' ? 16 : 10
    const digits = (number < 0n ? -number : number).toString(base).padStart(Number(precision ?? 0), '0')
    const prefix = flags.includes('#') && base !== 10 ? `0${letter}` : ''
    return [signed(number < 0n, flags) + prefix, letter === 'X' ? digits.toUpperCase() : digits]
  }
  const number = numeric(value)
  if (number === null) return fail(`must be real number, not ${typeName(value)}`)
  const float = Number(number)
  const digits = floatDigits(Math.abs(float), letter, Number(precision ?? 6), flags.includes('#'))
  return [
    signed(float < 0 || Object.is(float, -0), flags),
    letter === letter.toUpperCase() ? digits.toUpperCase() : digits,
  ]
}

function field(value: Value, groups: Groups): string {
  const { flags = '', width, letter = '', precision } = groups
  const size = Number(width ?? 0)
  const side = flags.includes('-') ? 'right' : 'left'
  if (letter === 's' || letter === 'r') {
    const text = letter === 's' ? str(value) : repr(value)
    const cut =
      precision === undefined ? text : Array.from(characters(text)).slice(0, Number(precision)).join('')
    return padded(cut, size, ' ', side)
  }
  if (letter === 'c') {
    const text = textOf(value)
    return padded(text ?? String.fromCodePoint(Number(wholePart(value, 'd'))), size, ' ', side)
  }
  if (!'diuoxXeEfFgG'.includes(letter)) return fail(`unsupported format character '${letter}'`)
  const [sign, digits] = numberText(value, groups, letter)
  if (flags.includes('0') && side === 'left') return sign + padded(digits, size - sign.length, '0', 'left')
  return padded(sign + digits, size, ' ', side)
}

/** Python's `text % values`. */
export function percentFormat(pattern: string, values: Value): string {
  const items = values instanceof Tuple ? values.items : [values]
  let used = 0
  let byName = false
  const text = pattern.replace(FIELD, (_whole, ...rest) => {
    const groups = rest.at(-1) as Groups
    const { key, letter, width, precision } = groups
    if (letter === undefined) return fail('incomplete format')
    if (letter === '%') return '%'
    if (width === '*' || precision === '*') return unsupported('a width from the values of a format')
    if (key === undefined) {
      const value = items[used++]
      return value === undefined ? fail('not enough arguments for format string') : field(value, groups)
    }
    byName = true
    if (!(values instanceof Dict)) return fail('format requires a mapping')
    const value = values.get(key)
    return value === undefined ? fail(`'${key}'`) : field(value, groups)
  })
  const leftOver = !byName && used < items.length && !(values instanceof Dict) && !Array.isArray(values)
  return leftOver ? fail('not all arguments converted during string formatting') : text
}
