import type { BufferLedger } from '../gpu/ledger.ts'
import type { PipelineCache } from '../gpu/pipelines.ts'
import { readBack } from '../gpu/readback.ts'
import type { ParamRef } from '../program/step.ts'
import { encodeLoad, WeightRelay } from './relay.ts'
import { shardRows, type WeightStore } from './store.ts'

/** Tensors of the matrices that hold NaN or infinity as they lie on the GPU. */
export async function findNonFinite(
  matrices: readonly ParamRef[],
  { store, pipelines, ledger }: { store: WeightStore; pipelines: PipelineCache; ledger: BufferLedger },
): Promise<string[]> {
  const { device } = pipelines
  const { STORAGE, COPY_SRC } = GPUBufferUsage
  const found = ledger.create('stage:finite', matrices.length * 4, STORAGE | COPY_SRC)
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
    const flags = new Uint32Array(await readBack(device, ledger, found.gpu, [[0, found.bytes]]))
    return matrices.filter((_, at) => flags[at] === 1).map(({ tensor }) => tensor)
  } finally {
    ledger.destroy(found)
  }
}
