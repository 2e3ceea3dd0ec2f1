import { TokenscopeError, type ErrorCode } from '../errors.ts'

/** Bounds that no real model comes near; they stop a hostile config before anything is sized by it. */
const MAX_COUNT = 2 ** 31 - 1
export const LIMITS = { layers: 4096, heads: 4096, width: 2 ** 20, vocab: 2 ** 24 } as const

function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return String(value)
  const text = JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}` : inner))
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

/**
 * Reads fields of a parsed `config.json`. An absent field and `null` are the same: the fallback, when there is one.
 * Every refusal names the file, the field, what it held and what may stand there.
 */
export class ConfigReader {
  readonly file: string
  readonly #path: string
  readonly #fields: Readonly<Record<string, unknown>>
  readonly #names: Readonly<Record<string, string>>

  constructor(config: unknown, file: string, path = '', names: Readonly<Record<string, string>> = {}) {
    this.file = file
    this.#path = path
    this.#names = names
    if (typeof config !== 'object' || config === null || Array.isArray(config)) {
      throw new TokenscopeError(
        'bad-file',
        `${file}: ${path || 'the file'} is not a JSON object, got ${show(config)}.`,
        {
          hint: 'The config.json beside the weights describes the model; use the one the model was published with.',
          details: { file, field: path, got: show(config), expected: 'a JSON object' },
        },
      )
    }
    this.#fields = config as Readonly<Record<string, unknown>>
  }

  /** The same fields, some read under the names they have here: `hidden_size` as `dim`. */
  renamed(names: Readonly<Record<string, string>>): ConfigReader {
    return new ConfigReader(this.#fields, this.file, this.#path, names)
  }

  #nameOf(name: string): string {
    return this.#names[name] ?? name
  }

  /** The raw value, `undefined` for an absent or null field. Own fields only. */
  get(name: string): unknown {
    const value = this.has(name) ? this.#fields[this.#nameOf(name)] : undefined
    return value === null ? undefined : value
  }

  /** True when the field is there at all, even as null. */
  has(name: string): boolean {
    return Object.hasOwn(this.#fields, this.#nameOf(name))
  }

  fail(name: string, expected: string, code: ErrorCode = 'bad-file', hint?: string): TokenscopeError {
    const field = this.#path + this.#nameOf(name)
    const got = show(this.get(name))
    return new TokenscopeError(code, `${this.file}: ${field} is ${got}, expected ${expected}.`, {
      hint:
        hint ??
        (code === 'unsupported'
          ? 'This kind of model cannot be run here yet.'
          : 'The file is damaged or was written by something else; fetch the model again.'),
      details: { file: this.file, field, got, expected },
    })
  }

  /** A whole number from 1 (or `min`) to `max`. */
  count(name: string, options: { fallback?: number; min?: number; max?: number } = {}): number {
    const { fallback, min = 1, max = MAX_COUNT } = options
    const value = this.get(name) ?? fallback
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
    throw this.fail(name, `a whole number from ${min} to ${max}`)
  }

  /** A finite number above zero. */
  positive(name: string, fallback?: number): number {
    const value = this.get(name) ?? fallback
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
    throw this.fail(name, 'a finite number above 0')
  }

  /** A finite number. */
  number(name: string, fallback?: number): number {
    const value = this.get(name) ?? fallback
    if (typeof value === 'number' && Number.isFinite(value)) return value
    throw this.fail(name, 'a finite number')
  }

  /** A list of finite numbers. */
  numbers(name: string): number[] {
    const value = this.get(name)
    const list: unknown[] = Array.isArray(value) ? value : []
    if (list.length > 0 && list.every((entry) => typeof entry === 'number' && Number.isFinite(entry)))
      return list as number[]
    throw this.fail(name, 'a list of finite numbers')
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.get(name) ?? fallback
    if (typeof value === 'boolean') return value
    throw this.fail(name, 'true or false')
  }

  text(name: string, fallback?: string): string {
    const value = this.get(name) ?? fallback
    if (typeof value === 'string') return value
    throw this.fail(name, 'a string')
  }

  section(name: string): ConfigReader | null {
    const value = this.get(name)
    return value === undefined ? null : new ConfigReader(value, this.file, `${this.#path}${name}.`)
  }

  /** Token ids: one, a list, or none. An explicit null means none; an absent field means `fallback`. */
  ids(name: string, fallback: readonly number[]): number[] {
    if (!this.has(name)) return [...fallback]
    const value = this.get(name)
    const list: unknown[] = value === undefined ? [] : Array.isArray(value) ? value : [value]
    return list.map((id) => {
      if (typeof id === 'number' && Number.isInteger(id)) return id
      throw this.fail(name, 'a token id, a list of token ids, or null')
    })
  }
}
