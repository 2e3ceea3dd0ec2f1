import type { Activation, GateAttrs, RopeAttrs, ScoresAttrs } from '../program/attrs.ts'
import { Recorder } from '../program/recorder.ts'
import { widthOf, type Axis, type ParamRef, type ProgramSize, type Step } from '../program/step.ts'
import type { NormSpec } from './spec.ts'
import type { ExpertTensors, TensorPart, TensorTable } from './tensorTable.ts'

/** Where a product finds its matrix, when not plainly under `tensor`.weight, `[out, in]`. */
export interface LinearOptions {
  bias?: boolean
  layout?: ParamRef['layout']
  /** Outputs of a fused tensor that are this product's. */
  part?: TensorPart | undefined
  /** Heads its outputs are of. */
  heads?: number
  /** What its outputs are, when no features. */
  axis?: Axis['kind']
}

/** Learned positions: row `first` is that of position 0, or of the one before where rows take none (`hasRowBefore`). */
export interface LearnedPositions {
  readonly tensor: string
  readonly count: number
  readonly first?: number
  readonly hasRowBefore?: boolean
}

/** What is added to the rows of an embedding. */
interface EmbedOptions {
  name?: string
  scale?: number
  positions?: LearnedPositions
  /** Embeddings of token types; all tokens are of the first. */
  types?: { readonly tensor: string; readonly count: number } | undefined
}

/** What a head does besides multiplying: y = cap(scale·(W·x + b)). */
export interface LmHeadOptions {
  softcap?: number | null
  scale?: number
  bias?: boolean
}

/** Names the lines of a forward pass over the tensors of a checkpoint: what an architecture's `record` is written in. */
export class ModelRecorder extends Recorder {
  readonly #tensors: TensorTable
  readonly #tied: boolean | 'unsaid'
  #path = ''

  /** `tied`: what the config says of a head that is the embedding. */
  constructor(size: ProgramSize, tensors: TensorTable, tied: boolean | 'unsaid') {
    super(size)
    this.#tensors = tensors
    this.#tied = tied
  }

  /** Goes through the layers; names of tensors are looked up below `path.N.` meanwhile. */
  *layers(count: number, path: string): Generator<number> {
    for (let n = 0; n < count; n++) {
      this.enterLayer(n)
      this.#path = `${path}.${n}.`
      yield n
    }
    this.enterLayer(null)
    this.#path = ''
  }

  #positions(learned: LearnedPositions, width: number): ParamRef {
    const { tensor, count, first = 0, hasRowBefore = false } = learned
    const part = first === 0 ? null : { begin: hasRowBefore ? first - 1 : first, of: first + count }
    const rows = this.#tensors.matrix(tensor, [hasRowBefore ? count + 1 : count, width], 'out_in', part)
    return { ...rows, name: 'positions', role: 'vector' }
  }

  /** x = scale · E[token] (+ P[position] (+ T[0])) */
  embed(
    tensor: string,
    [vocab, hidden]: readonly [vocab: number, hidden: number],
    { name = 'embed', scale = 1, positions, types }: EmbedOptions = {},
  ): Step {
    const table = this.#tensors.embedding(tensor, [vocab, hidden], this.#tied)
    const params: ParamRef[] = [{ ...table, name: 'embed', role: 'matrix' }]
    if (positions) params.push(this.#positions(positions, hidden))
    if (types) {
      const first = this.#tensors.matrix(types.tensor, [1, hidden], 'out_in', { begin: 0, of: types.count })
      params.push({ ...first, name: 'token_types', role: 'vector' })
    }
    const flops = params.length - 1 + (scale === 1 ? 0 : 1)
    return this.step(name, 'embed', {
      inputs: [],
      params,
      attrs: positions?.hasRowBefore === true ? { scale, firstPosition: 1 } : { scale },
      axes: this.features(hidden),
      flops,
    })
  }

  /** x + P[position] */
  positions(name: string, x: Step, learned: LearnedPositions): Step {
    const params = [this.#positions(learned, widthOf(x))]
    return this.step(name, 'positions', { inputs: [x], params, attrs: {}, axes: x.axes, flops: 1 })
  }

  /** A norm over each run of `width` features; the whole row when not said. Several tensors: one for each run. */
  norm(
    name: string,
    x: Step,
    tensor: string | readonly string[],
    { kind, eps, offset, biased = false }: NormSpec,
    width = widthOf(x),
  ): Step {
    const paramName = this.nameOf(name)
    const vectors = (part: string): ReturnType<TensorTable['vector']> =>
      typeof tensor === 'string'
        ? this.#tensors.vector(`${this.#path}${tensor}.${part}`, width)
        : this.#tensors.vectors(
            tensor.map((one) => `${this.#path}${one}.${part}`),
            width,
          )
    const params: ParamRef[] = [{ ...vectors('weight'), name: paramName, role: 'vector' }]
    const common = { inputs: [x], axes: x.axes, params }
    if (kind === 'rms_norm')
      return this.step(name, kind, { ...common, attrs: { width, eps, offset }, flops: 4 })
    if (biased) params.push({ ...vectors('bias'), name: `${paramName}.bias`, role: 'vector' })
    return this.step(name, kind, { ...common, attrs: { width, eps, biased }, flops: 8 })
  }

  /** W·x (+ b) */
  linear(name: string, x: Step, tensor: string, width: number, options: LinearOptions = {}): Step {
    const { bias = false, layout = 'out_in', part, heads, axis } = options
    const full = this.#path + tensor
    const paramName = this.nameOf(name)
    const inner = widthOf(x)
    const matrix = this.#tensors.matrix(`${full}.weight`, [width, inner], layout, part)
    const params: ParamRef[] = [{ ...matrix, name: paramName, role: 'matrix' }]
    if (bias)
      params.push({
        ...this.#tensors.vector(`${full}.bias`, width, part),
        name: `${paramName}.bias`,
        role: 'bias',
      })
    return this.step(name, 'linear', {
      inputs: [x],
      params,
      attrs: { matrix: paramName, scale: 1, softcap: null },
      axes: axis ? [...x.axes.slice(0, -1), { kind: axis, size: width }] : this.features(width, heads),
      flops: 2 * inner,
    })
  }

  /** The first of these that the checkpoint has a tensor of, `.weight` or whole; else the first of all. */
  firstPresent(...names: readonly string[]): string {
    const has = (name: string): boolean =>
      ['', '.weight'].some((end) => this.#tensors.has(this.#path + name + end))
    return names.find(has) ?? names[0] ?? ''
  }

  /** A tensor without a module, which some files still give a `.weight`. */
  tensor(name: string): string {
    const weight = `${name}.weight`
    return this.#tensors.has(this.#path + weight) ? weight : name
  }

  /** Parameters of a product that every expert has: `[experts · out, in]`, and its biases where it has any. */
  expertParams(
    name: string,
    tensors: ExpertTensors,
    {
      experts,
      shape,
      bias,
    }: { experts: number; shape: readonly [out: number, inner: number]; bias: boolean },
  ): ParamRef[] {
    const at = this.#below(tensors)
    const full = this.nameOf(name)
    const params: ParamRef[] = [{ ...this.#tensors.experts(at, experts, shape), name: full, role: 'matrix' }]
    if (bias)
      params.push({
        ...this.#tensors.expertBiases(at, experts, shape[0]),
        name: `${full}.bias`,
        role: 'bias',
      })
    return params
  }

  #below(tensors: ExpertTensors): ExpertTensors {
    const full = (name: string): string => this.#path + name
    if ('modules' in tensors) return { modules: tensors.modules.map(full) }
    const { fused, bias, ...rest } = tensors
    return { ...rest, fused: full(fused), ...(bias === undefined ? {} : { bias: full(bias) }) }
  }

  /** Turns each head by its position. */
  rope(name: string, x: Step, attrs: RopeAttrs): Step {
    return this.step(name, 'rope', { inputs: [x], attrs, axes: x.axes, flops: 3 })
  }

  /** x·(1 + β·ln(1 + ⌊position / context⌋)) */
  positionScale(name: string, x: Step, attrs: { beta: number; context: number }): Step {
    return this.step(name, 'position_scale', { inputs: [x], attrs, axes: x.axes, flops: 1 })
  }

  /** x between ±limit */
  clamp(name: string, x: Step, limit: number): Step {
    return this.step(name, 'clamp', { inputs: [x], attrs: { limit }, axes: x.axes, flops: 2 })
  }

  /**
   * softmax(scale · q·kᵀ)·v over the positions that each row sees, keys and values kept in the cache. `sinks`: a score of each head
   * that takes part in the softmax and that no value answers.
   */
  attend(q: Step, k: Step, v: Step, attrs: ScoresAttrs, sinks?: string): Step {
    const { rows, positions } = this.size
    const { heads, kvHeads, headDim, window, mask } = attrs
    const sight = mask === undefined ? { window } : { window, mask }
    const square = [
      { kind: 'heads', size: heads },
      { kind: 'rows', size: rows },
      { kind: 'positions', size: positions },
    ] as const
    const cache = this.step('attn.cache', 'cache', {
      inputs: [k, v],
      attrs: { kvHeads, headDim, window },
      axes: [{ kind: 'kv', size: 2 }, ...k.axes],
      flops: 0,
    })
    const scores = this.step('attn.scores', 'scores', {
      inputs: [q, cache],
      attrs,
      axes: square,
      flops: 2 * headDim,
    })
    const paramName = this.nameOf('attn.probs')
    const learned = sinks === undefined ? null : this.#tensors.vector(this.#path + this.tensor(sinks), heads)
    const probs = this.step('attn.probs', 'softmax', {
      inputs: [scores],
      params: learned ? [{ ...learned, name: paramName, role: 'vector' }] : [],
      attrs: sight,
      axes: square,
      flops: 4,
    })
    return this.step('attn.context', 'context', {
      inputs: [probs, cache],
      attrs: { heads, kvHeads, headDim, ...sight },
      axes: q.axes,
      flops: 2 * positions,
    })
  }

  /** act(gate) ∘ up */
  gate(name: string, gate: Step, up: Step, attrs: GateAttrs): Step {
    return this.step(name, 'gate', { inputs: [gate, up], attrs, axes: up.axes, flops: 6 })
  }

  activation(name: string, x: Step, activation: Activation): Step {
    return this.step(name, 'activation', { inputs: [x], attrs: { activation }, axes: x.axes, flops: 9 })
  }

  /** stream + scale·x */
  add(name: string, stream: Step, x: Step, scale = 1): Step {
    const flops = scale === 1 ? 1 : 2
    return this.step(name, 'add', { inputs: [stream, x], attrs: { scale }, axes: stream.axes, flops })
  }

  /**
   * Logits of the rows whose next token is wanted. They come from rows of the head, which may be the embedding's. `last` makes what the head reads; where no row wants logits it is not made.
   */
  logits(
    embed: Step,
    vocab: number,
    last: () => Step,
    { softcap = null, scale = 1, bias = false }: LmHeadOptions = {},
  ): void {
    const { logitRows } = this.size
    if (logitRows === 0) return
    const x = last()
    const inner = widthOf(x)
    const [table] = embed.params
    const lmHead = this.#tensors.lmHead(table?.tensor ?? '', [vocab, inner], this.#tied)
    // A bias lies behind its matrix, so a head that has one cannot share the embedding's.
    const copied = lmHead ?? (bias ? table : undefined)
    const param: ParamRef | undefined = copied ? { ...copied, name: 'logits', role: 'matrix' } : table
    const params = param ? [param] : []
    if (bias)
      params.push({ ...this.#tensors.lmHeadBias(vocab, this.#tied), name: 'logits.bias', role: 'bias' })
    this.step('logits', 'linear', {
      inputs: [x],
      params,
      attrs: { matrix: param?.name ?? 'logits', scale, softcap },
      axes: [
        { kind: 'rows', size: logitRows },
        { kind: 'vocabulary', size: vocab },
      ],
      flops: 2 * inner,
      rows: 'logits',
    })
  }
}
