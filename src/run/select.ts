import type { LedgerBuffer } from '../gpu/ledger.ts'
import { selectKernel } from '../ops/select.ts'
import type { Executor } from './executor.ts'

/** The kernel that picks tokens, bound to a runner's buffers. */
export interface BoundSelect {
  readonly pipeline: GPUComputePipeline
  readonly group: GPUBindGroup
  readonly params: LedgerBuffer
}

interface SelectBuffers {
  readonly batch: LedgerBuffer
  readonly logits: LedgerBuffer
  readonly records: LedgerBuffer
  readonly sampledTokens: LedgerBuffer
}

/** Compiles the kernel that picks tokens from rows of `vocab` logits. */
export async function bindSelect(
  { device, ledger, pipelines }: Executor,
  vocab: number,
  { batch, logits, records, sampledTokens }: SelectBuffers,
): Promise<BoundSelect> {
  const { pipeline, layout } = await pipelines.get(selectKernel(pipelines.variant), [
    [0, 'read'],
    [1, 'uniform'],
    [2, 'read'],
    [3, 'write'],
    [4, 'write'],
  ])
  const params = ledger.create('params:select', 16, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST)
  device.queue.writeBuffer(params.gpu, 0, new Uint32Array([vocab, 0, 0, 0]))
  const group = device.createBindGroup({
    label: 'select',
    layout,
    entries: [batch, params, logits, records, sampledTokens].map(({ gpu }, binding) => ({
      binding,
      resource: { buffer: gpu },
    })),
  })
  return { pipeline, group, params }
}
