import { TokenscopeError } from '../errors.ts'
import { isBlockType, isGroupedType, type TensorInfo, type TensorType } from '../formats/tensors.ts'
import type { OutputRuns, ParamRef } from '../program/step.ts'
import type { ModelDescription } from './spec.ts'

/** Where a parameter lies in the checkpoint. */
export type TensorRef = Omit<ParamRef, 'name' | 'role'>

/** Which outputs of a fused tensor a product takes: a run of them, or `count` runs that begin `stride` apart. */
export interface TensorPart {
  readonly begin: number
  /** Outputs of the whole tensor. */
  readonly of: number
  readonly runs?: OutputRuns
}

/** Where the matrices of one product of all experts are, and their biases. */
export type ExpertTensors =
  /** A module for each expert. */
  | { readonly modules: readonly string[] }
  /** One tensor `[experts, of, in]`, or `[experts, in, of]` where it is turned; outputs from `begin` on, `step` apart. */
  | {
      readonly fused: string
      readonly bias?: string
      readonly turned: boolean
      readonly begin: number
      readonly of: number
      readonly step: number
    }

type TensorSummary = Pick<
  ModelDescription,
  'storedAs' | 'parameters' | 'tensorPrefix' | 'embeddingTensor' | 'lmHeadTensor'
>

const FLOATS: readonly TensorType[] = ['F64', 'F32', 'F16', 'BF16']

/** Where a family keeps its tensors. */
export interface TensorPlaces {
  /** Prefixes of their names in order of preference; the first under which `probe` exists is taken. */
  readonly prefixes: readonly string[]
  readonly probe: string
  /** Names of the head, which has no prefix, in order of preference; default `lm_head.weight`. */
  readonly heads?: readonly string[]
  /** Names of the head's bias, likewise; default the head's with `bias`. */
  readonly lmHeadBiases?: readonly string[]
  /** Beginnings of names that stand beside the body, without its prefix. */
  readonly outside?: readonly string[]
}

/** Names that the first checkpoints of BERT gave the weight and bias of a norm. */
const OLD_NAMES = { weight: 'gamma', bias: 'beta' } as const

/** The tensors of a checkpoint while an architecture takes its weights from them: checks shapes, remembers what was used. */
export class TensorTable {
  readonly #tensors: ReadonlyMap<string, TensorInfo>
  readonly #prefix: string
  readonly #used = new Set<string>()
  readonly #lmHead: string
  readonly #lmHeadBiases: readonly string[]
  readonly #outside: readonly string[]
  #embedding = ''

  constructor(
    tensors: ReadonlyMap<string, TensorInfo>,
    { prefixes, probe, heads = ['lm_head.weight'], lmHeadBiases = [], outside = [] }: TensorPlaces,
  ) {
    const stored = (names: readonly string[]): string | undefined =>
      names.find((name) => tensors.has(name)) ?? names[0]
    this.#tensors = tensors
    this.#outside = outside
    this.#lmHead = stored(heads) ?? ''
    this.#lmHeadBiases = lmHeadBiases.length > 0 ? lmHeadBiases : [this.#lmHead.replace(/weight$/, 'bias')]
    this.#prefix = prefixes.find((prefix) => tensors.has(prefix + probe)) ?? prefixes[0] ?? ''
  }

  /** Matrix `[out, in]` (y = Wx); stored `[in, out]` when `layout` is `in_out`; `part` says which outputs of a fused one it is. */
  matrix(
    name: string,
    [out, inner]: readonly [out: number, inner: number],
    layout: TensorRef['layout'] = 'out_in',
    part: TensorPart | null = null,
  ): TensorRef {
    const total = part?.of ?? out
    const tensor = this.#claim(name, layout === 'out_in' ? [total, inner] : [inner, total])
    return { tensor, layout, ...partRows(out, part), shape: [out, inner] }
  }

  /** Vector `[length]`, or that part of one. */
  vector(name: string, length: number, part: TensorPart | null = null): TensorRef {
    const tensor = this.#claim(name, [part?.of ?? length])
    return { tensor, layout: 'out_in', ...partRows(length, part), shape: [length] }
  }

  /** Vectors `[length]` one after the other. */
  vectors(names: readonly string[], length: number): TensorRef {
    const [tensor = '', ...more] = names.map((name) => this.#claim(name, [length]))
    return { tensor, more, layout: 'out_in', rows: null, shape: [names.length * length] }
  }

  /** A product's matrices `[out, inner]` of all experts, one after the other. */
  experts(tensors: ExpertTensors, experts: number, [out, inner]: readonly [number, number]): TensorRef {
    const shape = [experts * out, inner]
    if ('modules' in tensors) {
      const names = tensors.modules.map((module) => this.#claim(`${module}.weight`, [out, inner]))
      const [tensor = '', ...more] = names
      return { tensor, more, experts, layout: 'out_in', rows: null, shape }
    }
    const { fused, of, begin } = tensors
    // Packed matrices lie as products take them, all gates of an expert before its ups.
    const isPacked = isGroupedType(this.#tensors.get(this.#prefix + fused)?.dtype ?? 'F32')
    const turned = tensors.turned && !isPacked
    const tensor = this.#claim(fused, turned ? [experts, inner, of] : [experts, of, inner])
    const layout = turned ? 'in_out' : 'out_in'
    const places = tensors.turned && isPacked ? { begin: begin * out, of, step: 1 } : tensors
    return { tensor, experts, layout, ...expertRows(out, experts, places), shape }
  }

  /** The biases of such a product. */
  expertBiases(tensors: ExpertTensors, experts: number, out: number): TensorRef {
    const shape = [experts * out]
    if ('modules' in tensors) {
      const [tensor = '', ...more] = tensors.modules.map((module) => this.#claim(`${module}.bias`, [out]))
      return { tensor, more, experts, layout: 'out_in', rows: null, shape }
    }
    const tensor = this.#claim(tensors.bias ?? '', [experts, tensors.of])
    return { tensor, experts, layout: 'out_in', ...expertRows(out, experts, tensors), shape }
  }

  /** True when the body has a tensor of this name. */
  has(name: string): boolean {
    return this.#has(name)
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
    const under = tied === true && !this.#has(name) && this.#tensors.has(this.#lmHead) ? this.#lmHead : null
    return under === null ? this.matrix(name, shape) : this.#top(under, shape)
  }

  /**
   * The head `[vocab, hidden]`, null where it is the embedding. Both present although the config ties them are kept apart, which is
   * right whether or not they are equal. A config without the field ties when no head is stored.
   */
  lmHead(
    embedding: string,
    shape: readonly [vocab: number, hidden: number],
    tied: boolean | 'unsaid',
  ): TensorRef | null {
    const stored = this.#tensors.has(this.#lmHead)
    if (stored && embedding !== this.#lmHead) return this.#top(this.#lmHead, shape)
    return tied === false ? this.#top(this.#lmHead, shape) : null
  }

  /**
   * Bias of the head, one value for each token. The last of the names is that of the head's own module: both may be stored, and of
   * two that differ it counts.
   */
  lmHeadBias(vocab: number, tied: boolean | 'unsaid'): TensorRef {
    const biasNames = this.#lmHeadBiases.toReversed()
    const missing = tied === false ? biasNames[0] : biasNames.at(-1)
    return this.#top(biasNames.find((name) => this.#tensors.has(name)) ?? missing ?? '', [vocab])
  }

  /** True when a config leaves it to the tensors whether there is a head. */
  isLmHeadUnsaid(tied: boolean | 'unsaid'): boolean {
    return tied === 'unsaid' && !this.#tensors.has(this.#lmHead)
  }

  #top(name: string, shape: readonly number[]): TensorRef {
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
    const counts = new Map<TensorType, number>()
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
      lmHeadTensor: this.#lmHead,
      storedAs: byCount[0]?.[0] ?? 'F32',
      parameters: byCount.reduce((sum, [, count]) => sum + count, 0),
    }
  }

  #claim(name: string, shape: readonly number[]): string {
    const isOutside = this.#outside.some((beginning) => name.startsWith(beginning))
    return this.#claimFull(isOutside ? name : this.#prefix + name, shape)
  }

  #claimFull(asked: string, shape: readonly number[]): string {
    const old = asked.replace(
      /(?<=LayerNorm\.)(weight|bias)$/,
      (part) => OLD_NAMES[part as 'weight' | 'bias'],
    )
    const name = this.#tensors.has(asked) ? asked : this.#tensors.has(old) ? old : asked
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
    if (!FLOATS.includes(tensor.dtype) && !isBlockType(tensor.dtype) && !isGroupedType(tensor.dtype)) {
      const types = FLOATS.join(', ')
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

/** Outputs of one tensor that holds all experts. */
function expertRows(
  out: number,
  experts: number,
  { begin, of, step }: { readonly begin: number; readonly of: number; readonly step: number },
): Pick<TensorRef, 'rows' | 'runs'> {
  return { rows: [begin, begin + out], runs: { count: experts, stride: of, step } }
}

/** The outputs that a part takes, as a reference has them. */
function partRows(out: number, part: TensorPart | null): Pick<TensorRef, 'rows' | 'runs'> {
  if (!part) return { rows: null }
  const { begin, runs } = part
  const end = begin + out / (runs?.count ?? 1)
  return runs ? { rows: [begin, end], runs } : { rows: [begin, end] }
}
