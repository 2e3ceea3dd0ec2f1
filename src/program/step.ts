import type { FusionRule } from './fuse.ts'
import type { Attrs, OpName } from './attrs.ts'

/** What an axis of a step's output runs over. */
export type AxisKind =
  | 'rows'
  | 'heads'
  | 'positions'
  | 'features'
  | 'vocabulary'
  | 'experts'
  | 'ranks'
  /** Keys, then values. */
  | 'kv'

/** One axis of a step's output, outermost first. */
export interface Axis {
  readonly kind: AxisKind
  readonly size: number
  /** Features that are those of so many heads, one head after the other. */
  readonly heads?: number
}

/** How the GPU holds a parameter: quantised in a matrix, behind one as its bias, or as plain f32. */
export type ParamRole = 'matrix' | 'bias' | 'vector'

/** Runs of outputs of a fused tensor, which begin `stride` apart; outputs of a run lie `step` apart, default 1. */
export interface OutputRuns {
  readonly count: number
  readonly stride: number
  readonly step?: number
}

/**
 * A parameter and where it lies in the checkpoint.
 *
 * `shape` is as the step uses it: `[out, in]` for a matrix (y = Wx), `[n]` for a vector.
 */
export interface ParamRef {
  /** Name of the step that reads it, its bias with `.bias` behind it: `layers.3.attn.q`, `layers.3.attn.q.bias`. A tied head reads `embed`. */
  readonly name: string
  readonly role: ParamRole
  /** Name in the checkpoint. */
  readonly tensor: string
  /** `in_out`: stored transposed, as GPT-2's Conv1D does; the loader turns it. Vectors are `out_in`. */
  readonly layout: 'out_in' | 'in_out'
  /** Outputs `[begin, end)` of a fused tensor, null for all of it. Counted in outputs, whatever the layout. */
  readonly rows: readonly [begin: number, end: number] | null
  /** Where `rows` is the first of several runs: how many there are, and how far apart they begin. */
  readonly runs?: OutputRuns
  /** Tensors of the same shape that go on where `tensor` ends. */
  readonly more?: readonly string[]
  /** Matrices, or biases, of so many experts, one after the other: in `more` tensors, or in one of an axis more. */
  readonly experts?: number
  readonly shape: readonly number[]
}

/** Which rows a step computes: all; those whose logits are wanted, into the ring; or those, packed. */
export type RowSet = 'all' | 'logits' | 'packed'

/** A step's relation to the residual stream: it reads the stream as it is, or its output is added to it. */
export type StreamRelation = 'reads' | 'writes' | null

/** A step of one op: a line of the paper, or a fused kernel covering several. */
export interface StepOf<O extends OpName> {
  readonly name: string
  readonly op: O
  /** Layer number, null outside the layers. */
  readonly layer: number | null
  /** Steps whose outputs it reads. */
  readonly inputs: readonly string[]
  /** Parameters it reads. */
  readonly params: readonly ParamRef[]
  readonly attrs: Attrs[O]
  readonly axes: readonly Axis[]
  readonly stream: StreamRelation
  /** Steps whose outputs the backward rule of its op needs. */
  readonly saves: readonly string[]
  readonly rows: RowSet
  /** Floating-point operations; a multiplication and an addition are two. */
  readonly flops: number
  /** Names of the fine steps a fused kernel stands for; empty for a fine step. */
  readonly covers: readonly string[]
}

/** A step; its op says which attributes it has. */
export type Step = { [O in OpName]: StepOf<O> }[OpName]

/** Row counts a forward pass is recorded for. */
export interface ProgramSize {
  rows: number
  /** Rows that reach the head. */
  logitRows: number
  /** Positions the attention shapes are drawn for; in a live run the longest a sequence can get. */
  positions: number
}

/** A forward pass as a list of steps, for one number of rows. */
export interface Program extends Readonly<ProgramSize> {
  readonly steps: readonly Step[]
  /** Rules of `fuse` that only programs with such steps need; the block that records the steps names them. */
  readonly rules?: readonly FusionRule[]
}

/** Shape of a step's output. */
export function shapeOf({ axes }: Pick<Step, 'axes'>): number[] {
  return axes.map(({ size }) => size)
}

/** Shape of a step's output as a picture: rows by columns, slices of them first. What lies behind the rows is one axis. */
export function pictureShape(
  step: Pick<Step, 'axes'>,
  shape: readonly number[] = shapeOf(step),
): readonly number[] {
  const [rows = 1, ...behind] = shape
  return rowAxis(step) === 0 && behind.length > 1 ? [rows, elements(behind)] : shape
}

/** Index of the axis that runs over the rows of the forward. */
export function rowAxis({ axes }: Pick<Step, 'axes'>): number {
  return axes.findIndex(({ kind }) => kind === 'rows')
}

/** Size of a step's innermost axis. */
export function widthOf({ axes }: Pick<Step, 'axes'>): number {
  return axes.at(-1)?.size ?? 0
}

/** Elements of a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** Elements of a step's output. */
export function elementsOf(step: Pick<Step, 'axes'>): number {
  return elements(shapeOf(step))
}

/** Whether a step is of an op, as a type guard. */
export function isOp<O extends OpName>(
  step: Step | undefined,
  ...ops: readonly O[]
): step is Extract<Step, { op: O }> {
  return step !== undefined && (ops as readonly OpName[]).includes(step.op)
}

/** A step's name without its layer: `attn.q` of `layers.3.attn.q`. */
export function localName({ name, layer }: Pick<Step, 'name' | 'layer'>): string {
  return layer === null ? name : name.slice(`layers.${layer}.`.length)
}

/** True when `name` matches a probe or breakpoint pattern: `*` stands for one run of characters without a dot. */
export function matchesPattern(name: string, pattern: string): boolean {
  const source = pattern
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^.]*')
  return new RegExp(`^${source}$`).test(name)
}

/** Every parameter of a program once, in the order of the forward pass. A tied head repeats the embedding and is not listed. */
export function listParams({ steps }: Program): ParamRef[] {
  const byName = new Map<string, ParamRef>()
  for (const { params } of steps)
    for (const param of params) if (!byName.has(param.name)) byName.set(param.name, param)
  return [...byName.values()]
}

/** The steps behind the layers, which only rows whose logits are wanted need: the last norm and the head. */
export function lmHeadSteps({ steps }: Program): readonly Step[] {
  return steps.slice(steps.findLastIndex(({ layer }) => layer !== null) + 1)
}

/** Name of what a layer of a recorded forward hands on: the residual stream, or a norm over it; of −1 what the first one reads. */
export function streamName({ steps }: Program, layer: number): string {
  const first = steps.findIndex((step) => step.layer !== null)
  const stream = layer < 0 ? steps[first - 1] : steps.findLast((step) => step.layer === layer)
  return stream?.name ?? ''
}
