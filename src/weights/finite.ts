import type { BufferLedger } from '../gpu/ledger.ts'
import type { PipelineCache } from '../gpu/pipelines.ts'
import { readBack } from '../gpu/readback.ts'
import type { ParamRef } from '../program/step.ts'
import { encodeLoad, WeightRelay } from './relay.ts'
import { shardRows, type WeightStore } from './store.ts'

interface Weights {
  readonly store: WeightStore
  readonly pipelines: PipelineCache
  readonly ledger: BufferLedger
}

/** Tensors of the matrices that hold NaN or infinity as they lie on the GPU. */
export async function findNonFinite(matrices: readonly ParamRef[], weights: Weights): Promise<string[]> {
  // Exponents say of nearly all that they hold none; what is left is looked at weight by weight.
  const doubtful = await flagged(matrices, weights, 'findOnes')
  const bad = await flagged(doubtful, weights, 'findNonFinite')
  return bad.map(({ tensor }) => tensor)
}

async function flagged(
  matrices: readonly ParamRef[],
  { store, pipelines, ledger }: Weights,
  test: 'findOnes' | 'findNonFinite',
): Promise<readonly ParamRef[]> {
  if (matrices.length === 0) return []
  const { device } = pipelines
  const { STORAGE, COPY_SRC } = GPUBufferUsage
  const found = ledger.create('stage:finite', matrices.length * 4, STORAGE | COPY_SRC)
  try {
    const relay = new WeightRelay(pipelines)
    await encodeLoad(device, relay, async (pass) => {
      for (const [at, { name }] of matrices.entries()) {
        for (const { shard, row, rows } of shardRows(store.view(name))) {
          const planes = { buffer: shard.buffer.gpu, layout: shard.layout }
          await relay[test](pass, planes, row, rows, { buffer: found.gpu, at })
        }
      }
    })
    const flags = new Uint32Array(await readBack(device, ledger, found.gpu, [[0, found.bytes]]))
    return matrices.filter((_, at) => flags[at] === 1)
  } finally {
    ledger.destroy(found)
  }
}
