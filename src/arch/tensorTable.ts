import { TokenscopeError } from '../errors.ts'
import type { DType, TensorInfo } from '../formats/tensors.ts'
import type { ParamRef } from '../program/step.ts'
import type { ModelDescription } from './spec.ts'

/** Where a parameter lies in the checkpoint. */
export type TensorRef = Pick<ParamRef, 'tensor' | 'layout' | 'rows' | 'shape'>

type TensorSummary = Pick<ModelDescription, 'storedAs' | 'parameters' | 'tensorPrefix' | 'embeddingTensor'>

const HEAD = 'lm_head.weight'

const FLOATS: ReadonlySet<DType> = new Set<DType>(['F64', 'F32', 'F16', 'BF16'])

/** The tensors of a checkpoint while an architecture takes its weights from them: checks shapes, remembers what was used. */
export class TensorTable {
  readonly #tensors: ReadonlyMap<string, TensorInfo>
  readonly #prefix: string
  readonly #used = new Set<string>()
  #embedding = ''

  /** `prefixes` in order of preference: names are looked up behind the first under which `probe` exists. */
  constructor(tensors: ReadonlyMap<string, TensorInfo>, prefixes: readonly string[], probe: string) {
    this.#tensors = tensors
    this.#prefix = prefixes.find((prefix) => tensors.has(prefix + probe)) ?? prefixes[0] ?? ''
  }

  /** Matrix `[out, in]` (y = Wx); stored `[in, out]` when `layout` is `in_out`; `rows` takes some outputs of it. */
  matrix(
    name: string,
    [out, inner]: readonly [out: number, inner: number],
    layout: TensorRef['layout'] = 'out_in',
    rows: TensorRef['rows'] = null,
  ): TensorRef {
    const tensor = this.#claim(name, layout === 'out_in' ? [out, inner] : [inner, out])
    return { tensor, layout, rows, shape: [rows ? rows[1] - rows[0] : out, inner] }
  }

  /** Vector `[length]`, or its elements `rows`. */
  vector(name: string, length: number, rows: TensorRef['rows'] = null): TensorRef {
    const tensor = this.#claim(name, [length])
    return { tensor, layout: 'out_in', rows, shape: [rows ? rows[1] - rows[0] : length] }
  }

  /**
   * The embedding `[vocab, hidden]`. Of a tied pair one tensor may be stored, under either name.
   */
  embedding(
    name: string,
    shape: readonly [vocab: number, hidden: number],
    tied: boolean | 'unsaid',
  ): TensorRef {
    this.#embedding = name
    const under = tied === true && !this.#has(name) && this.#tensors.has(HEAD) ? HEAD : null
    return under === null ? this.matrix(name, shape) : this.#top(under, shape)
  }

  /**
   * The head `[vocab, hidden]`, null where it is the embedding. Both present although the config ties them are kept apart, which is
   * right whether or not they are equal. A config that is silent ties when no head is stored.
   */
  head(
    embedding: string,
    shape: readonly [vocab: number, hidden: number],
    tied: boolean | 'unsaid',
  ): TensorRef | null {
    const stored = this.#tensors.has(HEAD)
    if (stored && embedding !== HEAD) return this.#top(HEAD, shape)
    return tied === false ? this.#top(HEAD, shape) : null
  }

  /** True when a config leaves it to the tensors whether there is a head. */
  isHeadUnsaid(tied: boolean | 'unsaid'): boolean {
    return tied === 'unsaid' && !this.#tensors.has(HEAD)
  }

  #top(name: string, shape: readonly [out: number, inner: number]): TensorRef {
    return { tensor: this.#claimFull(name, shape), layout: 'out_in', rows: null, shape }
  }

  #has(name: string): boolean {
    return this.#tensors.has(this.#prefix + name)
  }

  /**
   * What the used tensors amount to; each counts once. Tensors that nothing reads become a remark, except those matching
   * `buffers`, which hold no parameters.
   */
  summary(buffers: RegExp, warnings: string[]): TensorSummary {
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
      tensorPrefix: this.#prefix,
      embeddingTensor: this.#embedding,
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
