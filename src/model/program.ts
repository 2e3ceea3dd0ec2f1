import { invariant } from '../errors.ts'
import type { DecoderSpec } from './spec.ts'

/** What a step computes. The second line holds fused kernels, which only lowering makes. */
export type StepOp =
  | 'embed'
  | 'rms_norm'
  | 'layer_norm'
  | 'linear'
  | 'rope'
  | 'cache'
  | 'scores'
  | 'softmax'
  | 'mix'
  | 'add'
  | 'gate'
  | 'activation'
  | 'norm_linear'
  | 'norm_gated'
  | 'linear_add'
  | 'linear_activation'
  | 'norm_linear_activation'
  | 'rope_cache'
  | 'attention'

/** One step of a forward pass: a line of the paper, or a fused kernel covering several. */
export interface Step {
  readonly name: string
  readonly op: StepOp
  /** Steps whose outputs it reads. */
  readonly inputs: readonly string[]
  /** Parameters it reads, under the names of the steps of the fine program. */
  readonly weights: readonly string[]
  readonly shape: readonly number[]
  /** Layer number, null outside the layers. */
  readonly layer: number | null
  /** Which rows it computes. */
  readonly rows: 'all' | 'logits'
  /** Names of the fine steps a fused kernel stands for; empty for a fine step. */
  readonly covers: readonly string[]
  /** Floating-point operations, and bytes read and written when nothing is cached; weights at f32. */
  readonly flops: number
}

/** A forward pass as a list of steps, for one number of rows. */
export interface Program {
  readonly spec: DecoderSpec
  readonly rows: number
  /** Rows that reach the head. */
  readonly logitRows: number
  /** Positions the attention shapes are drawn for; in a live run the longest a sequence can get. */
  readonly positions: number
  readonly steps: readonly Step[]
}

export interface ProgramSize {
  rows: number
  logitRows: number
  positions: number
}

/** Collects the steps that `decoder.ts` names. */
export class ProgramRecorder {
  readonly steps: Step[] = []
  private readonly names = new Set<string>()
  private layer: number | null = null

  enterLayer(layer: number | null): void {
    this.layer = layer
  }

  /** Adds a step and returns its name, so that the decoder reads as assignments. */
  step(
    name: string,
    op: StepOp,
    inputs: readonly string[],
    shape: readonly number[],
    {
      weights = [],
      flops,
      rows = 'all',
    }: { weights?: readonly string[]; flops: number; rows?: 'all' | 'logits' },
  ): string {
    const full = this.layer === null ? name : `layers.${this.layer}.${name}`
    invariant(!this.names.has(full), `two steps are named ${full}`)
    this.names.add(full)
    this.steps.push({ name: full, op, inputs, weights, shape, layer: this.layer, rows, covers: [], flops })
    return full
  }
}

/** Elements of a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** True when `name` matches a probe or breakpoint pattern: `*` stands for one run of characters without a dot. */
export function matchesPattern(name: string, pattern: string): boolean {
  const source = pattern
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^.]*')
  return new RegExp(`^${source}$`).test(name)
}
