import { badFile } from '../formats/badFile.ts'
import type { DType } from '../formats/tensors.ts'

/** A tensor of the adapter's file, widened to f32. */
export interface AdapterTensor {
  dtype: DType
  shape: readonly number[]
  values: Float32Array
}

/** Prefix that PEFT's wrapping puts before every name. */
export const WRAPPER = 'base_model.model.'

/** The tensors of a file while they are taken one by one: what is left in the end belongs nowhere. */
export class AdapterTensors {
  readonly file: string
  readonly #tensors: ReadonlyMap<string, AdapterTensor>
  /** Names without the wrapper's prefix → names in the file. */
  readonly #keys: ReadonlyMap<string, string>
  readonly #used = new Set<string>()

  constructor(tensors: ReadonlyMap<string, AdapterTensor>, file: string) {
    this.file = file
    this.#tensors = tensors
    this.#keys = new Map([...tensors.keys()].map((key) => [key.replace(WRAPPER, ''), key]))
  }

  /** Names without `base_model.model.`. */
  get names(): IterableIterator<string> {
    return this.#keys.keys()
  }

  has(name: string): boolean {
    return this.#keys.has(name)
  }

  get usedCount(): number {
    return this.#used.size
  }

  /**
   * Values of a tensor that must have this shape.
   * @param why What the shape follows from, for the message.
   */
  take(name: string, shape: readonly number[], why: string): Float32Array {
    const key = this.#keys.get(name)
    const tensor = key === undefined ? undefined : this.#tensors.get(key)
    const expected = `[${shape.join(', ')}] (${why})`
    if (key === undefined || !tensor) {
      throw badFile(
        this.file,
        WRAPPER + name,
        'missing',
        expected,
        'A part of the adapter is missing; fetch it again.',
      )
    }
    const got = `[${tensor.shape.join(', ')}]`
    if (got !== `[${shape.join(', ')}]`) {
      throw badFile(this.file, `${key}: the shape`, got, expected, MISFIT_HINT)
    }
    const bad = tensor.values.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0) {
      const hint = 'Training diverged or the file is damaged.'
      throw badFile(this.file, `${key}[${bad}]`, String(tensor.values[bad]), 'a finite number', hint)
    }
    this.#used.add(key)
    return tensor.values
  }

  /** Refuses what nothing has taken. @param reasonFor Says what is wrong with a name (without the prefix). */
  finish(reasonFor: (name: string) => string): void {
    const unused = [...this.#keys].filter(([, key]) => !this.#used.has(key))
    const first = unused[0]
    if (!first) return
    const [name, key] = first
    const more = unused.length > 1 ? ` (and ${unused.length - 1} more like it)` : ''
    const error = badFile(this.file, key, `a tensor that is not used${more}`, reasonFor(name), MISFIT_HINT)
    throw error
  }
}

const MISFIT_HINT = 'The adapter and the loaded model, or the adapter and its config, do not belong together.'
