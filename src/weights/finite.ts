import type { BufferLedger } from '../gpu/ledger.ts'
import type { PipelineCache } from '../gpu/pipelines.ts'
import { readBack } from '../gpu/readback.ts'
import type { ParamRef } from '../program/step.ts'
import { encodeLoad, WeightRelay } from './relay.ts'
import { shardRows, type ShardRows, type StoredMatrix, type WeightStore } from './store.ts'

interface Weights {
  readonly store: WeightStore
  readonly pipelines: PipelineCache
  readonly ledger: BufferLedger
}

type Rows = Pick<ShardRows, 'shard' | 'row' | 'rows'>

/** Tensors of the matrices that hold NaN or infinity as they lie on the GPU. */
export async function findNonFinite(params: readonly ParamRef[], weights: Weights): Promise<string[]> {
  const { store } = weights
  const rowsOf = ({ name }: ParamRef): readonly Rows[] => shardRows(store.view(name))
  const stored = [...new Set(params.map(({ name }) => store.view(name).matrix))]
  // Exponents say of nearly all that they hold none; what is left is looked at weight by weight.
  const doubtful = new Set(await flagged(stored, wholeShards, weights, 'findOnes'))
  const suspects = params.filter(({ name }) => doubtful.has(store.view(name).matrix))
  const bad = await flagged(suspects, rowsOf, weights, 'findNonFinite')
  return bad.map(({ tensor }) => tensor)
}

const wholeShards = ({ shards }: StoredMatrix): readonly Rows[] =>
  shards.map((shard) => ({ shard, row: 0, rows: shard.end - shard.begin }))

async function flagged<T>(
  items: readonly T[],
  rowsOf: (item: T) => readonly Rows[],
  { pipelines, ledger }: Weights,
  test: 'findOnes' | 'findNonFinite',
): Promise<readonly T[]> {
  if (items.length === 0) return []
  const { device } = pipelines
  const { STORAGE, COPY_SRC } = GPUBufferUsage
  const flagBuffer = ledger.create('stage:finite', items.length * 4, STORAGE | COPY_SRC)
  try {
    const relay = new WeightRelay(pipelines)
    await encodeLoad(device, relay, async (pass) => {
      for (const [at, item] of items.entries()) {
        for (const { shard, row, rows } of rowsOf(item)) {
          const packed = { buffer: shard.buffer.gpu, layout: shard.layout }
          await relay[test](pass, packed, row, rows, { buffer: flagBuffer.gpu, at })
        }
      }
    })
    const flags = new Uint32Array(await readBack(device, ledger, flagBuffer.gpu, [[0, flagBuffer.bytes]]))
    return items.filter((_, at) => flags[at] === 1)
  } finally {
    ledger.destroy(flagBuffer)
  }
}
