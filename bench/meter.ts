import { invariant } from '../src/errors.ts'
import { RECORD_BYTES } from '../src/ops/select.ts'
import { median } from './harness.ts'

/** Label that the engine gives the encoder of a live forward. */
const FORWARD = 'forward'
const MAX_FORWARDS = 1024

/** What one forward took, means over those metered. */
export interface ForwardTimes {
  forwards: number
  /** Host time from the encoder's creation to the return of submit, microseconds. */
  encode: number
  /** Between the timestamps around the pass, microseconds; null without timestamp-query. */
  gpu: number | null
}

/**
 * Watches a device from outside: the bytes of buffers alive, and host and GPU time of the engine's own forwards while they run as
 * ever, ahead of the host. Puts itself before the device's methods; meant for a device that a bench opened.
 */
export class DeviceMeter {
  liveBytes = 0
  peakBytes = 0
  private readonly device: GPUDevice
  private readonly stamps: GPUQuerySet | null
  private metering = false
  private forwards = 0
  private encoding = 0

  constructor(device: GPUDevice) {
    this.device = device
    const timed = device.features.has('timestamp-query')
    this.stamps = timed ? device.createQuerySet({ type: 'timestamp', count: 2 * MAX_FORWARDS }) : null
    this.watchBuffers()
    this.watchForwards()
  }

  private watchBuffers(): void {
    const { device } = this
    const create = device.createBuffer.bind(device)
    device.createBuffer = (descriptor) => {
      const buffer = create(descriptor)
      const destroy = buffer.destroy.bind(buffer)
      let alive = true
      buffer.destroy = () => {
        if (alive) this.liveBytes -= descriptor.size
        alive = false
        return destroy()
      }
      this.liveBytes += descriptor.size
      this.peakBytes = Math.max(this.peakBytes, this.liveBytes)
      return buffer
    }
  }

  private watchForwards(): void {
    const { device } = this
    const create = device.createCommandEncoder.bind(device)
    const submit = device.queue.submit.bind(device.queue)
    let started: number | null = null
    device.createCommandEncoder = (descriptor) => {
      const metered = this.metering && descriptor?.label === FORWARD
      if (metered) started = performance.now()
      const encoder = create(descriptor)
      if (metered) this.stampPass(encoder)
      return encoder
    }
    device.queue.submit = (commands) => {
      const result = submit(commands)
      if (started !== null) this.encoding += performance.now() - started
      started = null
      return result
    }
  }

  private stampPass(encoder: GPUCommandEncoder): void {
    invariant(this.forwards < MAX_FORWARDS, `at most ${MAX_FORWARDS} forwards are metered at a time`)
    const at = 2 * this.forwards++
    const { stamps } = this
    if (!stamps) return
    const begin = encoder.beginComputePass.bind(encoder)
    encoder.beginComputePass = (descriptor) =>
      begin({
        ...descriptor,
        timestampWrites: { querySet: stamps, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 },
      })
  }

  start(): void {
    this.forwards = 0
    this.encoding = 0
    this.metering = true
  }

  async stop(): Promise<ForwardTimes> {
    this.metering = false
    const { forwards } = this
    const nanoseconds = await this.readStamps()
    const gpu = nanoseconds.reduce((sum, ns) => sum + ns, 0) / 1000 / forwards
    return { forwards, encode: (1000 * this.encoding) / forwards, gpu: this.stamps ? gpu : null }
  }

  private async readStamps(): Promise<number[]> {
    if (!this.stamps) return []
    const { device, forwards } = this
    const size = forwards * 16
    const resolved = device.createBuffer({
      size,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    })
    const staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
    const encoder = device.createCommandEncoder()
    encoder.resolveQuerySet(this.stamps, 0, 2 * forwards, resolved, 0)
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size)
    device.queue.submit([encoder.finish()])
    await staging.mapAsync(GPUMapMode.READ)
    const stamps = [...new BigUint64Array(staging.getMappedRange())]
    resolved.destroy()
    staging.destroy()
    return Array.from({ length: forwards }, (_, i) =>
      Number((stamps[2 * i + 1] ?? 0n) - (stamps[2 * i] ?? 0n)),
    )
  }
}

/** Milliseconds from the submit of one record's copy until the host has it, the queue being idle: median of `times`. */
export async function readbackTime(device: GPUDevice, times: number): Promise<number> {
  const source = device.createBuffer({ size: RECORD_BYTES, usage: GPUBufferUsage.COPY_SRC })
  const staging = device.createBuffer({
    size: RECORD_BYTES,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  })
  const taken: number[] = []
  for (let i = 0; i < times; i++) {
    const encoder = device.createCommandEncoder()
    encoder.copyBufferToBuffer(source, 0, staging, 0, RECORD_BYTES)
    const commands = encoder.finish()
    const started = performance.now()
    device.queue.submit([commands])
    await staging.mapAsync(GPUMapMode.READ)
    taken.push(performance.now() - started)
    staging.unmap()
  }
  source.destroy()
  staging.destroy()
  return median(taken)
}
