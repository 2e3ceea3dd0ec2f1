import { badFile } from '../badFile.ts'

export type GgufNumberType =
  'uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32' | 'float32' | 'uint64' | 'int64' | 'float64'
export type GgufScalarType = GgufNumberType | 'bool' | 'string'

export type GgufNumbers =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigUint64Array
  | BigInt64Array

/** One value of the metadata. 64-bit integers are numbers up to ±(2⁵³ − 1) and bigints beyond. */
export type GgufField =
  | { type: 'string'; value: string }
  | { type: 'bool'; value: boolean }
  | { type: GgufNumberType; value: number | bigint }
  | { type: 'array'; of: 'string'; value: readonly string[] }
  | { type: 'array'; of: 'bool'; value: readonly boolean[] }
  | { type: 'array'; of: GgufNumberType; value: GgufNumbers }

export type GgufMetadata = ReadonlyMap<string, GgufField>

/** The ids of value types are the places in this list; `array` is 9. */
export const VALUE_TYPES = [
  'uint8',
  'int8',
  'uint16',
  'int16',
  'uint32',
  'int32',
  'float32',
  'bool',
  'string',
  'array',
  'uint64',
  'int64',
  'float64',
] as const satisfies readonly (GgufScalarType | 'array')[]

/** What a field is, for a message. */
function shown(field: GgufField | undefined): string {
  if (field === undefined) return 'missing'
  if (field.type === 'array') return `a list of ${field.value.length} ${field.of}`
  return typeof field.value === 'string' ? JSON.stringify(field.value.slice(0, 60)) : String(field.value)
}

/**
 * Reads typed values out of metadata. An absent key gives the fallback, and without one a refusal; a value of another
 * type is refused either way, naming file, key, what it held and what may stand there.
 */
export class GgufFields {
  readonly file: string
  readonly #fields: GgufMetadata

  constructor(fields: GgufMetadata, file: string) {
    this.#fields = fields
    this.file = file
  }

  has(key: string): boolean {
    return this.#fields.has(key)
  }

  keys(): Iterable<string> {
    return this.#fields.keys()
  }

  fail(key: string, expected: string): Error {
    const hint = 'The file is damaged or was written by something else; fetch the model again.'
    return badFile(this.file, key, shown(this.#fields.get(key)), expected, hint)
  }

  #read<T>(
    key: string,
    fallback: T | undefined,
    expected: string,
    pick: (field: GgufField) => T | undefined,
  ): T {
    const field = this.#fields.get(key)
    const value = field === undefined ? fallback : pick(field)
    if (value === undefined) throw this.fail(key, expected)
    return value
  }

  text(key: string, fallback?: string): string {
    return this.#read(key, fallback, 'a string', (field) =>
      field.type === 'string' ? field.value : undefined,
    )
  }

  flag(key: string, fallback?: boolean): boolean {
    return this.#read(key, fallback, 'true or false', (field) =>
      field.type === 'bool' ? field.value : undefined,
    )
  }

  /** A whole number from `min` to `max`, of any integer type. */
  count(key: string, options: { fallback?: number; min?: number; max?: number } = {}): number {
    const { fallback, min = 0, max = 2 ** 31 - 1 } = options
    return this.#read(key, fallback, `a whole number from ${min} to ${max}`, ({ type, value }) => {
      const integer = type !== 'float32' && type !== 'float64' && typeof value === 'number'
      return integer && value >= min && value <= max ? value : undefined
    })
  }

  /** A finite number of any numeric type; f32 values come out as their shortest decimal, `1e-5` rather than 9.99e-6. */
  number(key: string, fallback?: number): number {
    return this.#read(key, fallback, 'a finite number', ({ type, value }) => {
      if (typeof value !== 'number' || !Number.isFinite(value)) return undefined
      return type === 'float32' ? shortestF32(value) : value
    })
  }

  positive(key: string, fallback?: number): number {
    const value = this.number(key, fallback)
    if (value <= 0) throw this.fail(key, 'a finite number above 0')
    return value
  }

  strings(key: string, fallback?: readonly string[]): readonly string[] {
    return this.#read(key, fallback, 'a list of strings', (field) =>
      field.type === 'array' && field.of === 'string' ? field.value : undefined,
    )
  }

  /** A list of numbers, null when absent. 64-bit integers are not read this way. */
  numbers(key: string): ArrayLike<number> | null {
    return this.#read<ArrayLike<number> | null>(key, null, 'a list of numbers', (field) => {
      if (field.type !== 'array' || field.of === 'string' || field.of === 'bool') return undefined
      const { value } = field
      return value instanceof BigUint64Array || value instanceof BigInt64Array ? undefined : value
    })
  }

  /** The raw field. */
  get(key: string): GgufField | undefined {
    return this.#fields.get(key)
  }
}

/** The shortest decimal that rounds to the same f32: what the config held before it was stored as one. */
export function shortestF32(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}
