import type { TrainAttrs } from './trainAttrs.ts'
import type { ParamRef } from './step.ts'

export type Activation = 'silu' | 'gelu' | 'gelu_tanh' | 'gelu_sigmoid' | 'relu' | 'relu_squared' | 'sigmoid'

export type RopeScaling =
  | { readonly kind: 'none' }
  /** Positions divided by `factor`. */
  | { readonly kind: 'linear'; readonly factor: number }
  /** Llama 3.1: long wavelengths divided by `factor`, short ones kept, a ramp between. */
  | {
      readonly kind: 'llama3'
      readonly factor: number
      readonly lowFreqFactor: number
      readonly highFreqFactor: number
      readonly originalContext: number
    }
  /** Peng et al. 2023: pairs before `first` kept, those behind `last` divided by `factor`, a ramp between; cos and sin times `magnitude`. */
  | {
      readonly kind: 'yarn'
      readonly factor: number
      readonly first: number
      readonly last: number
      readonly magnitude: number
    }
  /** Ding et al. 2024: a divisor for each pair, other ones for texts longer than `originalContext`; cos and sin times `magnitude`. */
  | {
      readonly kind: 'longrope'
      readonly short: readonly number[]
      readonly long: readonly number[]
      readonly originalContext: number
      readonly magnitude: number
    }
  /** θ grows with a text that is longer than `originalContext`. */
  | { readonly kind: 'dynamic'; readonly factor: number; readonly originalContext: number }

/** The angles of a rotary embedding: pair i of a position turns by position · θ^(−2i/rotary), scaled. */
export interface RopeTable {
  readonly theta: number
  readonly scaling: RopeScaling
  /** Leading dimensions of a head that rotate; even, at most headDim. */
  readonly rotary: number
}

export interface RopeAttrs {
  readonly headDim: number
  /** `half` rotates (i, i + rotary/2); `interleaved` rotates (2i, 2i + 1). */
  readonly layout: 'half' | 'interleaved'
  readonly table: RopeTable
}

/** Of an op that needs nothing but its inputs and parameters. */
type NoAttrs = Readonly<Record<string, never>>

/** A norm over each run of `width` features: the whole row, or each head of it. */
export interface RmsNormAttrs {
  readonly width: number
  readonly eps: number
  /** Added to the weight before it multiplies: 1 where a checkpoint stores w − 1 (Gemma). */
  readonly offset: number
}

export interface LayerNormAttrs {
  readonly width: number
  readonly eps: number
  /** Whether a bias is added behind the weight. */
  readonly biased: boolean
}

/** A norm folded into another kernel. */
export type FoldedNorm =
  ({ readonly kind: 'rms_norm' } & RmsNormAttrs) | ({ readonly kind: 'layer_norm' } & LayerNormAttrs)

/** A row sees positions less than `window` away from its own; null: however far. */
export type Window = number | null

/** Whether a row sees later positions: none, all, or, as long as it is one of the first `prefix`, all of those. */
export type Mask = 'causal' | 'bidirectional' | { readonly prefix: number }

/** Which positions a row sees. */
interface Sight {
  readonly window: Window
  /** Absent: causal. */
  readonly mask?: Mask
}

interface HeadCounts {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
}

export interface ScoresAttrs extends HeadCounts, Sight {
  /** Factor on q·k. */
  readonly scale: number
  /** c of c·tanh(s / c), null for none. */
  readonly softcap: number | null
}

/** Norms of queries and keys, alike but for their weights. */
export interface QueryKeyNorm {
  readonly norm: FoldedNorm
  /** Over all heads at once; else over each. */
  readonly isWide: boolean
  /** Weight, then bias. */
  readonly q: readonly ParamRef[]
  readonly k: readonly ParamRef[]
}

/** What finishes a product: a factor, then c of c·tanh(y / c), null for none. */
interface FinishAttrs {
  readonly scale: number
  readonly softcap: number | null
}

/** What a gated MLP makes of gate and up. */
export interface GateAttrs {
  readonly activation: Activation
  /** gpt-oss: (up + 1)·g·σ(alpha·g) instead, both bounded: g = min(gate, limit), up between ±limit. */
  readonly clamp?: { readonly limit: number; readonly alpha: number }
}

/** Which experts the weights of a row are a softmax over: all of them, or those it takes. */
export type RouterSoftmax = 'all' | 'chosen'

/** Products of rows with the matrices of their experts, which lie one after the other in `matrix`. */
interface ExpertAttrs {
  readonly matrix: string
  readonly experts: number
  /** Experts that a row takes. */
  readonly chosen: number
  /** Whether the numbers of a row's experts share their tensor with the weights, as the `route` kernel leaves them. */
  readonly routed: boolean
}

interface ExpertLoraAttrs {
  readonly vector: string
  readonly experts: number
  readonly chosen: number
  /** Of all adapters. */
  readonly ranks: number
  readonly in: number
  readonly out: number
}

/** A product with a matrix of that name: one module's, or the stacked one of several that share their input. */
interface ProductAttrs {
  readonly matrix: string
  /** Stack whose adapters' A·x is the last input; absent without adapters. */
  readonly lora?: string
}

/**
 * What each op needs to know besides its inputs and parameters. First the ops of papers, then those that adapters and edits add, then
 * the fused kernels that only lowering makes.
 */
export interface Attrs extends TrainAttrs {
  embed: {
    readonly scale: number
    /** Row of the learned positions that position 0 takes, where it is not the first. */
    readonly firstPosition?: number
  }
  rms_norm: RmsNormAttrs
  layer_norm: LayerNormAttrs
  linear: ProductAttrs & FinishAttrs
  rope: RopeAttrs
  cache: Omit<HeadCounts, 'heads'> & { readonly window: Window }
  scores: ScoresAttrs
  softmax: Sight
  context: HeadCounts & Sight
  /** Rows of a table by position, added. */
  positions: NoAttrs
  /** x·(1 + β·ln(1 + ⌊position / context⌋)) */
  position_scale: { readonly beta: number; readonly context: number }
  /** x between ±limit */
  clamp: { readonly limit: number }
  /** residual + scale·x */
  add: { readonly scale: number }
  gate: GateAttrs
  /** a + s·b, s one number a row. */
  scaled_add: NoAttrs
  /** Numbers of the experts with the highest scores, best first. */
  top_k: { readonly chosen: number; readonly experts: number }
  router_weights: { readonly chosen: number; readonly experts: number; readonly over: RouterSoftmax }
  /** `perExpert`: its input is each expert's own, not the row that all of them read. */
  expert_linear: ExpertAttrs & { readonly perExpert: boolean }
  /** s·(α/r)·Aₑ·x of all adapters on the matrices of experts, which `vector` holds: see shaders/ops/expert_lora_a.wgsl. */
  expert_lora_a: ExpertLoraAttrs & { readonly perExpert: boolean }
  /** y + Bₑ·u, u being what `expert_lora_a` makes. */
  expert_lora: ExpertLoraAttrs
  /** Σ weight·y over the experts of a row. */
  expert_sum: { readonly chosen: number }
  activation: { readonly activation: Activation }

  /** s·(α/r)·A·x of all adapters on a stack. */
  lora_a: { readonly stack: string }
  embed_lora: NoAttrs
  /** Blends a module with the `nth` of the adapters' replacements of it. */
  blend: { readonly module: string; readonly nth: number }
  edit: NoAttrs

  norm_linear: ProductAttrs & FinishAttrs & { readonly norm: FoldedNorm }
  norm_gated: ProductAttrs & { readonly norm: FoldedNorm; readonly activation: Activation }
  norm_linear_activation: ProductAttrs & { readonly norm: FoldedNorm; readonly activation: Activation }
  norm_lora_a: { readonly stack: string; readonly norm: FoldedNorm }
  linear_add: ProductAttrs & { readonly scale: number }
  linear_activation: ProductAttrs & { readonly activation: Activation }
  norm_add: { readonly norm: FoldedNorm; readonly scale: number }
  rope_cache: HeadCounts & {
    readonly rope: RopeAttrs | null
    /** Norms before the rotation. */
    readonly norm: QueryKeyNorm | null
    /** Bound on what leaves the norms, and on values. */
    readonly limit?: number
  }
  attention: ScoresAttrs
  /** `stride`: scores that the router's product makes for a row, those of experts first. */
  route: {
    readonly chosen: number
    readonly experts: number
    readonly over: RouterSoftmax
    readonly stride: number
  }
  expert_gated: ExpertAttrs & GateAttrs & { readonly norm: FoldedNorm | null }
  /** residual + scale·(Σ weight·y + σ(score)·shared); the score is at `shared` of as many as `stride`. */
  experts_add: {
    readonly chosen: number
    readonly scale: number
    readonly shared: { readonly at: number; readonly stride: number } | null
  }
}

export type OpName = keyof Attrs

/** Ops that only mixtures of experts have. */
export const EXPERT_OP_NAMES = [
  'clamp',
  'expert_gated',
  'expert_linear',
  'expert_lora',
  'expert_lora_a',
  'expert_sum',
  'experts_add',
  'route',
  'router_weights',
  'top_k',
] as const satisfies readonly OpName[]
export type ExpertOpName = (typeof EXPERT_OP_NAMES)[number]
