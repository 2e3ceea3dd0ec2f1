import { badFile } from '../formats/badFile.ts'
import type { TensorType } from '../formats/tensors.ts'

/** A tensor of the adapter's file, widened to f32. */
export interface AdapterTensor {
  dtype: TensorType
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
  readonly #hint: string

  /** @param base The model the adapter says it was trained on. */
  constructor(tensors: ReadonlyMap<string, AdapterTensor>, file: string, base: string | null) {
    this.file = file
    this.#hint = base === null ? MISFIT_HINT : `${MISFIT_HINT} It was trained on '${base.slice(0, 100)}'.`
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

  isTaken(name: string): boolean {
    return this.#used.has(this.#keys.get(name) ?? '')
  }

  shapeOf(name: string): readonly number[] | undefined {
    return this.#tensors.get(this.#keys.get(name) ?? '')?.shape
  }

  get usedCount(): number {
    return this.#used.size
  }

  /**
   * Values of a tensor that must have this shape.
   * @param why What the shape follows from, for the message.
   */
  claim(name: string, shape: readonly number[], why: string): Float32Array {
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
      throw badFile(this.file, `${key}: the shape`, got, expected, this.#hint)
    }
    const bad = tensor.values.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0) {
      const hint = 'Training diverged or the file is damaged.'
      throw badFile(this.file, `${key}[${bad}]`, String(tensor.values[bad]), 'a finite number', hint)
    }
    this.#used.add(key)
    return tensor.values
  }

  /** Refuses the first tensor that nothing has taken. @param reasonFor What was expected instead of a name (without the prefix). */
  finish(reasonFor: (name: string) => string): void {
    this.#refuse(
      [...this.#keys].filter(([, key]) => !this.#used.has(key)).map(([name]) => name),
      reasonFor,
    )
  }

  /** Refuses the first name that is not wanted, before anything is taken. */
  refuseUnknown(isKnown: (name: string) => boolean, reasonFor: (name: string) => string): void {
    this.#refuse(
      [...this.names].filter((name) => !isKnown(name)),
      reasonFor,
    )
  }

  #refuse(names: readonly string[], reasonFor: (name: string) => string): void {
    const first = names[0]
    if (first === undefined) return
    const more = names.length > 1 ? ` (and ${names.length - 1} more)` : ''
    const key = this.#keys.get(first) ?? first
    throw badFile(this.file, key, `a tensor that cannot be used${more}`, reasonFor(first), this.#hint)
  }
}

const MISFIT_HINT = 'The adapter and the loaded model, or the adapter and its config, do not belong together.'
