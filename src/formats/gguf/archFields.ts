import { badFile } from '../badFile.ts'
import type { GgufFields } from './fields.ts'
import { ropeScaling, type RopeFactors } from './ropeScaling.ts'

/** Bounds that no real model comes near. */
const MAX = { layers: 4096, heads: 4096, width: 2 ** 20, context: 2 ** 31 - 1 } as const

/**
 * The metadata of one architecture, whose keys stand behind its name. Sizes are checked against each other when they are
 * read; a size that differs by layer is refused, as no architecture here has one.
 */
export class ArchitectureFields {
  readonly #fields: GgufFields
  readonly #name: string
  readonly #hasTensor: (name: string) => boolean
  readonly #factors: RopeFactors
  readonly hidden: number
  readonly layers: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly context: number

  /** @param factors what the tensors of rotary factors hold */
  constructor(name: string, fields: GgufFields, hasTensor: (name: string) => boolean, factors: RopeFactors) {
    this.#name = name
    this.#fields = fields
    this.#hasTensor = hasTensor
    this.#factors = factors
    this.layers = this.count('block_count', { min: 1, max: MAX.layers })
    this.hidden = this.count('embedding_length', { min: 1, max: MAX.width })
    this.context = this.count('context_length', { min: 1, max: MAX.context })
    this.heads = this.#uniform('attention.head_count', MAX.heads)
    this.kvHeads = this.has('attention.head_count_kv')
      ? this.#uniform('attention.head_count_kv', MAX.heads)
      : this.heads
    this.headDim = this.#headSize()
  }

  get file(): string {
    return this.#fields.file
  }

  has(key: string): boolean {
    return this.#fields.has(this.#key(key))
  }

  hasTensor(name: string): boolean {
    return this.#hasTensor(name)
  }

  count(key: string, options: { fallback?: number; min?: number; max?: number } = {}): number {
    return this.#fields.count(this.#key(key), options)
  }

  positive(key: string, fallback?: number): number {
    return this.#fields.positive(this.#key(key), fallback)
  }

  text(key: string, fallback?: string): string {
    return this.#fields.text(this.#key(key), fallback)
  }

  /** Width of the MLP. */
  get feedForward(): number {
    return this.#uniform('feed_forward_length', MAX.width)
  }

  /** Positions a layer with a window sees; null when the file names none, or 0. */
  slidingWindow(): number | null {
    const window = this.count('attention.sliding_window', { fallback: 0 })
    return window === 0 ? null : window
  }

  /** Which layers see everything: by the file's pattern (a period, or true for each layer with a window), else every `period`-th. */
  fullAttentionLayers(period: number): boolean[] {
    const key = this.#key('attention.sliding_window_pattern')
    const pattern = this.#fields.get(key)
    if (pattern?.type === 'array') {
      const { value } = pattern
      if (pattern.of !== 'bool' || value.length !== this.layers) {
        throw this.#fields.fail(key, `a period, or true or false for each of the ${this.layers} layers`)
      }
      return pattern.value.map((windowed) => !windowed)
    }
    const every = this.count('attention.sliding_window_pattern', {
      fallback: period,
      min: 1,
      max: MAX.layers,
    })
    return Array.from({ length: this.layers }, (_, n) => (n + 1) % every === 0)
  }

  /** `rope_theta`, `rope_scaling` and `partial_rotary_factor`. */
  rope(): Record<string, unknown> {
    const theta = this.positive('rope.freq_base', 10_000)
    const rotary = this.count('rope.dimension_count', { fallback: this.headDim, min: 2, max: this.headDim })
    const scaling = ropeScaling(this, { theta, rotary, factors: this.#factors })
    return {
      rope_theta: theta,
      ...(scaling === null ? {} : { rope_scaling: scaling }),
      ...(rotary === this.headDim ? {} : { partial_rotary_factor: rotary / this.headDim }),
    }
  }

  fail(key: string, expected: string): Error {
    return this.#fields.fail(this.#key(key), expected)
  }

  #key(key: string): string {
    return `${this.#name}.${key}`
  }

  #headSize(): number {
    const { hidden, heads } = this
    const stated = this.has('attention.key_length')
    if (!stated && hidden % heads !== 0)
      throw this.fail('attention.head_count', `a divisor of the width, ${hidden}`)
    if (heads % this.kvHeads !== 0)
      throw this.fail('attention.head_count_kv', `a divisor of the heads, ${heads}`)
    const size = stated ? this.count('attention.key_length', { min: 1, max: MAX.width }) : hidden / heads
    const valueSize = this.count('attention.value_length', { fallback: size, min: 1, max: MAX.width })
    if (valueSize !== size) throw this.fail('attention.value_length', `${size}, the size of keys`)
    return size
  }

  /** A count, or a list of equal ones. */
  #uniform(key: string, max: number): number {
    const full = this.#key(key)
    if (this.#fields.get(full)?.type !== 'array') return this.count(key, { min: 1, max })
    const list = this.#fields.numbers(full)
    const first = list?.[0] ?? 0
    const equal = list !== null && Array.from(list).every((value) => value === first)
    if (equal && Number.isInteger(first) && first >= 1 && first <= max) return first
    throw badFile(this.file, full, 'a list of different values', 'one value for all layers')
  }
}
