import { invariant } from '../errors.ts'
import type { BufferLedger, LedgerBuffer } from '../gpu/ledger.ts'
import type { LayoutKey, PipelineCache } from '../gpu/pipelines.ts'
import type { BoundDispatch } from '../gpu/profiler.ts'
import { dispatchesOf, loadOps } from '../ops/index.ts'
import type { Dispatch, OpContext } from '../ops/op.ts'
import type { Program, Step } from '../program/step.ts'
import { packParams } from './params.ts'

export interface BoundStep {
  readonly step: Step
  readonly dispatches: readonly BoundDispatch[]
}

/** A program whose kernels are compiled and whose bind groups exist: running it allocates nothing. */
export interface BoundProgram {
  readonly program: Program
  readonly steps: readonly BoundStep[]
  readonly dispatchCount: number
  readonly params: LedgerBuffer
}

/** Buffers a program works on. */
export interface BindResources extends Omit<OpContext, 'size' | 'variant'> {
  readonly batch: GPUBuffer
  /** Batch of a step, where not all steps go over the same rows. */
  readonly batchOf?: (step: Step) => GPUBuffer
  /** How steps are dispatched, where they are not all of the forward pass. */
  readonly dispatchesOf?: typeof dispatchesOf
}

/** Uniform offsets must be multiples of this on every device at default limits. */
const PARAMS_ALIGN = 256

function layoutKey(dispatch: Dispatch): LayoutKey {
  const accesses = dispatch.bindings.map(({ at, access }) => [at, access] as const)
  const all: [number, 'uniform' | 'read' | 'write'][] = [
    [0, 'read'],
    [1, 'uniform'],
    ...accesses.map(([at, kind]): [number, 'read' | 'write'] => [at, kind]),
  ]
  return all.sort((a, b) => a[0] - b[0])
}

/** Every dispatch of a program, in order, with its step: what is bound, counted and shown. */
export function planDispatches(
  program: Program,
  resources: BindResources,
  pipelines: PipelineCache,
): { step: Step; dispatches: Dispatch[] }[] {
  const { rows, logitRows, positions } = program
  const context: OpContext = {
    ...resources,
    size: { rows, logitRows, positions },
    variant: pipelines.variant,
  }
  const dispatch = resources.dispatchesOf ?? dispatchesOf
  return program.steps.map((step) => ({ step, dispatches: dispatch(step, context) }))
}

/** Compiles what is missing and builds the bind groups of a program. */
export async function bindProgram(
  program: Program,
  resources: BindResources,
  pipelines: PipelineCache,
  ledger: BufferLedger,
): Promise<BoundProgram> {
  const { device } = pipelines
  await loadOps(program)
  const planned = planDispatches(program, resources, pipelines)
  const flat = planned.flatMap(({ dispatches }) => dispatches)
  const kernels = await Promise.all(
    flat.map((dispatch) => pipelines.get(dispatch.shader, layoutKey(dispatch))),
  )
  const bytes = packParams(flat, PARAMS_ALIGN)
  const params = ledger.create(
    `params:${program.rows}/${program.logitRows}`,
    bytes.byteLength,
    GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  )
  device.queue.writeBuffer(params.gpu, 0, bytes)
  let next = 0
  const steps = planned.map(({ step, dispatches }): BoundStep => ({
    step,
    dispatches: dispatches.map((dispatch): BoundDispatch => {
      const i = next++
      const kernel = kernels[i]
      invariant(kernel, 'every dispatch has its kernel')
      const group = device.createBindGroup({
        label: dispatch.shader.label,
        layout: kernel.layout,
        entries: [
          { binding: 0, resource: { buffer: resources.batchOf?.(step) ?? resources.batch } },
          { binding: 1, resource: { buffer: params.gpu, offset: i * PARAMS_ALIGN, size: PARAMS_ALIGN } },
          ...dispatch.bindings.map(({ at, buffer }) => ({ binding: at, resource: { buffer } })),
        ],
      })
      return { pipeline: kernel.pipeline, group, grid: dispatch.grid }
    }),
  }))
  return { program, steps, dispatchCount: flat.length, params }
}

/** Encodes bound steps into a compute pass; returns how many dispatches they are. */
export function encodeSteps(pass: GPUComputePassEncoder, steps: BoundProgram['steps']): number {
  let count = 0
  for (const { dispatches } of steps) {
    for (const { pipeline, group, grid } of dispatches) {
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, group)
      pass.dispatchWorkgroups(grid[0], grid[1], grid[2])
    }
    count += dispatches.length
  }
  return count
}
