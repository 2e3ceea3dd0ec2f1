import { element } from './attributes.ts'
import { fixed } from './numberFormat.ts'
import { numeric } from './operators.ts'
import { characters, textOf } from './pythonText.ts'
import { Undefined, type Value } from './values.ts'

export type Getter = (value: Value) => Value

/** Texts in lower case, for orders that ignore case. */
export function ignoreCase(value: Value): Value {
  return textOf(value)?.toLowerCase() ?? value
}

/**
 * Looks an attribute up as the `attribute` argument of filters says: `a.b.0`, or a number.
 * @param fallback in place of what is undefined
 */
export function getter(attribute: Value | undefined, fallback?: Value): Getter {
  if (attribute === undefined || attribute === null) return (value) => value
  const name = textOf(attribute)
  const parts: Value[] =
    name === null ? [attribute] : name.split('.').map((p) => (/^\d+$/.test(p) ? BigInt(p) : p))
  return (value) => {
    let current = value
    for (const part of parts) {
      current = element(current, part)
      if (current instanceof Undefined && fallback !== undefined && fallback !== null) current = fallback
    }
    return current
  }
}

export function firstCharacter(text: string): string {
  return characters(text)[0] ?? ''
}

/** Python's `round`: half to even, exactly as the decimal value of the float stands. */
export function rounded(value: Value, precision: number): number | bigint | null {
  const number = numeric(value)
  if (number === null) return null
  if (typeof number === 'bigint') return precision >= 0 ? number : roundedWhole(number, precision)
  if (!Number.isFinite(number)) return number
  if (precision < 0) {
    const unit = 10 ** -precision
    return halfEven(number / unit) * unit
  }
  if (precision === 0) return halfEven(number)
  return precision > 20 ? number : Number(fixed(number, precision))
}

function halfEven(value: number): number {
  const low = Math.floor(value)
  const rest = value - low
  if (rest !== 0.5) return Math.round(value)
  return low % 2 === 0 ? low : low + 1
}

function roundedWhole(value: bigint, precision: number): bigint {
  const unit = 10n ** BigInt(-precision)
  const half = unit / 2n
  const rest = ((value % unit) + unit) % unit
  const low = value - rest
  if (rest !== half) return rest > half ? low + unit : low
  return (low / unit) % 2n === 0n ? low : low + unit
}

const WHOLE = /^[-+]?\d+(?:_\d+)*$/
const FLOAT = /^[-+]?(?:(?:\d+(?:_\d+)*)?\.?\d+(?:_\d+)*\.?(?:e[-+]?\d+)?|inf(?:inity)?|nan)$/i

/** Python's `float(text)`; null where it would refuse. */
export function parseFloatText(text: string): number | null {
  const trimmed = text.trim().replaceAll('_', '').toLowerCase()
  if (!FLOAT.test(trimmed)) return null
  const size = trimmed.replace(/^[-+]/, '')
  const value = size.startsWith('inf') ? Infinity : size === 'nan' ? NaN : Number(size)
  return trimmed.startsWith('-') ? -value : value
}

/** Python's `int(text, base)`; null where it would refuse. */
export function parseWhole(text: string, base: number): bigint | null {
  const trimmed = text.trim()
  if (base === 10) return WHOLE.test(trimmed) ? BigInt(trimmed.replaceAll('_', '').replace(/^\+/, '')) : null
  const [, sign = '', digits = ''] = /^([-+]?)(?:0[xob])?([0-9a-z]+)$/i.exec(trimmed) ?? []
  const value = [...digits.toLowerCase()].map((digit) => parseInt(digit, 36))
  if (value.length === 0 || value.some((digit) => digit >= base)) return null
  const size = value.reduce((sum, digit) => sum * BigInt(base) + BigInt(digit), 0n)
  return sign === '-' ? -size : size
}
