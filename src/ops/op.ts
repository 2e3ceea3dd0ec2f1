import type { ShaderSource } from '../gpu/shader.ts'
import type { AdapterGroup, EmbedLora } from '../adapters/adapterBuffers.ts'
import type { MatrixView } from '../weights/store.ts'
import type { Program, Step } from '../program/program.ts'
import type { Variant } from '../api/model.ts'

/** A float among a kernel's parameters; plain numbers are u32. */
export interface FloatParam {
  f32: number
}

export interface Binding {
  /** Binding number in the kernel. 0 is the batch, 1 the parameters; both are filled in by the runner. */
  at: number
  access: 'read' | 'write'
  buffer: GPUBuffer
}

/** One dispatch of a step: which kernel, on which buffers, how many workgroups. */
export interface Dispatch {
  shader: ShaderSource
  bindings: readonly Binding[]
  params: readonly (number | FloatParam)[]
  grid: readonly [x: number, y: number, z: number]
}

/** What an op may ask for while it turns a step into dispatches. */
export interface OpContext {
  readonly program: Program
  readonly variant: Variant
  /** Buffer holding the output of a step. */
  tensor(name: string): GPUBuffer
  /** Step that produces a tensor. */
  producer(name: string): Step
  /** A matrix, or its part, by the name of the step that multiplies by it. */
  matrix(name: string): MatrixView
  /** A norm's weight, followed by its bias when it has one; or the learned positions. */
  vector(name: string): GPUBuffer
  /** The page pool of a layer. */
  pages(layer: number): { k: GPUBuffer; v: GPUBuffer }
  /** cos and sin by position, [positions, 2, rotary / 2]. */
  readonly ropeTable: GPUBuffer
  /** Last drawn token per sampler slot. */
  readonly drawn: GPUBuffer
  /** The loaded adapters on a group of products. */
  adapterGroup(name: string): AdapterGroup
  /** Low-rank additions to the embedding. */
  embedLora(): EmbedLora
  /** Table of the edits at a step. */
  edits(step: string): GPUBuffer
  /** Which adapter replaces the module of a step. */
  replacedBy(step: string): number
  /** Space between the two halves of decode attention; shared by all layers. */
  scratch(bytes: number): GPUBuffer
}

/** An op: how a step becomes dispatches, and how people write it. */
export interface Op {
  /** Formula in plain mathematical notation, for `steps()` and the inspector. */
  formula(step: Step, program: Program): string
  dispatches(step: Step, context: OpContext): Dispatch[]
}

/** Workgroups along x for `threads` threads of `size`, split over y past the 65,535 limit. */
export function linearGrid(groups: number): [number, number, number] {
  const limit = 65_535
  if (groups <= limit) return [Math.max(1, groups), 1, 1]
  const y = Math.ceil(groups / limit)
  return [Math.ceil(groups / y), y, 1]
}

export const read = (at: number, buffer: GPUBuffer): Binding => ({ at, access: 'read', buffer })
export const write = (at: number, buffer: GPUBuffer): Binding => ({ at, access: 'write', buffer })
