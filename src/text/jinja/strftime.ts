import { TemplateFault } from './values.ts'

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]
const DAY_MS = 86_400_000
const CODE = /%(?<flag>[-_0^#]?)(?<letter>[\s\S])?/g

function dayOfYear(date: Date): number {
  const at = (year: number, month: number, day: number) => Date.UTC(year, month, day)
  const start = at(date.getFullYear(), 0, 1)
  return Math.round((at(date.getFullYear(), date.getMonth(), date.getDate()) - start) / DAY_MS) + 1
}

/** ISO 8601 year and week: the week belongs to the year that has its Thursday. */
function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 4 - (date.getDay() || 7))
  return { year: thursday.getFullYear(), week: Math.ceil(dayOfYear(thursday) / 7) }
}

type Field = [value: number | string, width?: number, fill?: '0' | ' ']

function field(date: Date, letter: string): Field | string | null {
  const hour12 = date.getHours() % 12 || 12
  const year = date.getFullYear()
  switch (letter) {
    case 'a':
      return (DAYS[date.getDay()] ?? '').slice(0, 3)
    case 'A':
      return DAYS[date.getDay()] ?? ''
    case 'b':
    case 'h':
      return (MONTHS[date.getMonth()] ?? '').slice(0, 3)
    case 'B':
      return MONTHS[date.getMonth()] ?? ''
    case 'C':
      return [Math.floor(year / 100), 2]
    case 'd':
      return [date.getDate(), 2]
    case 'e':
      return [date.getDate(), 2, ' ']
    case 'f':
      return [date.getMilliseconds() * 1000, 6]
    case 'G':
      return [isoWeek(date).year]
    case 'g':
      return [isoWeek(date).year % 100, 2]
    case 'H':
      return [date.getHours(), 2]
    case 'I':
      return [hour12, 2]
    case 'j':
      return [dayOfYear(date), 3]
    case 'k':
      return [date.getHours(), 2, ' ']
    case 'l':
      return [hour12, 2, ' ']
    case 'm':
      return [date.getMonth() + 1, 2]
    case 'M':
      return [date.getMinutes(), 2]
    case 'p':
      return date.getHours() < 12 ? 'AM' : 'PM'
    case 'P':
      return date.getHours() < 12 ? 'am' : 'pm'
    case 's':
      return [Math.floor(date.getTime() / 1000)]
    case 'S':
      return [date.getSeconds(), 2]
    case 'u':
      return [date.getDay() || 7]
    case 'U':
      return [Math.floor((dayOfYear(date) + 6 - date.getDay()) / 7), 2]
    case 'V':
      return [isoWeek(date).week, 2]
    case 'w':
      return [date.getDay()]
    case 'W':
      return [Math.floor((dayOfYear(date) + 6 - ((date.getDay() + 6) % 7)) / 7), 2]
    case 'y':
      return [year % 100, 2]
    case 'Y':
      return [year]
    default:
      return null
  }
}

/** Letters that stand for several others, in the C locale. */
const COMPOSED: Readonly<Record<string, string>> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  r: '%I:%M:%S %p',
  R: '%H:%M',
  T: '%H:%M:%S',
  x: '%m/%d/%y',
  X: '%H:%M:%S',
}
const PLAIN: Readonly<Record<string, string>> = { n: '\n', t: '\t', '%': '%', z: '', Z: '' }

/**
 * Python's `datetime.strftime` of a date without a zone, in local time with English names.
 * @param date read in local time
 */
export function strftime(date: Date, format: string): string {
  return format.replace(CODE, (match, flag: string, letter?: string) => {
    if (letter === undefined) return match
    if (Object.hasOwn(PLAIN, letter)) return PLAIN[letter] ?? ''
    const composed = Object.hasOwn(COMPOSED, letter) ? COMPOSED[letter] : undefined
    if (composed !== undefined) return strftime(date, composed)
    const formatted = field(date, letter)
    if (formatted === null)
      throw new TemplateFault('unsupported', `the date code ${match} is not supported here`)
    if (typeof formatted === 'string') return flag === '^' ? formatted.toUpperCase() : formatted
    const [value, width = 0, fill = '0'] = formatted
    const padding = flag === '-' ? '' : flag === '_' ? ' ' : flag === '0' ? '0' : fill
    return padding === '' ? String(value) : String(value).padStart(width, padding)
  })
}
