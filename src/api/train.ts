import type { AdapterScale } from './adapters.ts'

/** A text to learn from: `mask[i] = 1` counts the prediction of `ids[i]`; nothing predicts the first id. */
export interface TrainExample {
  readonly ids: readonly number[]
  readonly mask: readonly (0 | 1)[]
}

/** A prompt with a better and a worse answer to it, as ids; all ids of the answers count. */
export interface PreferencePair {
  readonly prompt: readonly number[]
  readonly chosen: readonly number[]
  readonly rejected: readonly number[]
}

export interface NewAdapterOptions {
  name: string
  /** Default 8. */
  rank?: number | undefined
  /** B·A is multiplied by alpha / rank. Default twice the rank. */
  alpha?: number | undefined
  /**
   * Modules by name or its dotted tail (`q_proj`), by the step (`attn.q`, `layers.3.attn.q`, with `*` for a run of characters without a
   * dot), or 'all-linear' for every product but the head. Default 'all-linear'.
   */
  targets?: 'all-linear' | readonly string[] | undefined
  /** The same seed draws the same A. Default 0. */
  seed?: number | undefined
  /** Default 1. */
  scale?: number | undefined
}

export interface GradientOptions {
  /**
   * Patterns of gradients; `*` stands for a run of characters without a dot. `X.dx` is the gradient of the input of step X as it flows
   * back through X, `X.dy` that of its output, `X.dA` and `X.dB` those of the adapters' factors on it (all adapters side by side along
   * the rank), and `loss` the losses of the counted predictions.
   */
  probes: readonly string[]
  /** Omitted: all added adapters at their set scales; []: the base. */
  adapters?: readonly AdapterScale[] | undefined
}

export interface TrainOptions {
  /**
   * 'likelihood', the default: counted tokens are to be likely. 'dpo' (Rafailov et al. 2023), of {@link PreferencePair}s: the chosen
   * answer's reward is to exceed the rejected one's, the reward being β·(ln π − ln π of the reference), summed over an answer. The
   * reference is the same model without this adapter, read in the same batch. The loss is −ln σ of the margin, a mean over pairs.
   */
  objective?: 'likelihood' | 'dpo' | undefined
  /** β of 'dpo'. Default 0.1. */
  beta?: number | undefined
  /** Default 'adamw'. */
  optimizer?: 'adamw' | 'adafactor' | 'sgd' | undefined
  /** Default 1e-3. */
  learningRate?: number | undefined
  /** Of adamw; default [0.9, 0.999]. */
  betas?: readonly [number, number] | undefined
  /** adamw: added to √v̂, default 1e-8. adafactor: [ε₁, ε₂], of which ε₁ is added to squared gradients; default [1e-30, 1e-3]. */
  eps?: number | readonly [number, number] | undefined
  /** λ: decoupled in adamw and adafactor, added to the gradient in sgd. Default 0. */
  weightDecay?: number | undefined
  /** adafactor: β₂ of step t is 1 − t^decayRate. Default −0.8. */
  decayRate?: number | undefined
  /** adafactor: root mean square that an update is clipped at. Default 1. */
  clipThreshold?: number | undefined
  /** Norm of the whole gradient that it is clipped at; omitted or null: it is not. */
  clipNorm?: number | null | undefined
  /** Default 'constant'. */
  schedule?: 'constant' | 'linear' | 'cosine' | undefined
  /** Default 0. */
  warmupSteps?: number | undefined
  /** Fraction of `learningRate` at the end of a linear or cosine schedule. Default 0. */
  finalRate?: number | undefined
  /** Optimiser steps; default as many as one pass over the examples takes. */
  steps?: number | undefined
  /** Examples of one forward and backward pass. Default 1. */
  batchSize?: number | undefined
  /**
   * Rows of one pass, in place of `batchSize`: it takes examples as they come until the next would not fit, which begins the next pass,
   * as a new round does. Texts see themselves alone, and none is cut: one that is longer is a pass of its own. An example takes one row
   * fewer than ids up to its last counted one. Null, the default: passes hold `batchSize` examples each, as those of 'dpo' always do.
   */
  packRows?: number | null | undefined
  /** Passes whose gradients one optimiser step adds up. Default 1. */
  accumulate?: number | undefined
  /** Passes of the last step, where batches grow or shrink: steps between take their share, rounded. Default `accumulate`. */
  finalAccumulate?: number | undefined
  /** Seed of the order in which each round over the examples takes them; false, the default: as they are given. */
  shuffle?: number | false | undefined
  /**
   * A loss above so many times its running mean is a spike: parameters and moments go back to where they were some steps ago, and the
   * batch is left out. Null, the default: only a loss or gradient that is not finite is left out.
   */
  spikeFactor?: number | null | undefined
  /**
   * What the forward leaves for the backward pass: 'everything'; 'layers', only what layers hand on, the rest is computed again; 'auto',
   * the default, everything where that is little. Results are the same bit for bit.
   */
  keep?: 'auto' | 'everything' | 'layers' | undefined
  /** Says with each step how long each product's gradient is, which reads the whole gradient back. Default false. */
  norms?: boolean | undefined
  /**
   * What `trainingState` gave: the run goes on from there to its `steps`, with the same examples and options and the adapter as it was
   * then, as if it had never been left. Steps keep their numbers.
   */
  resume?: Uint8Array | undefined
  signal?: AbortSignal | undefined
}

/** How hard a step pulls at one adapted product. */
export interface ModuleNorm {
  /** Name of the product's step. */
  step: string
  /** √(‖∂A‖² + ‖∂B‖²), before clipping. */
  gradient: number
}

/** One step of an optimiser. */
export interface TrainedStep {
  /** 0-based. */
  index: number
  /** Mean over all counted tokens of the step, of preferences over its pairs; nats, before the step was taken. */
  loss: number
  /** Of the whole gradient, before clipping. */
  gradNorm: number
  learningRate: number
  /** Counted tokens; of pairs those of both answers. */
  tokens: number
  /** Of 'dpo': means over the pairs of the step, before it was taken. `accuracy`: share whose chosen answer has the larger reward. */
  rewards?: { chosen: number; rejected: number; margin: number; accuracy: number }
  /** Under `norms`. A module that a model fuses with others counts the A they share: squares then add up to more than gradNorm². */
  norms?: readonly ModuleNorm[]
  /** Why the step was not taken; null when it was. `backTo`: index of the step whose result is in force again. */
  skipped: { reason: 'not-finite' | 'spike'; backTo: number } | null
}
