import type { WeightFormat } from '../api/model.ts'
import { invariant } from '../errors.ts'
import type { BufferLedger, LedgerBuffer } from '../gpu/ledger.ts'
import { BLOCK } from './blocks.ts'
import { NO_BIAS, type Matrix, type MatrixView, type Shard } from '../ops/operands.ts'

/** A matrix to be made: its parts are stacked along the rows in order. */
export interface MatrixPlan {
  name: string
  cols: number
  format: WeightFormat
  /** Step names (`layers.0.attn.q`) with their rows; each has an optional bias. */
  parts: readonly { name: string; rows: number; bias: boolean }[]
}

/** Weights per 16-byte load unit, which is what rows are padded to. */
const PER_UNIT: Record<WeightFormat, number> = { f32: 4, f16: 8, q8_0: 16, q4_0: 32 }

/** vec4<u32> that one row takes. */
export function rowUnits(format: WeightFormat, cols: number): number {
  return Math.ceil(cols / PER_UNIT[format])
}

/** Words of the scales plane of `rows` rows. */
function scaleWords(format: WeightFormat, rows: number, cols: number): number {
  return format === 'q8_0' || format === 'q4_0' ? Math.ceil((rows * (cols / BLOCK)) / 2) : 0
}

const align4 = (words: number): number => Math.ceil(words / 4) * 4

function planShards(plan: MatrixPlan, maxBytes: number): { begin: number; end: number }[] {
  const rows = plan.parts.reduce((sum, part) => sum + part.rows, 0)
  const bytesPerRow = rowUnits(plan.format, plan.cols) * 16 + (plan.cols / BLOCK) * 2 + 4
  // An even number of rows, so that a shard's scales plane begins on a whole word of the matrix's.
  const perShard = Math.max(2, Math.floor((maxBytes - 64) / bytesPerRow / 2) * 2)
  const count = Math.ceil(rows / perShard)
  return Array.from({ length: count }, (_, i) => ({
    begin: i * perShard,
    end: Math.min(rows, (i + 1) * perShard),
  }))
}

/** Every matrix and vector of a loaded model on the GPU. */
export class WeightStore {
  private readonly views = new Map<string, MatrixView>()
  private readonly vectors = new Map<string, LedgerBuffer>()
  private readonly ledger: BufferLedger
  private readonly device: GPUDevice
  private readonly maxBytes: number

  /** `maxBytes` bounds one buffer; matrices beyond it are sharded by rows. Default: what the device can bind. */
  constructor(device: GPUDevice, ledger: BufferLedger, maxBytes = Infinity) {
    this.device = device
    this.ledger = ledger
    const { maxStorageBufferBindingSize, maxBufferSize } = device.limits
    this.maxBytes = Math.min(maxBytes, maxStorageBufferBindingSize, maxBufferSize)
  }

  addMatrix(plan: MatrixPlan): Matrix {
    const rows = plan.parts.reduce((sum, part) => sum + part.rows, 0)
    const hasBias = plan.parts.some((part) => part.bias)
    const shards = planShards(plan, this.maxBytes).map(({ begin, end }, i): Shard => {
      const stride = rowUnits(plan.format, plan.cols)
      const scalesWord = (end - begin) * stride * 4
      const afterScales = align4(scalesWord + scaleWords(plan.format, end - begin, plan.cols))
      const bytes = (afterScales + (hasBias ? align4(end - begin) : 0)) * 4
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC
      const buffer = this.ledger.create(`weights:${plan.name}${i > 0 ? `#${i}` : ''}`, bytes, usage)
      return { buffer, begin, end, stride, scalesWord, biasWord: hasBias ? afterScales : NO_BIAS }
    })
    const matrix: Matrix = { name: plan.name, format: plan.format, rows, cols: plan.cols, shards }
    this.views.set(plan.name, { matrix, begin: 0, end: rows })
    let begin = 0
    for (const part of plan.parts) {
      this.views.set(part.name, { matrix, begin, end: begin + part.rows })
      begin += part.rows
    }
    return matrix
  }

  /** Writes a vector buffer: its parts one after the other, each padded to whole vec4. */
  writeVector(name: string, parts: readonly Float32Array[]): void {
    const lengths = parts.map((part) => align4(part.length))
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC
    const total = lengths.reduce((sum, length) => sum + length, 0)
    const buffer = this.ledger.create(`weights:${name}`, total * 4, usage)
    let at = 0
    parts.forEach((part, i) => {
      this.device.queue.writeBuffer(buffer.gpu, at * 4, part as Float32Array<ArrayBuffer>)
      at += lengths[i] ?? 0
    })
    this.vectors.set(name, buffer)
  }

  has(name: string): boolean {
    return this.views.has(name)
  }

  view(name: string): MatrixView {
    const view = this.views.get(name)
    invariant(view, `no matrix ${name}`)
    return view
  }

  vector(name: string): LedgerBuffer {
    const vector = this.vectors.get(name)
    invariant(vector, `no vector ${name}`)
    return vector
  }

  /** True when a matrix exists and lies in one buffer. */
  isSingleBuffer(name: string): boolean {
    return this.views.get(name)?.matrix.shards.length === 1
  }

  /** Writes packed rows of a part: quants and scales as {@link packMatrix} makes them, `firstRow` counted in the part. */
  writeRows(name: string, firstRow: number, rows: number, quants: Uint32Array, scales: Uint32Array): void {
    const { matrix, begin } = this.view(name)
    const from = begin + firstRow
    for (const shard of matrix.shards) {
      const a = Math.max(from, shard.begin)
      const b = Math.min(from + rows, shard.end)
      if (a >= b) continue
      const rowWords = shard.stride * 4
      const at = (a - shard.begin) * rowWords * 4
      this.device.queue.writeBuffer(
        shard.buffer.gpu,
        at,
        quants as Uint32Array<ArrayBuffer>,
        (a - from) * rowWords,
        (b - a) * rowWords,
      )
      if (scales.length > 0) this.writeScales(matrix, shard, a, b, from, scales)
    }
  }

  /** Blocks are counted from the shard's first row; callers pass even row counts, so words never straddle two writes. */
  private writeScales(
    matrix: Matrix,
    shard: Shard,
    a: number,
    b: number,
    from: number,
    scales: Uint32Array,
  ): void {
    const perRow = matrix.cols / BLOCK
    const firstBlock = (a - shard.begin) * perRow
    const source = (a - from) * perRow
    invariant(firstBlock % 2 === 0 && source % 2 === 0, 'scale words do not straddle writes')
    const words = Math.ceil(((b - a) * perRow) / 2)
    const at = (shard.scalesWord + firstBlock / 2) * 4
    this.device.queue.writeBuffer(shard.buffer.gpu, at, scales as Uint32Array<ArrayBuffer>, source / 2, words)
  }

  writeBias(name: string, bias: Float32Array): void {
    const { matrix, begin, end } = this.view(name)
    invariant(bias.length === end - begin, `bias of ${name} has its length`)
    for (const shard of matrix.shards) {
      const a = Math.max(begin, shard.begin)
      const b = Math.min(end, shard.end)
      if (a >= b) continue
      const at = (shard.biasWord + a - shard.begin) * 4
      this.device.queue.writeBuffer(shard.buffer.gpu, at, bias as Float32Array<ArrayBuffer>, a - begin, b - a)
    }
  }
}
