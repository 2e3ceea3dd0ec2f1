import reduceWgsl from '../../shaders/view/reduce.wgsl?raw'
import { invariant } from '../errors.ts'
import type { BufferLedger, LedgerBuffer } from './ledger.ts'
import { compileModule } from './shader.ts'

/** A tensor to draw: [slices, rows, cols] of f32 in a storage buffer. */
export interface HeatmapSource {
  readonly buffer: GPUBuffer
  readonly slices: number
  readonly rows: number
  readonly cols: number
}

/** Cells of `high` × `wide` elements; 1 × 1 is the tensor itself. */
export interface CellLevel {
  readonly buffer: GPUBuffer
  readonly high: number
  readonly wide: number
  /** Cells of a slice along each axis. */
  readonly rows: number
  readonly cols: number
}

const WORKGROUP = 64
const CELL_BYTES = 16
/** Elements along each axis that one step towards the extremes takes. */
const STRIDE = 16
/** Levels of one tensor that are kept; a zoom uses one or two. */
const MAX_LEVELS = 4

const kernels = new WeakMap<GPUDevice, Promise<GPUComputePipeline>>()

function reduceKernel(device: GPUDevice): Promise<GPUComputePipeline> {
  const cached = kernels.get(device)
  if (cached) return cached
  const kernel = compileModule(device, 'heatmap cells', reduceWgsl).then((module) =>
    device.createComputePipelineAsync({ label: 'heatmap cells', layout: 'auto', compute: { module } }),
  )
  kernels.set(device, kernel)
  return kernel
}

interface Reduction {
  source: { buffer: GPUBuffer; slices: number; rows: number; cols: number; cells: boolean }
  high: number
  wide: number
}

/**
 * Level of detail of one tensor, made on the GPU when first drawn at a scale, from the next finer level there is. A pixel then
 * never has to look at more than a few cells, whatever the size of the tensor.
 */
export class TensorCells {
  readonly source: HeatmapSource
  /** Most recently used last. */
  private readonly levels: (CellLevel & { owned: LedgerBuffer })[] = []
  private extremes: LedgerBuffer | null = null
  private cachedRange: Promise<readonly [number, number]> | null = null
  private kernel: GPUComputePipeline | null = null
  private readonly device: GPUDevice
  private readonly ledger: BufferLedger

  constructor(device: GPUDevice, ledger: BufferLedger, source: HeatmapSource) {
    this.device = device
    this.ledger = ledger
    this.source = source
  }

  /** Compiles the kernel; the levels can then be made without waiting, so that a frame is encoded in one go. */
  async ready(): Promise<void> {
    this.kernel ??= await reduceKernel(this.device)
  }

  private reduce({ source, high, wide }: Reduction): LedgerBuffer {
    const { kernel } = this
    invariant(kernel, 'the kernel is compiled')
    const [rows, cols] = [Math.ceil(source.rows / high), Math.ceil(source.cols / wide)]
    const count = source.slices * rows * cols
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC
    const cells = this.ledger.create('inspection:cells', count * CELL_BYTES, usage)
    const words = [source.rows, source.cols, rows, cols, high, wide, source.slices, source.cells ? 1 : 0]
    const params = this.ledger.create('inspection:view', 32, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST)
    this.device.queue.writeBuffer(params.gpu, 0, new Uint32Array(words))
    const buffers = [params.gpu, source.buffer, cells.gpu]
    const group = this.device.createBindGroup({
      layout: kernel.getBindGroupLayout(0),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    })
    const groups = Math.ceil(count / WORKGROUP)
    const across = Math.min(groups, this.device.limits.maxComputeWorkgroupsPerDimension)
    const encoder = this.device.createCommandEncoder({ label: 'heatmap cells' })
    const pass = encoder.beginComputePass({ label: 'heatmap cells' })
    pass.setPipeline(kernel)
    pass.setBindGroup(0, group)
    pass.dispatchWorkgroups(across, Math.ceil(groups / across))
    pass.end()
    this.device.queue.submit([encoder.finish()])
    this.ledger.destroy(params)
    return cells
  }

  /** Cells of exactly this size, in powers of two; good until the next call. */
  level(high: number, wide: number): CellLevel {
    const { buffer, slices, rows, cols } = this.source
    if (high === 1 && wide === 1) return { buffer, high, wide, rows, cols }
    const at = this.levels.findIndex((level) => level.high === high && level.wide === wide)
    const [cached] = at < 0 ? [] : this.levels.splice(at, 1)
    const level = cached ?? this.makeLevel(high, wide, slices)
    this.levels.push(level)
    if (this.levels.length > MAX_LEVELS) {
      const oldest = this.levels.shift()
      if (oldest) this.ledger.destroy(oldest.owned)
    }
    return level
  }

  private makeLevel(high: number, wide: number, slices: number): CellLevel & { owned: LedgerBuffer } {
    const finer = this.levels
      .filter((level) => level.high <= high && level.wide <= wide)
      .reduce<CellLevel | null>((a, b) => (a && a.high * a.wide > b.high * b.wide ? a : b), null)
    const from = finer ?? { ...this.source, high: 1, wide: 1 }
    const owned = this.reduce({
      source: { buffer: from.buffer, slices, rows: from.rows, cols: from.cols, cells: finer !== null },
      high: high / from.high,
      wide: wide / from.wide,
    })
    const [rows, cols] = [Math.ceil(this.source.rows / high), Math.ceil(this.source.cols / wide)]
    return { buffer: owned.gpu, owned, high, wide, rows, cols }
  }

  /** One cell over all slices: what an automatic range is taken from. */
  rangeBuffer(): GPUBuffer {
    this.extremes ??= this.makeExtremes()
    return this.extremes.gpu
  }

  private makeExtremes(): LedgerBuffer {
    const tensor = this.source
    let source = {
      buffer: tensor.buffer,
      slices: 1,
      rows: tensor.slices * tensor.rows,
      cols: tensor.cols,
      cells: false,
    }
    let previous: LedgerBuffer | null = null
    do {
      const next = this.reduce({ source, high: STRIDE, wide: STRIDE })
      if (previous) this.ledger.destroy(previous)
      previous = next
      const [rows, cols] = [Math.ceil(source.rows / STRIDE), Math.ceil(source.cols / STRIDE)]
      source = { buffer: previous.gpu, slices: 1, rows, cols, cells: true }
    } while (source.rows * source.cols > 1)
    return previous
  }

  /** What an automatic range comes to; read back once. */
  async autoRange(
    palette: 'sequential' | 'diverging',
    read: (buffer: GPUBuffer, bytes: number) => Promise<ArrayBuffer>,
  ): Promise<readonly [low: number, high: number]> {
    await this.ready()
    this.cachedRange ??= read(this.rangeBuffer(), CELL_BYTES).then((bytes): readonly [number, number] => {
      const [low, high] = new Float32Array(bytes)
      const count = (new Uint32Array(bytes)[3] ?? 0) & 0x7fff_ffff
      invariant(low !== undefined && high !== undefined, 'a cell has extremes')
      return count > 0 ? [low, high] : [0, 0]
    })
    const [low, high] = await this.cachedRange
    const reach = Math.max(Math.abs(low), Math.abs(high))
    return palette === 'diverging' ? [-reach, reach] : [low, high]
  }

  dispose(): void {
    for (const { owned } of this.levels.splice(0)) this.ledger.destroy(owned)
    if (this.extremes) this.ledger.destroy(this.extremes)
    this.extremes = null
  }
}
