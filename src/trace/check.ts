import { badFile } from '../formats/badFile.ts'
import type { JsonValue } from '../formats/strictJson.ts'

const SPELLED: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Infinity,
  '-Infinity': -Infinity,
}

/** A value of a header with its path: every question either gets an answer of the type asked for, or `bad-file` with the path. */
export class Field {
  private readonly file: string
  private readonly path: string
  private readonly value: JsonValue | undefined

  constructor(file: string, value: JsonValue | undefined, path = '') {
    this.file = file
    this.value = value
    this.path = path
  }

  refuse(expected: string): never {
    throw badFile(this.file, this.path === '' ? 'the header' : this.path, describe(this.value), expected)
  }

  get isNull(): boolean {
    return this.value === null
  }

  has(key: string): boolean {
    const { value } = this
    return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
  }

  string(): string {
    return typeof this.value === 'string' ? this.value : this.refuse('a string')
  }

  oneOf<const T extends string>(words: readonly T[]): T {
    const match = words.find((word) => word === this.value)
    return match ?? this.refuse(words.map((word) => `"${word}"`).join(' or '))
  }

  /** Any f64, with NaN and the infinities as the words that JSON has no numbers for. */
  number(): number {
    if (typeof this.value === 'number') return this.value
    const named = typeof this.value === 'string' ? SPELLED[this.value] : undefined
    return named ?? this.refuse('a number')
  }

  integer(low = 0, high = Number.MAX_SAFE_INTEGER): number {
    const { value } = this
    if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) return value
    const range = high === Number.MAX_SAFE_INTEGER ? `${low} or more` : `${low} to ${high}`
    return this.refuse(`a whole number, ${range}`)
  }

  list<T>(read: (item: Field, index: number) => T): T[] {
    if (!Array.isArray(this.value)) return this.refuse('a list')
    return this.value.map((item, index) => read(new Field(this.file, item, `${this.path}[${index}]`), index))
  }

  at(key: string): Field {
    const { value } = this
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.refuse('an object')
    return new Field(this.file, value[key], this.path === '' ? key : `${this.path}.${key}`)
  }

  /** An object of numbers. */
  numbers(): Record<string, number> {
    const { value } = this
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.refuse('an object')
    return Object.fromEntries(Object.keys(value).map((key) => [key, this.at(key).number()]))
  }
}

function describe(value: JsonValue | undefined): string {
  if (value === undefined) return 'missing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = typeof value === 'string' ? `"${value}"` : String(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
