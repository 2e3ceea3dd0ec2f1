import { TokenscopeError } from '../errors.ts'
import type { DType, TensorInfo } from '../formats/tensors.ts'
import type { DecoderSpec, WeightRef } from './spec.ts'

const FLOATS: ReadonlySet<DType> = new Set<DType>(['F64', 'F32', 'F16', 'BF16'])

/** The tensors of a checkpoint while an architecture takes its weights from them: checks shapes, remembers what was used. */
export class TensorTable {
  readonly #tensors: ReadonlyMap<string, TensorInfo>
  readonly #prefix: string
  readonly #used = new Set<string>()

  /** `prefixes` in order of preference: names are looked up behind the first under which `probe` exists. */
  constructor(tensors: ReadonlyMap<string, TensorInfo>, prefixes: readonly string[], probe: string) {
    this.#tensors = tensors
    this.#prefix = prefixes.find((prefix) => tensors.has(prefix + probe)) ?? prefixes[0] ?? ''
  }

  /** Matrix `[out, in]` (y = Wx); stored `[in, out]` when `layout` is `in_out`; `rows` takes some outputs of it. */
  matrix(
    name: string,
    [out, inner]: readonly [out: number, inner: number],
    layout: WeightRef['layout'] = 'out_in',
    rows: WeightRef['rows'] = null,
  ): WeightRef {
    const tensor = this.#claim(name, layout === 'out_in' ? [out, inner] : [inner, out])
    return { tensor, layout, rows, shape: [rows ? rows[1] - rows[0] : out, inner] }
  }

  /** Vector `[length]`, or its elements `rows`. */
  vector(name: string, length: number, rows: WeightRef['rows'] = null): WeightRef {
    const tensor = this.#claim(name, [length])
    return { tensor, layout: 'out_in', rows, shape: [rows ? rows[1] - rows[0] : length] }
  }

  /** True when a tensor outside the prefix (the head) exists. */
  hasTop(name: string): boolean {
    return this.#tensors.has(name)
  }

  /** As {@link matrix}, for a tensor that stands outside the prefix. */
  topMatrix(name: string, shape: readonly [out: number, inner: number]): WeightRef {
    return { tensor: this.#claimFull(name, shape), layout: 'out_in', rows: null, shape }
  }

  has(name: string): boolean {
    return this.#tensors.has(this.#prefix + name)
  }

  /**
   * What the used tensors amount to; each counts once. Tensors that nothing reads become a remark, except those matching
   * `buffers`, which hold no parameters.
   */
  summary(buffers: RegExp, warnings: string[]): Pick<DecoderSpec, 'storedAs' | 'parameters'> {
    const counts = new Map<DType, number>()
    const unused: string[] = []
    for (const { name, dtype, shape } of this.#tensors.values()) {
      const elements = shape.reduce((product, size) => product * size, 1)
      if (this.#used.has(name)) counts.set(dtype, (counts.get(dtype) ?? 0) + elements)
      else if (!buffers.test(name)) unused.push(name)
    }
    if (unused.length > 0) {
      const more = unused.length > 5 ? ` and ${unused.length - 5} more` : ''
      const names = unused.slice(0, 5).join(', ')
      warnings.push(`The checkpoint holds tensors this architecture does not use: ${names}${more}.`)
    }
    const byCount = [...counts].sort((a, b) => b[1] - a[1])
    return {
      storedAs: byCount[0]?.[0] ?? 'F32',
      parameters: byCount.reduce((sum, [, count]) => sum + count, 0),
    }
  }

  #claim(name: string, shape: readonly number[]): string {
    return this.#claimFull(this.#prefix + name, shape)
  }

  #claimFull(name: string, shape: readonly number[]): string {
    const tensor = this.#tensors.get(name)
    const expected = `[${shape.join(', ')}]`
    if (!tensor) {
      throw new TokenscopeError(
        'bad-file',
        `The checkpoint has no tensor '${name}', expected shape ${expected}.`,
        {
          hint: 'config.json and the weights do not belong together, or a part of the weights is missing.',
          details: { file: 'checkpoint', field: name, got: 'nothing', expected },
        },
      )
    }
    const got = `[${tensor.shape.join(', ')}]`
    if (got !== expected) {
      throw new TokenscopeError(
        'bad-file',
        `${tensor.file}: tensor '${name}' has shape ${got}, expected ${expected}.`,
        {
          hint: 'config.json and the weights do not belong together.',
          details: { file: tensor.file, field: name, got, expected },
        },
      )
    }
    if (!FLOATS.has(tensor.dtype)) {
      const types = [...FLOATS].join(', ')
      throw new TokenscopeError(
        'unsupported',
        `${tensor.file}: tensor '${name}' is ${tensor.dtype}, expected ${types}.`,
        {
          hint: 'Use the model as published in float16, bfloat16 or float32.',
          details: { file: tensor.file, field: name, got: tensor.dtype, expected: types },
        },
      )
    }
    this.#used.add(name)
    return name
  }
}
