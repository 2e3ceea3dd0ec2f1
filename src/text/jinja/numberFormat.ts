import { numeric, integerOf } from './operators.ts'
import { characters, floatText, str, textOf, typeName } from './pythonText.ts'
import { padded } from './textTools.ts'
import { fail, unsupported, type Value } from './values.ts'

/** A float in so many decimals; of two that are equally near, the even one, where `toFixed` takes the larger. */
export function fixed(value: number, precision: number): string {
  const text = value.toFixed(precision)
  // Halfway between two decimals lie odd multiples of 2^-(precision + 1), and scaling by a power of two is exact.
  const isTie = Math.abs((value * 2 ** (precision + 1)) % 2) === 1
  if (!isTie || Number(text.at(-1)) % 2 === 0) return text
  return value.toFixed(precision + 1).slice(0, precision === 0 ? -2 : -1)
}

/** A float as C's `%e` writes it: two digits of exponent at least. */
function exponential(value: number, precision: number): string {
  const [mantissa = '', exponent = '0'] = value.toExponential(precision).split('e')
  const power = Number(exponent)
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

/** A float as C's `%g` writes it: so many digits that count, without zeros at the end unless asked. */
function general(value: number, precision: number, alternate: boolean): string {
  const digits = Math.max(1, precision)
  if (value === 0) return '0'
  const power = Number(value.toExponential(digits - 1).split('e')[1])
  const scientific = power < -4 || power >= digits
  const text = scientific ? exponential(value, digits - 1) : value.toFixed(digits - 1 - power)
  if (alternate || !text.includes('.')) return text
  return text.replace(/\.?0+(?=e|$)/, '')
}

/** A float of no sign under a presentation letter. */
export function floatDigits(value: number, letter: string, precision: number, alternate = false): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : 'inf'
  switch (letter.toLowerCase()) {
    case 'f':
      return fixed(value, precision)
    case 'e':
      return exponential(value, precision)
    default:
      return general(value, precision, alternate)
  }
}

const SPEC =
  /^(?:(?<fill>[\s\S])?(?<align>[<>=^]))?(?<sign>[-+ ])?(?<alternate>#)?(?<zero>0)?(?<width>\d+)?(?<group>[,_])?(?:\.(?<precision>\d+))?(?<letter>[bcdeEfFgGnosxX%])?$/u
const BASES: Readonly<Record<string, number>> = { b: 2, o: 8, d: 10, x: 16, X: 16 }

function grouped(digits: string, separator: string): string {
  const [, integer = '', rest = ''] = /^(\d+)([\s\S]*)$/.exec(digits) ?? []
  return integer.replace(/\B(?=(?:\d{3})+$)/g, separator) + rest
}

interface Spec {
  letter: string | undefined
  precision: string | undefined
  alternate: boolean
}

/** The digits of a number's size. */
function magnitude(value: bigint | number, { letter, precision, alternate }: Spec): string {
  if (typeof value === 'bigint' && (letter === undefined || letter in BASES)) {
    if (precision !== undefined) return fail('Precision not allowed in integer format specifier')
    const base = BASES[letter ?? 'd'] ?? 10
    const digits = (alternate && base !== 10 ? `0${letter?.toLowerCase()}` : '') + value.toString(base)
    return letter === 'X' ? digits.toUpperCase() : digits
  }
  const number = Number(value)
  if (letter === '%') return `${fixed(number * 100, Number(precision ?? 6))}%`
  if (letter === undefined) {
    if (precision === undefined) return floatText(number)
    return unsupported('a precision without a letter in a format')
  }
  if (!'eEfFgG'.includes(letter)) return fail(`Unknown format code '${letter}' for object of type 'float'`)
  const digits = floatDigits(number, letter, Number(precision ?? 6), alternate)
  return letter === letter.toUpperCase() ? digits.toUpperCase() : digits
}

/** Python's `format(value, spec)`. */
export function formatValue(value: Value, spec: string): string {
  if (spec === '') return str(value)
  const groups = SPEC.exec(spec)?.groups
  if (groups === undefined) return fail(`Invalid format specifier '${spec}'`)
  const { fill, align, sign, zero, width = '0', group, precision, letter } = groups
  const text = textOf(value)
  if (text !== null) {
    if (letter !== undefined && letter !== 's')
      return fail(`Unknown format code '${letter}' for object of type 'str'`)
    const cut =
      precision === undefined ? text : Array.from(characters(text)).slice(0, Number(precision)).join('')
    return aligned(cut, Number(width), fill ?? ' ', align ?? '<')
  }
  const number = numeric(value)
  if (number === null) return fail(`unsupported format string passed to ${typeName(value)}.__format__`)
  if (letter === 'c') return String.fromCodePoint(integerOf(value))
  if (letter === 's') return fail(`Unknown format code 's' for object of type '${typeName(value)}'`)
  const negative = number < 0 || Object.is(number, -0)
  const size = negative ? -number : number
  const digits = magnitude(size, {
    letter: letter === 'n' ? undefined : letter,
    precision,
    alternate: groups['alternate'] !== undefined,
  })
  const signed = negative ? '-' : sign === '+' || sign === ' ' ? sign : ''
  const body = group === undefined ? digits : grouped(digits, group)
  const filling = fill ?? (zero === undefined ? ' ' : '0')
  const place = align ?? (zero === undefined ? '>' : '=')
  if (place === '=') return signed + padded(body, Number(width) - signed.length, filling, 'left')
  return aligned(signed + body, Number(width), filling, place)
}

function aligned(text: string, width: number, fill: string, align: string): string {
  if (align === '^') {
    const missing = Math.max(0, width - characters(text).length)
    const left = Math.floor(missing / 2)
    return fill.repeat(left) + text + fill.repeat(missing - left)
  }
  return padded(text, width, fill, align === '<' ? 'right' : 'left')
}
