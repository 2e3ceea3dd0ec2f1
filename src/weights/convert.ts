import { invariant } from '../errors.ts'
import type { BufferLedger } from '../gpu/ledger.ts'
import type { PipelineCache } from '../gpu/pipelines.ts'
import { encodeLoad, WeightRelay } from './relay.ts'
import { WeightStage } from './stage.ts'
import { shardRows, type StoredView } from './store.ts'

/** Bytes of f32 between two formats. */
const PIECE_BYTES = 16 << 20

export interface ConvertContext {
  readonly pipelines: PipelineCache
  readonly ledger: BufferLedger
}

/** Writes the weights of one view into another of the same shape and of a format that floats become. Nothing leaves the GPU. */
export async function convertMatrix(
  from: StoredView,
  to: StoredView,
  { pipelines, ledger }: ConvertContext,
): Promise<void> {
  const { cols } = from.matrix
  invariant(from.end - from.begin === to.end - to.begin && cols === to.matrix.cols, 'matrices have one shape')
  const relay = new WeightRelay(pipelines)
  const perPiece = Math.max(1, Math.floor(PIECE_BYTES / (cols * 4)))
  const { STORAGE } = GPUBufferUsage
  const floats = ledger.create('stage:convert', Math.min(perPiece, from.end - from.begin) * cols * 4, STORAGE)
  try {
    for (const source of shardRows(from)) {
      for (let at = 0; at < source.rows; at += perPiece) {
        const count = Math.min(perPiece, source.rows - at)
        const first = source.from + at
        await encodeLoad(pipelines.device, relay, async (pass) => {
          const { buffer, layout } = source.shard
          await relay.unpack(pass, { buffer: buffer.gpu, layout }, source.row + at, count, floats.gpu)
          await packPiece(pass, relay, floats.gpu, { to, first, count })
        })
      }
    }
  } finally {
    ledger.destroy(floats)
  }
}

/** Packs rows `[first, first + count)` of a view, which `floats` begins with. */
async function packPiece(
  pass: GPUComputePassEncoder,
  relay: WeightRelay,
  floats: GPUBuffer,
  { to, first, count }: { to: StoredView; first: number; count: number },
): Promise<void> {
  const { cols } = to.matrix
  for (const { shard, row, rows, from } of shardRows(to, first, count)) {
    const { layout, buffer } = shard
    const range = { first: row * layout.rowBlocks, count: rows * layout.rowBlocks }
    const origin = (from - first - row) * cols
    const staged = { buffer: floats, type: 'F32', first: origin, rowStep: cols, columnStep: 1 } as const
    await relay.pack(pass, staged, { buffer: buffer.gpu, layout }, range)
  }
}

/** Writes `[rows, cols]` into a view, converted to its format. */
export async function writeMatrix(
  view: StoredView,
  values: Float32Array,
  { pipelines, ledger }: ConvertContext,
): Promise<void> {
  const stage = new WeightStage(
    pipelines.device,
    ledger,
    new WeightRelay(pipelines),
    Math.max(64, values.byteLength),
  )
  try {
    stage.begin({
      bytes: values.byteLength,
      source: 'F32',
      parts: shardRows(view).map(({ shard, ...place }) => ({
        target: { buffer: shard.buffer.gpu, layout: shard.layout },
        ...place,
      })),
    })
    await stage.add(new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength))
    await stage.end()
    await stage.finish()
  } finally {
    stage.dispose()
  }
}
