import type { Activation, Mask, RopeTable, Window } from '../program/attrs.ts'
import type { TensorType } from '../formats/tensors.ts'
import type { ParamRef, Program, ProgramSize } from '../program/step.ts'

/** What every model states of itself, whatever its layers look like. */
export interface ModelSpec {
  /** Class name as the config gives it, e.g. `LlamaForCausalLM`; for people. */
  readonly architecture: string
  readonly modelType: string
  readonly layers: number
  readonly hidden: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly vocab: number
  /** Positions a sequence may hold with exact results. */
  readonly maxPositions: number
  readonly bosId: number | null
  readonly eosIds: readonly number[]
  /** What the config says of a head that is the embedding. */
  readonly tied: boolean | 'unsaid'
  /** Id that takes no position of the text: RoBERTa's padding. */
  readonly unplacedId?: number | undefined
  /** Lasting remarks: ids outside the vocabulary, settings that change nothing here. */
  readonly warnings: readonly string[]
}

export interface NormSpec {
  readonly kind: 'rms_norm' | 'layer_norm'
  readonly eps: number
  /** Added to the weight of an RMSNorm: 1 where the checkpoint stores w − 1. */
  readonly offset: number
  /** Whether a LayerNorm has a bias. */
  readonly biased?: boolean
}

/** The numbers of a decoder whose layers are attention and an MLP around a residual stream. */
export interface DecoderSpec extends ModelSpec {
  readonly intermediate: number
  readonly norm: NormSpec
  readonly activation: Activation
  /** Factor on q·k before the mask. */
  readonly attentionScale: number
  /** Rotation by layer, null where a layer does not rotate. */
  readonly rope: (layer: number) => RopeTable | null
  /** Attention window by layer. */
  readonly window: (layer: number) => Window
  /** Which positions rows see within it; absent: causal. */
  readonly mask?: Mask
  readonly bias: { readonly qkv: boolean; readonly o: boolean; readonly mlp: boolean }
}

/** A checkpoint that an architecture has read: what it says of itself, its parameters, and its forward pass. */
export interface ModelDescription extends ModelSpec {
  /** Type that most matrix elements are stored in. */
  readonly storedAs: TensorType
  /** Elements of all parameters used, a tied or fused one counted once. */
  readonly parameters: number
  /** The head is the embedding: it reads its rows, or with a bias a copy of them. */
  readonly tiedLmHead: boolean
  /** What stands before the names of the body's tensors: `model.`. */
  readonly tensorPrefix: string
  /** Name of the embedding's tensor behind the prefix; of a tied pair it may be stored under the head's. */
  readonly embeddingTensor: string
  /** Which positions rows see, unless a run says otherwise. */
  readonly mask: Mask
  /** Name of the head's tensor, whether or not it is stored. */
  readonly lmHeadTensor: string
  /** Every parameter in the order of the forward pass; a tied head without a bias is not repeated. */
  readonly params: readonly ParamRef[]
  /** The forward pass for these counts. */
  record(size: ProgramSize): Program
}
