import { kernel, productProviders } from '../src/gpu/providers.ts'
import type { LayoutKey, PipelineCache } from '../src/gpu/pipelines.ts'
import type { ShaderSource } from '../src/gpu/shader.ts'
import { matvecBucket } from '../src/ops/linear.ts'
import { linearGrid, type Dispatch } from '../src/ops/op.ts'
import { packParams } from '../src/run/params.ts'
import matmul from '../shaders/ops/matmul.wgsl?raw'
import matvec from '../shaders/ops/matvec.wgsl?raw'
import type { Planes } from '../src/weights/relay.ts'

const NO_BIAS = 0xffff_ffff
const PARAMS_BYTES = 256
const KEY: LayoutKey = [
  [0, 'read'],
  [1, 'uniform'],
  [2, 'read'],
  [3, 'read'],
  [4, 'write'],
]

/** y = W·x over rows `[first, first + n)` of a matrix. */
export interface Product {
  readonly w: Planes
  readonly first: number
  readonly n: number
  /** Rows of x. */
  readonly rows: number
  readonly kind: 'matvec' | 'matmul'
}

function matvecSource(
  { variant }: PipelineCache,
  { w, rows }: Product,
): { source: ShaderSource; rows: number } {
  const { format, cols } = w.layout
  const ROWS = matvecBucket(variant.threadPerOutput && !variant.subgroups ? Math.min(rows, 4) : rows)
  const providers = [
    'rows_all',
    format.provider(variant),
    'epilogue_store',
    'adapter_none',
    'prologue_none',
    'outputs_linear',
    ...productProviders(variant),
  ] as const
  const consts = { ROWS, RAGGED: cols % (format.block === 1 ? format.unit : 4) === 0 ? 0 : 1 }
  return { source: kernel({ name: 'matvec', text: matvec }, providers, consts), rows: ROWS }
}

/** The shader and the workgroups of a product. */
export function productKernel(pipelines: PipelineCache, product: Product) {
  const { variant } = pipelines
  const { w, n, rows, kind } = product
  if (kind === 'matmul') {
    const [x, z] = linearGrid(Math.ceil(n / 32))
    const source = kernel({ name: 'matmul', text: matmul }, [
      'rows_all',
      w.layout.format.provider(variant),
      'epilogue_store',
      'adapter_none',
    ])
    return { source, grid: [x, Math.ceil(rows / 32), z] as const }
  }
  const { source, rows: atOnce } = matvecSource(pipelines, product)
  const [x, y] = linearGrid(Math.ceil(n / 4 / (variant.threadPerOutput ? variant.workgroup : 1)))
  return { source, grid: [x, y, Math.ceil(rows / atOnce)] as const }
}

/** The parameters of one kernel, as its source declares them. */
export function paramsBuffer(device: GPUDevice, dispatch: Dispatch): GPUBuffer {
  const bytes = packParams([dispatch], PARAMS_BYTES)
  const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST
  const buffer = device.createBuffer({ size: PARAMS_BYTES, usage })
  device.queue.writeBuffer(buffer, 0, bytes)
  return buffer
}

/** A product bound to its buffers: x is [rows, ⌈cols / 4⌉ · 4], y [rows, n]. */
export async function bindProduct(
  pipelines: PipelineCache,
  product: Product,
  { batch, x, y }: { batch: GPUBuffer; x: GPUBuffer; y: GPUBuffer },
) {
  const { device } = pipelines
  const { w, first, n } = product
  const { cols, stride, words } = w.layout
  const { source, grid } = productKernel(pipelines, product)
  const { pipeline, layout } = await pipelines.get(source, KEY)
  const k4 = Math.ceil(cols / 4)
  const values = {
    k: cols,
    k4,
    n,
    w_row: first,
    w_stride: stride,
    w_scales: words.scales,
    w_high: words.high,
    w_super: words.super,
    w_bias: NO_BIAS,
    x_stride: k4,
    y_stride: n,
    y_offset: 0,
    eps: 0,
    norm_offset: 0,
    scale: 1,
    softcap: 0,
    adapter_row: 0,
  }
  const params = paramsBuffer(device, { shader: source, bindings: [], params: values, grid })
  const group = device.createBindGroup({
    layout,
    entries: [batch, params, x, w.buffer, y].map((buffer, binding) => ({ binding, resource: { buffer } })),
  })
  return {
    encode(pass: GPUComputePassEncoder): void {
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, group)
      pass.dispatchWorkgroups(...grid)
    },
    dispose: (): void => params.destroy(),
  }
}
