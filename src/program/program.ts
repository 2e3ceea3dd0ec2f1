import { invariant } from '../errors.ts'
import type { DecoderSpec } from '../arch/spec.ts'

/** What a step computes: an op of the paper, one that adapters add, or a fused kernel that only lowering makes. */
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
  | 'lora_ax'
  | 'embed_lora'
  | 'blend'
  | 'edit'
  | 'norm_linear'
  | 'norm_gated'
  | 'linear_add'
  | 'linear_activation'
  | 'norm_linear_activation'
  | 'norm_lora_ax'
  | 'rope_cache'
  | 'attention'

/** Which rows a step computes: all; those whose logits are wanted, into the ring; or those, packed. */
export type RowSet = 'all' | 'logits' | 'packed'

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
  readonly rows: RowSet
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

/** What adapters and edits change in the list of steps. */
export interface StepChanges {
  /** Ranks of all adapters of a group of products that share their input: `layers.0.attn.qkv`, …; 0 without any. */
  ranks(group: string): number
  /** True for a step whose whole module some adapter replaces. */
  replaces(step: string): boolean
  /** True for a step whose output somebody edits. */
  edits(step: string): boolean
}

export const NO_CHANGES: StepChanges = { ranks: () => 0, replaces: () => false, edits: () => false }

/** Name of the step that computes A·x for a group. */
export const axName = (group: string): string => `${group}.ax`
export const isAx = (name: string): boolean => name.endsWith('.ax')

interface StepOptions {
  weights?: readonly string[]
  flops: number
  rows?: RowSet
}

/** Collects the steps that `decoder.ts` names. */
export class ProgramRecorder {
  readonly steps: Step[] = []
  private readonly names = new Set<string>()
  private layer: number | null = null
  private readonly changes: StepChanges

  constructor(changes: StepChanges) {
    this.changes = changes
  }

  enterLayer(layer: number | null): void {
    this.layer = layer
  }

  private full(name: string): string {
    return this.layer === null ? name : `layers.${this.layer}.${name}`
  }

  /**
   * Adds a step and returns its name, so that the decoder reads as assignments. A module that an adapter replaces becomes two
   * and a blend; an edited step is followed by its edit, which takes over its name.
   */
  step(
    name: string,
    op: StepOp,
    inputs: readonly string[],
    shape: readonly number[],
    options: StepOptions,
  ): string {
    const full = this.full(name)
    const own = this.changes.edits(full) ? `${name}.raw` : name
    const made = this.changes.replaces(full)
      ? this.replaced(own, name, op, inputs, shape, options)
      : this.add(own, op, inputs, shape, options)
    return own === name ? made : this.add(name, 'edit', [made], shape, { flops: 2 * elements(shape) })
  }

  /** The base's module, its replacement, and the blend of both under the name `own`. */
  private replaced(
    own: string,
    name: string,
    op: StepOp,
    inputs: readonly string[],
    shape: readonly number[],
    options: StepOptions,
  ): string {
    const rows = options.rows === 'logits' ? 'packed' : (options.rows ?? 'all')
    const [, ...others] = options.weights ?? []
    const weights = [`${this.full(name)}@alt`, ...others.map((weight) => `${weight}@alt`)]
    const plain = inputs.filter((input) => !isAx(input))
    const base = this.add(`${name}.base`, op, inputs, shape, { ...options, rows })
    const alt = this.add(`${name}.alt`, op, plain, shape, { ...options, rows, weights })
    return this.add(own, 'blend', [base, alt], shape, {
      flops: 3 * elements(shape),
      rows: options.rows ?? 'all',
    })
  }

  /** A·x of the adapters on a group of products, as an extra input for them: none or one. */
  adapted(group: string, x: string, rows: number, k: number, set: RowSet = 'all'): string[] {
    const ranks = this.changes.ranks(this.full(group))
    if (ranks === 0) return []
    return [
      this.add(axName(group), 'lora_ax', [x], [rows, ranks], { flops: 2 * rows * k * ranks, rows: set }),
    ]
  }

  /** The embedding; adapters on it add to its rows in a step of their own. */
  embed(shape: readonly number[], options: StepOptions): string {
    const ranks = this.changes.ranks('embed')
    if (ranks === 0) return this.step('embed', 'embed', [], shape, options)
    const plain = this.add('embed.plain', 'embed', [], shape, options)
    return this.step('embed', 'embed_lora', [plain], shape, { flops: 2 * elements(shape) * ranks })
  }

  private add(
    name: string,
    op: StepOp,
    inputs: readonly string[],
    shape: readonly number[],
    { weights = [], flops, rows = 'all' }: StepOptions,
  ): string {
    const full = this.full(name)
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
