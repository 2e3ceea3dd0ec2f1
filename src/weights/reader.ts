import { invariant } from '../errors.ts'
import type { BufferLedger, LedgerBuffer } from '../gpu/ledger.ts'
import type { PipelineCache } from '../gpu/pipelines.ts'
import { NO_BIAS } from '../ops/operands.ts'
import type { ParamRef } from '../program/step.ts'
import { encodeLoad, WeightRelay } from './relay.ts'
import { shardRows, type ShardRows, type StoredView } from './store.ts'

/** Where weights lie, and how bytes of the GPU are read. */
export interface WeightSource {
  readonly weights: { view(name: string): StoredView; vector(name: string): LedgerBuffer }
  readonly pipelines: PipelineCache
  readonly ledger: BufferLedger
  read(source: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer>
}

/** Bytes of f32 that are unpacked at once. */
const PIECE_BYTES = 16 << 20

/** Reads parameters back from the GPU as the kernels see them: dequantised. */
export class WeightReader {
  readonly #source: WeightSource

  constructor(source: WeightSource) {
    this.#source = source
  }

  /** Rows of a view, `[rows, cols]`. */
  matrix(view: StoredView): Promise<Float32Array> {
    return this.#rows(view, 0, view.end - view.begin)
  }

  /** One row of a view with its bias: reads no more than these. */
  async row(view: StoredView, row: number): Promise<{ weights: Float32Array; bias: number | null }> {
    const [place] = shardRows(view, row, 1)
    invariant(place, `${view.matrix.name} has row ${view.begin + row}`)
    const weights = await this.#rows(view, row, 1)
    if (place.shard.biasWord === NO_BIAS) return { weights, bias: null }
    const [bias = 0] = await this.#bias(place)
    return { weights, bias }
  }

  /** Bias of a view, null when its matrix has none. */
  async bias(view: StoredView): Promise<Float32Array | null> {
    const values = new Float32Array(view.end - view.begin)
    for (const place of shardRows(view)) {
      if (place.shard.biasWord === NO_BIAS) return null
      values.set(await this.#bias(place), place.from)
    }
    return values
  }

  /** The matrix of one expert of a parameter that holds those of all. */
  expert({ name, shape, experts = 1 }: ParamRef, n: number): Promise<Float32Array> {
    const rows = (shape[0] ?? 0) / experts
    return this.#rows(this.#source.weights.view(name), n * rows, rows)
  }

  /** A parameter of the model, whatever holds it: `[out, in]` or `[n]`. */
  async parameter({ name, role, shape }: ParamRef): Promise<Float32Array> {
    const owner = name.replace(/\.bias$/, '')
    const { weights } = this.#source
    if (role === 'matrix') return this.matrix(weights.view(name))
    if (role === 'bias') {
      const bias = await this.bias(weights.view(owner))
      invariant(bias, `${owner} has a bias`)
      return bias
    }
    const count = shape.reduce((product, size) => product * size, 1)
    const { gpu } = weights.vector(owner)
    // A norm's bias lies behind its weight, which is padded to whole vec4.
    const begin = owner === name ? 0 : Math.ceil(count / 4) * 16
    return new Float32Array(await this.#source.read(gpu, begin, count * 4))
  }

  async #bias({ shard, row, rows }: ShardRows): Promise<Float32Array> {
    return new Float32Array(await this.#source.read(shard.buffer.gpu, (shard.biasWord + row) * 4, rows * 4))
  }

  async #rows(view: StoredView, first: number, count: number): Promise<Float32Array> {
    const { cols } = view.matrix
    const { ledger } = this.#source
    const values = new Float32Array(count * cols)
    const perPiece = Math.min(count, Math.max(1, Math.floor(PIECE_BYTES / (cols * 4))))
    const out = ledger.create(
      'staging:unpacked',
      perPiece * cols * 4,
      GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
    )
    try {
      for (const { shard, row, rows, from } of shardRows(view, first, count)) {
        for (let at = 0; at < rows; at += perPiece) {
          const taken = Math.min(perPiece, rows - at)
          values.set(await this.#unpack(shard, row + at, taken, out), (from - first + at) * cols)
        }
      }
    } finally {
      ledger.destroy(out)
    }
    return values
  }

  async #unpack(
    { buffer, layout }: ShardRows['shard'],
    row: number,
    rows: number,
    out: LedgerBuffer,
  ): Promise<Float32Array> {
    const { pipelines } = this.#source
    const relay = new WeightRelay(pipelines)
    await encodeLoad(pipelines.device, relay, (pass) =>
      relay.unpack(pass, { buffer: buffer.gpu, layout }, row, rows, out.gpu),
    )
    return new Float32Array(await this.#source.read(out.gpu, 0, rows * layout.cols * 4))
  }
}
