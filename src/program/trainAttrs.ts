import type { Activation, FoldedNorm, RopeAttrs, ScoresAttrs, Window } from './attrs.ts'

type NoAttrs = Readonly<Record<string, never>>

/** Attention over texts that lie in the rows one after the other, each from its position 0. */
export interface DenseAttrs {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly window: Window
}

/** Adapters' ranks on one product, among those of its stack. */
export interface PartRanks {
  /** Stack whose A and B the adapters' buffers hold. */
  readonly stack: string
  /** First of these ranks in the stack, and how many the stack has. */
  readonly first: number
  readonly of: number
  readonly ranks: number
  /** Word of the stack's planes where B of the product begins: [outputs, ranks]. */
  readonly b: number
}

/** Where a trained matrix of one product lies in the flat buffers. */
export interface FlatMatrix {
  /** Element of the flat buffer where the matrix of the whole module begins. */
  readonly at: number
  /** Row of it that output i of the product is: `begin + ⌊i / run⌋·stride + i mod run`. */
  readonly begin: number
  readonly run: number
  readonly stride: number
}

/** Matrices whose squared gradients are kept as means of their rows and columns. */
export interface FactoredAttrs {
  readonly matrices: number
  /** Rows and columns of all of them. */
  readonly rows: number
  readonly columns: number
}

/** Rows `[begin, end)` of the vocabulary. */
export interface VocabularyTile {
  readonly begin: number
  readonly end: number
}

/**
 * Ops that only training has: attention over whole texts, the loss, gradients and optimisers. An op named after another one with `_dx`
 * gives the gradient of that one's input.
 */
export interface TrainAttrs {
  dense_scores: ScoresAttrs
  dense_softmax: { readonly window: Window }
  dense_context: DenseAttrs
  /** Peak, total and the target's logit of each row, over one more tile of the vocabulary. */
  loss_fold: VocabularyTile
  /** −log p of each counted row's target. */
  loss: NoAttrs

  /** Gradient of the logits of one tile, times the weight of a counted row; back through the head's factor and cap. */
  logits_dy: VocabularyTile & { readonly scale: number; readonly softcap: number | null }
  /** Rows of the head, each in its place among all rows; others are zero. */
  unpack_rows: NoAttrs
  /** Wᵀ·dy, and what adapters add. `onto`: the last input is added. */
  linear_dx: { readonly matrix: string; readonly lora?: PartRanks; readonly onto: boolean }
  /** s·(α/r)·Bᵀ·dy, dy being of so many outputs from `output` on. `onto`: the last input is added. */
  lora_du: PartRanks & { readonly outputs: number; readonly output: number; readonly onto: boolean }
  /** duᵀ·x of the ranks `[rank, rank + axes[0])` of a part that has `part`, added into the flat gradient. */
  lora_da: FlatMatrix & { readonly rank: number; readonly part: number }
  /**
   * dyᵀ·(s·(α/r)·A·x) of the same ranks, `rank` counted in the stack, which has `of`, for so many `outputs`. The head's tiles each add
   * theirs to the one gradient.
   */
  lora_db: FlatMatrix & { readonly rank: number; readonly of: number; readonly outputs: number }
  norm_dx: { readonly norm: FoldedNorm }
  rope_dx: RopeAttrs
  context_dprobs: DenseAttrs
  context_dv: DenseAttrs
  softmax_dx: { readonly window: Window }
  /** Back through c·tanh(s / c). */
  softcap_dx: { readonly softcap: number; readonly window: Window }
  scores_dq: DenseAttrs & { readonly scale: number }
  scores_dk: DenseAttrs & { readonly scale: number }
  gate_dx: { readonly activation: Activation; readonly of: 'gate' | 'up' }
  activation_dx: { readonly activation: Activation }
  /** factor·x */
  scaled: { readonly factor: number }
  /** Sum of the gradients that flow back from several readers. */
  sum: NoAttrs

  /** Adds the mean loss of the counted rows to the statistics of the step. */
  mean_loss: NoAttrs
  /** Loss, both rewards and the slope of each pair of answers, from the losses of their tokens. */
  preference_pairs: NoAttrs
  /** What each counted row's loss weighs in that of its pair. */
  preference_weights: NoAttrs
  /** Adds the means over so many pairs to the statistics of the step. */
  mean_preference: { readonly pairs: number }
  /** Sums of squares of runs of the flat gradient. */
  square_sums: NoAttrs
  /** Norm of the gradient, the factor that clips it, and whether the step may be taken. */
  clip: NoAttrs
  sgd: NoAttrs
  adamw: NoAttrs
  adafactor_rows: FactoredAttrs
  adafactor_columns: FactoredAttrs
  adafactor_means: FactoredAttrs
  adafactor_squares: FactoredAttrs
  adafactor_clip: FactoredAttrs
  adafactor: FactoredAttrs
  /** Writes trained factors where live forwards read them. */
  publish: FlatMatrix & {
    readonly stack: string
    readonly factor: 'A' | 'B'
    /** Word of the stack's buffer of that factor where the matrix begins, and from one of its rows to the next. */
    readonly to: number
    readonly toStride: number
  }
}

export type TrainOpName = keyof TrainAttrs
