import type { Variant } from '../api/model.ts'
import type { ShaderSource } from '../gpu/shader.ts'
import { invariant } from '../errors.ts'
import type { OpName, RopeTable } from '../program/attrs.ts'
import type { ProgramSize, Step } from '../program/step.ts'
import type { KvPages } from './kvFormats.ts'
import type { AdapterStack, EmbedLora, MatrixView } from './operands.ts'

/** Steps of some ops. */
export type OpStep<O extends OpName> = Extract<Step, { op: O }>

export interface Binding {
  /** Binding number in the kernel. 0 is the batch, 1 the parameters; both are filled in when the program is bound. */
  at: number
  access: 'read' | 'write'
  buffer: GPUBuffer
}

/** Numbers under the names of the fields of the kernel's `struct Params`, which says whether each is u32 or f32. */
export type KernelParams = Readonly<Record<string, number>>

/** One dispatch of a step: which kernel, on which buffers, how many workgroups. */
export interface Dispatch {
  shader: ShaderSource
  bindings: readonly Binding[]
  params: KernelParams
  grid: readonly [x: number, y: number, z: number]
}

/** What an op may ask for while it turns a step into dispatches. */
export interface OpContext {
  readonly size: Readonly<ProgramSize>
  readonly variant: Variant
  /** Buffer holding the output of a step. */
  tensor(name: string): GPUBuffer
  /** A matrix, or its part. */
  matrix(name: string): MatrixView
  /** A norm's weight, followed by its bias when it has one; or the learned positions. */
  vector(name: string): GPUBuffer
  /** The cache of a layer. */
  pages(layer: number): KvPages
  /** cos and sin by position, [positions, 2, rotary / 2]; of no table, an empty one. */
  ropeTable(table: RopeTable | null): GPUBuffer
  /** Last sampled token per sampler slot. */
  readonly sampledTokens: GPUBuffer
  /** The loaded adapters on a stack of products. */
  adapterStack(name: string): AdapterStack
  /** Low-rank additions to the embedding. */
  embedLora(): EmbedLora
  /** Table of the edits at a step. */
  edits(step: string): GPUBuffer
  /** Which adapter is the `nth` of those that replace the module of a step. */
  replacedBy(step: string, nth: number): number
  /** Space between the two halves of decode attention; shared by all layers. */
  scratch(bytes: number): GPUBuffer
}

/** An op: how its steps become dispatches, and how people write it. */
export interface Op<O extends OpName> {
  /** What is computed, in plain mathematical notation with the step's own numbers. */
  formula(step: OpStep<O>): string
  dispatches(step: OpStep<O>, context: OpContext): Dispatch[]
}

/** Workgroups along x for `groups` of them, split over y past the 65,535 limit. */
export function linearGrid(groups: number): [number, number, number] {
  const limit = 65_535
  if (groups <= limit) return [Math.max(1, groups), 1, 1]
  const y = Math.ceil(groups / limit)
  return [Math.ceil(groups / y), y, 1]
}

/** A thread for each of `width` elements of every row of the forward. */
export function elementGrid(width: number, { size, variant }: OpContext): [number, number, number] {
  return [Math.ceil(width / variant.workgroup), size.rows, 1]
}

export const read = (at: number, buffer: GPUBuffer): Binding => ({ at, access: 'read', buffer })
export const write = (at: number, buffer: GPUBuffer): Binding => ({ at, access: 'write', buffer })

/** Buffer of a step's input. */
export function inputOf(step: Step, index: number, context: OpContext): GPUBuffer {
  const name = step.inputs[index]
  invariant(name !== undefined, `${step.name} has input ${index}`)
  return context.tensor(name)
}

/** Buffer of a vector parameter, as {@link OpContext.vector} has it. */
export function vectorOf(step: Step, index: number, context: OpContext): GPUBuffer {
  const param = step.params[index]
  invariant(param, `${step.name} has parameter ${index}`)
  return context.vector(param.name)
}
