import readChunk from './shaders/read_chunk.wgsl?raw'
import readStride from './shaders/read_stride.wgsl?raw'
import readUnrolled from './shaders/read_unrolled.wgsl?raw'
import { fillBuffer, pipelineOf, type Work } from './harness.ts'

const READS = { read_stride: readStride, read_unrolled: readUnrolled, read_chunk: readChunk }
/** Bytes of one buffer, within the default binding limit; several are read in turn. */
const BUFFER_BYTES = 64 * 1024 * 1024

/** Buffers of more bytes than any cache holds. */
export class Ceilings {
  /** Bytes that one work reads. */
  bytes: number
  /** Times that a work goes through all buffers. */
  repeats = 1
  private readonly device: GPUDevice
  private readonly buffers: readonly GPUBuffer[]
  private readonly target: GPUBuffer
  private readonly sums: GPUBuffer

  constructor(device: GPUDevice, totalBytes: number) {
    this.device = device
    const count = Math.ceil(totalBytes / BUFFER_BYTES)
    this.bytes = count * BUFFER_BYTES
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC
    const create = (size: number): GPUBuffer => device.createBuffer({ size, usage })
    this.buffers = Array.from({ length: count }, () => create(BUFFER_BYTES))
    this.buffers.forEach((buffer, seed) => fillBuffer(device, buffer, seed))
    this.target = create(BUFFER_BYTES)
    this.sums = create(1 << 22)
  }

  /** The published read kernels, every one over all buffers, and the device's own copy. */
  async works(workgroup: number, groups: number, repeats: number): Promise<Work[]> {
    this.bytes = (this.bytes / this.repeats) * repeats
    this.repeats = repeats
    const reads = await Promise.all(
      Object.entries(READS).map(async ([name, text]): Promise<Work> => {
        const pipeline = await pipelineOf(this.device, name, `const WORKGROUP = ${workgroup}u;\n${text}`)
        const bound = this.buffers.map((buffer) =>
          this.device.createBindGroup({
            layout: pipeline.getBindGroupLayout(0),
            entries: [buffer, this.sums].map((each, binding) => ({ binding, resource: { buffer: each } })),
          }),
        )
        return {
          name,
          encode(encoder) {
            const pass = encoder.beginComputePass()
            pass.setPipeline(pipeline)
            for (const group of Array.from({ length: repeats }, () => bound).flat()) {
              pass.setBindGroup(0, group)
              pass.dispatchWorkgroups(groups)
            }
            pass.end()
          },
        }
      }),
    )
    const copy: Work = {
      name: 'copy',
      encode: (encoder) => {
        for (const buffer of Array.from({ length: repeats }, () => this.buffers).flat())
          encoder.copyBufferToBuffer(buffer, 0, this.target, 0, BUFFER_BYTES)
      },
    }
    return [...reads, copy]
  }

  dispose(): void {
    for (const buffer of [...this.buffers, this.target, this.sums]) buffer.destroy()
  }
}
