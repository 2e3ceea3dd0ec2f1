import heatmapWgsl from '../../shaders/view/heatmap.wgsl?raw'
import { TokenscopeError } from '../errors.ts'
import type { DrawRequest } from '../api/model.ts'
import type { TensorCells } from './heatmapCells.ts'
import { palette, SIGNS, STOPS, type Colour } from './heatmapPalette.ts'
import type { BufferLedger, LedgerBuffer } from './ledger.ts'
import { compileModule } from './shader.ts'

/** Elements per pixel from which cells stand in for them; below, a pixel looks at the elements themselves. */
const CELLS_FROM = 4
const VIEW_BYTES = 144 + STOPS * 16

interface Painter {
  pipeline: GPURenderPipeline
  layout: GPUBindGroupLayout
}

const painters = new WeakMap<GPUDevice, Map<GPUTextureFormat, Promise<Painter>>>()

async function makePainter(device: GPUDevice, format: GPUTextureFormat): Promise<Painter> {
  const module = await compileModule(device, 'heatmap', `const STOPS = ${STOPS}u;\n${heatmapWgsl}`)
  const layout = device.createBindGroupLayout({
    label: 'heatmap',
    entries: (['uniform', 'read-only-storage', 'read-only-storage'] as const).map((type, binding) => ({
      binding,
      visibility: GPUShaderStage.FRAGMENT,
      buffer: { type },
    })),
  })
  const pipeline = await device.createRenderPipelineAsync({
    label: 'heatmap',
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    vertex: { module },
    fragment: { module, targets: [{ format }] },
  })
  return { pipeline, layout }
}

function painterFor(device: GPUDevice, format: GPUTextureFormat): Promise<Painter> {
  const byFormat = painters.get(device) ?? new Map<GPUTextureFormat, Promise<Painter>>()
  painters.set(device, byFormat)
  const painter = byFormat.get(format) ?? makePainter(device, format)
  byFormat.set(format, painter)
  return painter
}

/** Power of two of a cell's side when a pixel spans this many elements: 1 to 2 cells a pixel, or up to 4 elements. */
export function cellSide(elementsPerPixel: number): number {
  return elementsPerPixel < CELLS_FROM ? 1 : 2 ** Math.floor(Math.log2(elementsPerPixel))
}

function packView(
  request: DrawRequest,
  cells: TensorCells,
  side: readonly [high: number, wide: number],
  perPixel: readonly [rows: number, cols: number],
): ArrayBuffer {
  const { source } = cells
  const bytes = new ArrayBuffer(VIEW_BYTES)
  const [floats, words] = [new Float32Array(bytes), new Uint32Array(bytes)]
  const [high, wide] = side
  const signs = SIGNS[request.theme]
  floats.set([request.rows[0], request.cols[0], ...perPixel])
  words.set([source.rows, source.cols, request.slice ?? 0, high * wide > 1 ? 1 : 0], 4)
  words.set([high, wide, Math.ceil(source.rows / high), Math.ceil(source.cols / wide)], 8)
  if (request.range === 'auto') words[14] = 1
  else floats.set(request.range, 12)
  words[15] = request.palette === 'diverging' ? 1 : 0
  words[16] = request.scale === 'symlog' ? 1 : 0
  words[17] = request.detail === 'mean' ? 1 : 0
  floats.set(request.cursor ? [request.cursor.row, request.cursor.col] : [-1, -1], 18)
  const colours: readonly Colour[] = [
    signs.blank,
    signs.mark,
    ...signs.hatch,
    ...palette(request.palette, request.theme),
  ]
  colours.forEach((colour, i) => floats.set([...colour, 1], 20 + i * 4))
  return bytes
}

function checkRequest({ rows, cols, range, slice = 0 }: DrawRequest, { source }: TensorCells): void {
  const bounds = [...rows, ...cols, ...(range === 'auto' ? [] : range)]
  const isSlice = Number.isInteger(slice) && slice >= 0 && slice < source.slices
  if (isSlice && bounds.every(Number.isFinite) && rows[0] < rows[1] && cols[0] < cols[1]) return
  throw new TokenscopeError('bad-argument', 'This window of the tensor cannot be drawn.', {
    hint: 'Rows and columns are finite with begin < end, and the slice is one of the tensor’s.',
    details: { rows, cols, range, slice, slices: source.slices },
  })
}

/** Something to draw on. */
export interface HeatmapTarget {
  readonly format: GPUTextureFormat
  readonly width: number
  readonly height: number
  view(): GPUTextureView
}

/** Draws tensors onto one target, straight from their buffers: nothing is read back. */
export class HeatmapPainter {
  private readonly view: LedgerBuffer
  private readonly device: GPUDevice
  private readonly ledger: BufferLedger

  constructor(device: GPUDevice, ledger: BufferLedger) {
    this.device = device
    this.ledger = ledger
    this.view = ledger.create('inspection:view', VIEW_BYTES, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST)
  }

  /** Resolves once the frame is submitted. Throws `bad-argument` for a window that is none. */
  async draw(target: HeatmapTarget, cells: TensorCells, request: DrawRequest): Promise<void> {
    checkRequest(request, cells)
    const [{ pipeline, layout }] = await Promise.all([painterFor(this.device, target.format), cells.ready()])
    const perPixel = [
      (request.rows[1] - request.rows[0]) / target.height,
      (request.cols[1] - request.cols[0]) / target.width,
    ] as const
    const side = [cellSide(perPixel[0]), cellSide(perPixel[1])] as const
    // From here on nothing waits: levels, uniforms and pass belong to one frame.
    const { buffer } = cells.level(...side)
    const extremes = request.range === 'auto' ? cells.rangeBuffer() : buffer
    this.device.queue.writeBuffer(this.view.gpu, 0, packView(request, cells, side, perPixel))
    const group = this.device.createBindGroup({
      layout,
      entries: [this.view.gpu, buffer, extremes].map((gpu, binding) => ({
        binding,
        resource: { buffer: gpu },
      })),
    })
    const encoder = this.device.createCommandEncoder({ label: 'heatmap' })
    const pass = encoder.beginRenderPass({
      label: 'heatmap',
      colorAttachments: [{ view: target.view(), loadOp: 'clear', storeOp: 'store' }],
    })
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group)
    pass.draw(3)
    pass.end()
    this.device.queue.submit([encoder.finish()])
  }

  dispose(): void {
    this.ledger.destroy(this.view)
  }
}

/** A canvas that a page has handed over. */
export class HeatmapCanvas {
  private readonly canvas: OffscreenCanvas
  private readonly context: GPUCanvasContext
  private readonly format: GPUTextureFormat
  private readonly painter: HeatmapPainter

  /** Throws `unsupported` when the canvas already has another kind of context. */
  constructor(device: GPUDevice, ledger: BufferLedger, canvas: OffscreenCanvas) {
    const context = canvas.getContext('webgpu')
    if (!context) {
      throw new TokenscopeError('unsupported', 'This canvas cannot be drawn on by WebGPU.', {
        hint: 'Transfer the control of a canvas that has no context yet.',
      })
    }
    this.canvas = canvas
    this.context = context
    this.format = navigator.gpu.getPreferredCanvasFormat()
    context.configure({ device, format: this.format, alphaMode: 'opaque' })
    this.painter = new HeatmapPainter(device, ledger)
  }

  /** Throws `bad-argument` unless both are whole numbers the device can draw. */
  resize(width: number, height: number): void {
    const valid = [width, height].every((size) => Number.isInteger(size) && size >= 1 && size <= 8192)
    if (!valid) {
      throw new TokenscopeError('bad-argument', `A canvas of ${width} × ${height} cannot be drawn.`, {
        hint: 'Give whole device pixels from 1 to 8192.',
        details: { width, height },
      })
    }
    if (this.canvas.width !== width) this.canvas.width = width
    if (this.canvas.height !== height) this.canvas.height = height
  }

  draw(cells: TensorCells, request: DrawRequest): Promise<void> {
    const { canvas, context, format } = this
    const target: HeatmapTarget = {
      format,
      width: canvas.width,
      height: canvas.height,
      view: () => context.getCurrentTexture().createView(),
    }
    return this.painter.draw(target, cells, request)
  }

  dispose(): void {
    this.context.unconfigure()
    this.painter.dispose()
  }
}
