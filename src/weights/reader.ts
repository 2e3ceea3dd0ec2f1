import { invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { NO_BIAS, type MatrixView } from '../ops/operands.ts'
import type { ParamRef } from '../program/step.ts'
import { BLOCK } from './blocks.ts'
import { unpackMatrix } from './pack.ts'

/** Where weights lie, and how bytes of the GPU are read. */
export interface WeightSource {
  readonly weights: { view(name: string): MatrixView; vector(name: string): LedgerBuffer }
  read(source: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer>
}

/** Reads parameters back from the GPU as the kernels see them: dequantised. */
export class WeightReader {
  readonly #source: WeightSource

  constructor(source: WeightSource) {
    this.#source = source
  }

  /** Rows of a view, `[rows, cols]`. */
  async matrix({ matrix, begin, end }: MatrixView): Promise<Float32Array> {
    const { cols, format } = matrix
    const values = new Float32Array((end - begin) * cols)
    for (const shard of matrix.shards) {
      const from = Math.max(begin, shard.begin)
      const to = Math.min(end, shard.end)
      if (from >= to) continue
      const words = new Uint32Array(await this.#source.read(shard.buffer.gpu, 0, shard.buffer.bytes))
      const rows = shard.end - shard.begin
      const quants = words.subarray(0, rows * shard.stride * 4)
      const scales = words.subarray(shard.scalesWord)
      const all = unpackMatrix(format, rows, cols, { quants, scales })
      values.set(all.subarray((from - shard.begin) * cols, (to - shard.begin) * cols), (from - begin) * cols)
    }
    return values
  }

  /** One row of a view with its bias: reads no more than these. */
  async row(
    { matrix, begin }: MatrixView,
    row: number,
  ): Promise<{ weights: Float32Array; bias: number | null }> {
    const { cols, format } = matrix
    const shard = matrix.shards.find((part) => part.begin <= begin + row && begin + row < part.end)
    invariant(shard, `${matrix.name} has row ${begin + row}`)
    const local = begin + row - shard.begin
    const read = async (word: number, count: number): Promise<Uint32Array> =>
      new Uint32Array(await this.#source.read(shard.buffer.gpu, word * 4, count * 4))
    const quants = await read(local * shard.stride * 4, shard.stride * 4)
    // Two f16 scales share a word, so a row may begin in the middle of one.
    const blocks = format === 'q8_0' || format === 'q4_0' ? cols / BLOCK : 0
    const firstWord = Math.floor((local * blocks) / 2)
    const words = blocks === 0 ? 0 : Math.ceil(((local + 1) * blocks) / 2) - firstWord
    const packed = words === 0 ? new Uint32Array(0) : await read(shard.scalesWord + firstWord, words)
    const halves = new Uint16Array(packed.buffer)
    const scales = new Uint16Array(Math.ceil(blocks / 2) * 2)
    scales.set(halves.subarray((local * blocks) % 2, ((local * blocks) % 2) + blocks))
    const weights = unpackMatrix(format, 1, cols, { quants, scales: new Uint32Array(scales.buffer) })
    if (shard.biasWord === NO_BIAS) return { weights, bias: null }
    const [bits] = await read(shard.biasWord + local, 1)
    return { weights, bias: new Float32Array(Uint32Array.of(bits ?? 0).buffer)[0] ?? 0 }
  }

  /** Bias of a view, null when its matrix has none. */
  async bias({ matrix, begin, end }: MatrixView): Promise<Float32Array | null> {
    const values = new Float32Array(end - begin)
    for (const shard of matrix.shards) {
      if (shard.biasWord === NO_BIAS) return null
      const from = Math.max(begin, shard.begin)
      const to = Math.min(end, shard.end)
      if (from >= to) continue
      const bytes = await this.#source.read(
        shard.buffer.gpu,
        shard.biasWord * 4,
        (shard.end - shard.begin) * 4,
      )
      values.set(new Float32Array(bytes).subarray(from - shard.begin, to - shard.begin), from - begin)
    }
    return values
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
}
