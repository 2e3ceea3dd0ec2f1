import { TokenscopeError } from '../errors.ts'
import type { BufferLedger } from '../gpu/ledger.ts'
import type { PipelineCache } from '../gpu/pipelines.ts'
import type { ParamRef } from '../program/step.ts'
import { encodeLoad, WeightRelay } from './relay.ts'
import { shardRows, type WeightStore } from './store.ts'

/** Tensors of the matrices that hold NaN or infinity as they lie on the GPU. */
export async function findNonFinite(
  matrices: readonly ParamRef[],
  { store, pipelines, ledger }: { store: WeightStore; pipelines: PipelineCache; ledger: BufferLedger },
): Promise<string[]> {
  const { device } = pipelines
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage
  const found = ledger.create('stage:finite', matrices.length * 4, STORAGE | COPY_SRC)
  const staging = ledger.create('staging', found.bytes, MAP_READ | COPY_DST)
  try {
    const relay = new WeightRelay(pipelines)
    await encodeLoad(device, relay, async (pass) => {
      for (const [at, { name }] of matrices.entries()) {
        for (const { shard, row, rows } of shardRows(store.view(name))) {
          const planes = { buffer: shard.buffer.gpu, layout: shard.layout }
          await relay.findNonFinite(pass, planes, row, rows, { buffer: found.gpu, at })
        }
      }
    })
    const encoder = device.createCommandEncoder({ label: 'read back' })
    encoder.copyBufferToBuffer(found.gpu, 0, staging.gpu, 0, found.bytes)
    device.queue.submit([encoder.finish()])
    try {
      await staging.gpu.mapAsync(GPUMapMode.READ)
    } catch (cause) {
      throw new TokenscopeError('device-lost', 'The GPU was lost while the weights were checked.', {
        hint: 'Load the model again.',
        cause,
      })
    }
    const flags = new Uint32Array(staging.gpu.getMappedRange())
    return matrices.filter((_, at) => flags[at] === 1).map(({ tensor }) => tensor)
  } finally {
    ledger.destroy(staging)
    ledger.destroy(found)
  }
}
