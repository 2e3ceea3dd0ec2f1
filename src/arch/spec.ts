import type { DType } from '../formats/tensors.ts'

/**
 * One parameter of the model and where it lies in the checkpoint.
 *
 * `shape` is the parameter as the decoder uses it: `[out, in]` for a matrix (y = Wx), `[n]` for a vector.
 */
export interface WeightRef {
  /** Name in the checkpoint. */
  tensor: string
  /** `in_out`: stored transposed, as GPT-2's Conv1D does; the loader turns it. Vectors are `out_in`. */
  layout: 'out_in' | 'in_out'
  /** Outputs `[begin, end)` of a fused tensor (GPT-2's c_attn), null for all of it. Counted in outputs, whatever the layout. */
  rows: readonly [begin: number, end: number] | null
  shape: readonly number[]
}

export interface LinearRef {
  weight: WeightRef // [out, in]
  bias: WeightRef | null // [out]
}

export interface NormRef {
  weight: WeightRef // [hidden]
  bias: WeightRef | null // [hidden], LayerNorm only
}

export interface LayerWeights {
  inputNorm: NormRef
  q: LinearRef // [heads · headDim, hidden]
  k: LinearRef // [kvHeads · headDim, hidden]
  v: LinearRef // [kvHeads · headDim, hidden]
  o: LinearRef // [hidden, heads · headDim]
  postNorm: NormRef
  gate: LinearRef | null // [intermediate, hidden], gated MLPs only
  up: LinearRef // [intermediate, hidden]
  down: LinearRef // [hidden, intermediate]
}

export interface DecoderWeights {
  embed: WeightRef // [vocab, hidden]
  positions: WeightRef | null // [maxPositions, hidden], learned positions only
  layers: readonly LayerWeights[]
  finalNorm: NormRef
  /** With a tied head this is the very `embed` reference. */
  head: LinearRef // [vocab, hidden]
}

export type RopeScaling =
  | { kind: 'none' }
  /** Positions divided by `factor`. */
  | { kind: 'linear'; factor: number }
  /** Llama 3.1: long wavelengths divided by `factor`, short ones kept, a ramp between. */
  | { kind: 'llama3'; factor: number; lowFreqFactor: number; highFreqFactor: number; originalContext: number }

export interface RopePositions {
  kind: 'rope'
  /** `half` rotates (i, i + rotaryDim/2); `interleaved` rotates (2i, 2i + 1). */
  layout: 'half' | 'interleaved'
  theta: number
  scaling: RopeScaling
  /** Leading dimensions of a head that rotate; even, at most headDim. */
  rotaryDim: number
}

/** Everything the decoder needs to know of a model: sizes, choices, and where each weight comes from. */
export interface DecoderSpec {
  /** Class name as the config gives it, e.g. `LlamaForCausalLM`; for people. */
  architecture: string
  modelType: string
  layers: number
  hidden: number
  heads: number
  kvHeads: number
  headDim: number
  intermediate: number
  vocab: number
  /** Positions a sequence may hold with exact results: the config's limit, or the attention window when that is shorter. */
  maxPositions: number
  norm: { kind: 'rms' | 'layer'; eps: number }
  activation: 'silu' | 'gelu' | 'gelu_tanh'
  /** act(gate(x)) · up(x) when true, act(up(x)) when false. */
  gated: boolean
  positions: RopePositions | { kind: 'learned' }
  /** Factor on q·k before the mask: 1/√headDim unless the config says otherwise. */
  attentionScale: number
  /** Factor on the embedding row; 1 for every architecture so far. */
  embedScale: number
  /** The head reads the embedding's rows. */
  tiedHead: boolean
  /** Window of the config, for people; `maxPositions` never exceeds it, so attention is full. */
  slidingWindow: number | null
  bosId: number | null
  eosIds: readonly number[]
  /** Type that most matrix elements are stored in. */
  storedAs: DType
  /** Elements of all parameters used, a tied or fused one counted once. */
  parameters: number
  weights: DecoderWeights
  /** Lasting remarks: unused tensors, a shortened context. */
  warnings: readonly string[]
}

/** A parameter under the name of the step that reads it. */
export interface NamedWeight {
  /** e.g. `layers.3.attn.q`, `layers.3.attn.q.bias`, `layers.3.input_norm`, `embed`. */
  name: string
  ref: WeightRef
}

/** Every parameter in the order of the forward pass. A tied head is not repeated. */
export function listWeights({ weights, tiedHead }: DecoderSpec): NamedWeight[] {
  const list: NamedWeight[] = []
  const add = (name: string, part: LinearRef | NormRef): void => {
    list.push({ name, ref: part.weight })
    if (part.bias) list.push({ name: `${name}.bias`, ref: part.bias })
  }
  list.push({ name: 'embed', ref: weights.embed })
  if (weights.positions) list.push({ name: 'positions', ref: weights.positions })
  weights.layers.forEach((layer, n) => {
    add(`layers.${n}.input_norm`, layer.inputNorm)
    add(`layers.${n}.attn.q`, layer.q)
    add(`layers.${n}.attn.k`, layer.k)
    add(`layers.${n}.attn.v`, layer.v)
    add(`layers.${n}.attn.out`, layer.o)
    add(`layers.${n}.post_norm`, layer.postNorm)
    if (layer.gate) add(`layers.${n}.mlp.gate`, layer.gate)
    add(`layers.${n}.mlp.up`, layer.up)
    add(`layers.${n}.mlp.down`, layer.down)
  })
  add('final_norm', weights.finalNorm)
  if (!tiedHead) add('logits', weights.head)
  return list
}
