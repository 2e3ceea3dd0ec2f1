import type { LayoutKey, PipelineCache } from '../src/gpu/pipelines.ts'
import { plainProduct } from '../src/ops/linear.ts'
import { planeParams } from '../src/ops/operands.ts'
import type { Dispatch } from '../src/ops/op.ts'
import { rowStride } from '../src/ops/ragged.ts'
import { packParams } from '../src/run/params.ts'
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

/** The parameters of one kernel, as its source declares them. */
export function paramsBuffer(device: GPUDevice, dispatch: Dispatch): GPUBuffer {
  const bytes = packParams([dispatch], PARAMS_BYTES)
  const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST
  const buffer = device.createBuffer({ size: PARAMS_BYTES, usage })
  device.queue.writeBuffer(buffer, 0, bytes)
  return buffer
}

/** A product bound to its buffers: x is [rows, cols], y [rows, n]. */
export async function bindProduct(
  pipelines: PipelineCache,
  product: Product,
  { batch, x, y }: { batch: GPUBuffer; x: GPUBuffer; y: GPUBuffer },
) {
  const { device } = pipelines
  const { w, first, n, rows, kind } = product
  const { cols } = w.layout
  const { shader, grid } = plainProduct(w.layout, { rows, n }, pipelines.variant, kind)
  const { pipeline, layout } = await pipelines.get(shader, KEY)
  const values = {
    k: cols,
    k4: Math.ceil(cols / 4),
    n,
    w_row: first,
    ...planeParams(w),
    w_bias: NO_BIAS,
    x_stride: rowStride(cols),
    y_stride: n,
    y_offset: 0,
    eps: 0,
    norm_offset: 0,
    scale: 1,
    softcap: 0,
    adapter_row: 0,
  }
  const params = paramsBuffer(device, { shader, bindings: [], params: values, grid })
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
