/** Numbers as the page prints them: few digits, a fixed width, a true minus sign. */

/** 6,400,000 → 6.40 MB: powers of ten, as downloads and files are counted elsewhere. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB']
  let value = bytes / 1000
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${units[unit]}`
}

export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** 3,212,345 → 3.2 M. */
export function formatMagnitude(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} B`
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} M`
  if (count >= 1e3) return `${(count / 1e3).toFixed(0)} K`
  return String(count)
}

/** 3,290,000 → 329만: Korean counts in myriads. */
export function formatMyriads(count: number): string {
  const unit = count >= 1e8 ? '억' : count >= 1e4 ? '만' : ''
  const value = unit === '억' ? count / 1e8 : unit === '만' ? count / 1e4 : count
  return `${Number(value.toPrecision(3)).toLocaleString('en-US')}${unit}`
}

/** A probability as a percentage of constant precision; tiny ones as a power of ten. */
export function formatProbability(probability: number): string {
  if (Number.isNaN(probability)) return 'NaN'
  if (probability === 0) return '0%'
  const percent = probability * 100
  if (percent >= 99.995) return '100%'
  if (percent >= 10) return `${percent.toFixed(1)}%`
  if (percent >= 0.01) return `${percent.toFixed(2)}%`
  return formatPower(probability)
}

/** 3.2e-7 → 3.2 × 10⁻⁷, with real superscripts so that it copies as text. */
export function formatPower(value: number): string {
  const [digits = '', exponent = '0'] = value.toExponential(1).split('e')
  const superscript = [...String(Number(exponent))].map((sign) => SUPERSCRIPTS[sign] ?? sign).join('')
  return `${digits}·10${superscript}`
}

const SUPERSCRIPTS: Readonly<Record<string, string>> = {
  '-': '⁻',
  '0': '⁰',
  '1': '¹',
  '2': '²',
  '3': '³',
  '4': '⁴',
  '5': '⁵',
  '6': '⁶',
  '7': '⁷',
  '8': '⁸',
  '9': '⁹',
}

export function formatFixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞'
  const text = Math.abs(value).toFixed(digits)
  return value < 0 && Number(text) !== 0 ? `−${text}` : text
}

/** Tokens per second: three significant digits. */
export function formatSpeed(perSecond: number): string {
  if (perSecond >= 100) return formatCount(Math.round(perSecond))
  return perSecond.toFixed(perSecond >= 10 ? 1 : 2)
}
