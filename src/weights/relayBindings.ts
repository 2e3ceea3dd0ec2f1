import { invariant } from '../errors.ts'

const WORD = 4
/** Parameters of one dispatch, at the alignment that every device has. */
const SLOT_BYTES = 256
/** Dispatches whose parameters share a buffer. */
const SLOTS = 256
/** Parameters of any of the kernels. */
const PARAMS_BYTES = 64

/** The bind groups of the kernels of one submit after the other, and the parameters of their dispatches, which are written at once. */
export class RelayBindings {
  readonly #device: GPUDevice
  #params: GPUBuffer[] = []
  /** What they hold once {@link send} has written them. */
  #words: Uint32Array<ArrayBuffer>[] = []
  /** Slots of them that are taken. */
  #slots = 0
  /** Bind groups over the last of them, by source and target. */
  readonly #groups = new Map<GPUBuffer, Map<GPUBuffer, GPUBindGroup>>()

  constructor(device: GPUDevice) {
    this.#device = device
  }

  /** Binds two buffers, and parameters in a slot that nothing else of this submit reads. */
  bind(
    pass: GPUComputePassEncoder,
    layout: GPUBindGroupLayout,
    params: readonly number[],
    buffers: readonly [from: GPUBuffer, to: GPUBuffer],
  ): void {
    const slot = this.#slots++ % SLOTS
    if (slot === 0) this.#addBuffer()
    const [buffer, words] = [this.#params.at(-1), this.#words.at(-1)]
    invariant(buffer && words, 'slots lie in buffers')
    const offset = slot * SLOT_BYTES
    words.set(params, offset / WORD)
    pass.setBindGroup(0, this.#group(layout, buffer, buffers), [offset])
  }

  /** Writes the parameters of what was encoded; call it before that is submitted. */
  send(): void {
    this.#params.forEach((buffer, i) => {
      const count = (Math.min(SLOTS, this.#slots - i * SLOTS) * SLOT_BYTES) / WORD
      const words = this.#words[i]
      if (words) this.#device.queue.writeBuffer(buffer, 0, words, 0, count)
    })
  }

  /** Frees the parameters of what was encoded; call it once that is submitted. */
  release(): void {
    for (const buffer of this.#params) buffer.destroy()
    this.#params = []
    this.#words = []
    this.#slots = 0
    this.#groups.clear()
  }

  #addBuffer(): void {
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST
    this.#groups.clear()
    this.#params.push(this.#device.createBuffer({ label: 'relay params', size: SLOTS * SLOT_BYTES, usage }))
    this.#words.push(new Uint32Array((SLOTS * SLOT_BYTES) / WORD))
  }

  /** The group of two buffers, which all kernels share that go from one to the other. */
  #group(
    layout: GPUBindGroupLayout,
    params: GPUBuffer,
    [from, to]: readonly [GPUBuffer, GPUBuffer],
  ): GPUBindGroup {
    const groups = this.#groups.get(from) ?? new Map<GPUBuffer, GPUBindGroup>()
    this.#groups.set(from, groups)
    const cached = groups.get(to)
    if (cached) return cached
    const group = this.#device.createBindGroup({
      layout,
      entries: [
        { binding: 0, resource: { buffer: params, size: PARAMS_BYTES } },
        { binding: 1, resource: { buffer: from } },
        { binding: 2, resource: { buffer: to } },
      ],
    })
    groups.set(to, group)
    return group
  }
}
