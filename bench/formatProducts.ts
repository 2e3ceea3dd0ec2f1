import { kernel, productProviders } from '../src/gpu/providers.ts'
import type { LayoutKey, PipelineCache } from '../src/gpu/pipelines.ts'
import type { ShaderSource } from '../src/gpu/shader.ts'
import { matvecBucket } from '../src/ops/linear.ts'
import { linearGrid } from '../src/ops/op.ts'
import matmul from '../shaders/ops/matmul.wgsl?raw'
import matvec from '../shaders/ops/matvec.wgsl?raw'
import type { Planes } from '../src/weights/relay.ts'

const NO_BIAS = 0xffff_ffff
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
  const values = [cols, k4, n, first, stride, words.scales, NO_BIAS, k4, n, 0, 0, 0, words.high, words.super]
  const params = device.createBuffer({ size: 64, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST })
  device.queue.writeBuffer(params, 0, new Uint32Array(values))
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
