import { invariant } from '../errors.ts'
import type { BufferLedger, LedgerBuffer } from '../gpu/ledger.ts'
import { NO_BIAS, type Matrix, type MatrixView, type Shard } from '../ops/operands.ts'
import { bytesFor, planeLayout, rowsWithin, type PlaneLayout } from './formats/layout.ts'
import type { FormatRecord } from './formats/record.ts'

/** A matrix to be made: its parts are stacked along the rows in order. */
export interface MatrixPlan {
  readonly name: string
  readonly cols: number
  readonly format: FormatRecord
  /** Columns that share a scale, of a grouped format. */
  readonly group?: number | undefined
  /** Step names (`layers.0.attn.q`) with their rows; each has an optional bias. */
  readonly parts: readonly { readonly name: string; readonly rows: number; readonly bias: boolean }[]
  /** Rows that are never cut apart: those of a head. Default 1. */
  readonly together?: number
  /** Output of its stack of products that the first row makes. Default 0. */
  readonly output?: number
  /** The parts are of so many experts: the rows of one, of every part, follow each other and are never cut apart. */
  readonly experts?: number
}

/** A {@link Shard} with all that is known of its planes. */
export interface StoredShard extends Shard {
  readonly layout: PlaneLayout
}

/** A {@link Matrix} with its format's record. */
export interface StoredMatrix extends Matrix {
  readonly format: FormatRecord
  readonly shards: readonly StoredShard[]
  /** Experts whose matrices lie one after the other, each in one shard. */
  readonly experts?: number
}

export interface StoredView extends MatrixView {
  readonly matrix: StoredMatrix
}

/** The rows of a view that lie in one shard. */
export interface ShardRows {
  readonly shard: StoredShard
  /** First row of the shard's buffer. */
  readonly row: number
  readonly rows: number
  /** First row of the view. */
  readonly from: number
}

/** Where the rows `[first, first + count)` of a view lie. */
export function shardRows(view: StoredView, first = 0, count = view.end - view.begin): ShardRows[] {
  const { runs, ...together } = view
  if (!runs) return rowsTogether(view, first, count)
  const { rows, stride } = runs
  const [from, to] = [Math.floor(first / rows), Math.ceil((first + count) / rows)]
  return Array.from({ length: to - from }, (_, i) => from + i).flatMap((run) => {
    const begin = Math.max(first, run * rows)
    const end = Math.min(first + count, (run + 1) * rows)
    const moved = { ...together, begin: view.begin + run * (stride - rows) }
    return rowsTogether(moved, begin, end - begin)
  })
}

function rowsTogether({ matrix, begin }: StoredView, first: number, count: number): ShardRows[] {
  return matrix.shards.flatMap((shard) => {
    const from = Math.max(begin + first, shard.begin)
    const to = Math.min(begin + first + count, shard.end)
    return from < to ? [{ shard, row: from - shard.begin, rows: to - from, from: from - begin }] : []
  })
}

/** Bytes that a view's weights take in its matrix's format. */
export function viewBytes({ matrix, begin, end }: StoredView): number {
  return bytesFor(matrix.format, end - begin, matrix.cols, matrix.shards[0]?.layout.group)
}

const USAGE = (): GPUBufferUsageFlags =>
  GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC

const rowsOf = (parts: MatrixPlan['parts']): number => parts.reduce((sum, { rows }) => sum + rows, 0)

const align4 = (words: number): number => Math.ceil(words / 4) * 4

/** Rows of a shard: as many as a buffer of `maxBytes` holds with their bias, heads whole. */
function rowsOfShard(
  { format, cols, group, parts, experts, together: heads = 1 }: MatrixPlan,
  maxBytes: number,
): number {
  const together = experts === undefined ? heads : rowsOf(parts) / experts
  const rowBytes = bytesFor(format, 1024, cols, group) / 1024
  const rows = rowsWithin(format, cols, Math.floor((maxBytes * rowBytes) / (rowBytes + 4)) - 16, group)
  return Math.max(together, Math.floor(rows / together) * together)
}

/** Every matrix and vector of a loaded model on the GPU. */
export class WeightStore {
  private readonly views = new Map<string, StoredView>()
  private readonly vectors = new Map<string, LedgerBuffer>()
  private readonly ledger: BufferLedger
  private readonly device: GPUDevice
  /** Of one buffer. */
  readonly maxBytes: number

  /** `maxBytes` bounds one buffer; matrices beyond it are sharded by rows. Default: what the device can bind. */
  constructor(device: GPUDevice, ledger: BufferLedger, maxBytes = Infinity) {
    this.device = device
    this.ledger = ledger
    const { maxStorageBufferBindingSize, maxBufferSize } = device.limits
    this.maxBytes = Math.min(maxBytes, maxStorageBufferBindingSize, maxBufferSize)
  }

  /** Makes the buffers of a matrix, zeroed. Throws `limit`. */
  addMatrix(plan: MatrixPlan): StoredMatrix {
    const { name, format, cols, parts, experts, output = 0 } = plan
    const rows = rowsOf(parts)
    const perShard = rowsOfShard(plan, this.maxBytes)
    const shards = Array.from({ length: Math.ceil(rows / perShard) }, (_, i) =>
      this.#addShard(plan, i * perShard, Math.min(rows, (i + 1) * perShard), i),
    )
    const matrix: StoredMatrix = {
      name,
      format,
      rows,
      cols,
      shards,
      ...(experts === undefined ? {} : { experts }),
    }
    this.views.set(name, { matrix, begin: 0, end: rows, output })
    let begin = 0
    for (const part of parts) {
      const view = { matrix, begin, end: begin + part.rows, output: output + begin }
      if (experts === undefined || parts.length === 1) {
        this.views.set(part.name, view)
        begin += part.rows
        continue
      }
      const rowsPerExpert = part.rows / experts
      this.views.set(part.name, { ...view, runs: { rows: rowsPerExpert, stride: rows / experts } })
      begin += rowsPerExpert
    }
    return matrix
  }

  #addShard(
    { name, format, cols, group, parts }: MatrixPlan,
    begin: number,
    end: number,
    i: number,
  ): StoredShard {
    const hasBias = parts.some(({ bias }) => bias)
    const layout = planeLayout(format, end - begin, cols, group)
    const bytes = layout.bytes + (hasBias ? align4(end - begin) * 4 : 0)
    const buffer = this.ledger.create(`weights:${name}${i > 0 ? `#${i}` : ''}`, bytes, USAGE())
    return { buffer, begin, end, layout, biasWord: hasBias ? layout.bytes / 4 : NO_BIAS }
  }

  /** Writes a vector buffer: its parts one after the other, each padded to whole vec4. */
  writeVector(name: string, parts: readonly Float32Array[]): void {
    const lengths = parts.map((part) => align4(part.length))
    const total = lengths.reduce((sum, length) => sum + length, 0)
    const buffer = this.ledger.create(`weights:${name}`, total * 4, USAGE())
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

  view(name: string): StoredView {
    const view = this.views.get(name)
    invariant(view, `no matrix ${name}`)
    return view
  }

  vector(name: string): LedgerBuffer {
    const vector = this.vectors.get(name)
    invariant(vector, `no vector ${name}`)
    return vector
  }

  /** True when a matrix exists and no kernel finds its parts in different buffers: it lies in one, or each expert does. */
  isSingleBuffer(name: string): boolean {
    if (!this.has(name)) return false
    const { matrix } = this.view(name)
    return matrix.shards.length === 1 || matrix.experts !== undefined
  }

  /** Bias of the rows of a view from `first` on. */
  writeBias(name: string, bias: Float32Array, first = 0): void {
    const view = this.view(name)
    invariant(first + bias.length <= view.end - view.begin, `bias of ${name} has its length`)
    for (const { shard, row, rows, from } of shardRows(view, first, bias.length)) {
      const at = (shard.biasWord + row) * 4
      this.device.queue.writeBuffer(
        shard.buffer.gpu,
        at,
        bias as Float32Array<ArrayBuffer>,
        from - first,
        rows,
      )
    }
  }
}
