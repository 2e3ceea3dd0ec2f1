import { TokenscopeError, invariant } from '../errors.ts'
import type { MemoryReport } from '../api/model.ts'

/** A GPU buffer that the ledger knows: its label is what `memory()` groups by. */
export interface LedgerBuffer {
  readonly gpu: GPUBuffer
  readonly label: string
  readonly bytes: number
}

/** Of a buffer that no part of can be taken away, on a device that allows `max` bytes. */
export function tooLarge(label: string, bytes: number, max: number): TokenscopeError {
  return new TokenscopeError(
    'limit',
    `A GPU buffer of ${bytes} bytes is needed for ${label}; this device allows ${max}.`,
    {
      hint: 'Choose a smaller model, a shorter context, or a quantised weight format.',
      details: { label, bytes, maxBufferSize: max },
    },
  )
}

/** Every GPU buffer of one engine: created and destroyed here only, so that bytes can be counted and leaks seen. */
export class BufferLedger {
  private readonly live = new Set<LedgerBuffer>()
  private bytes = 0
  private closed = false
  private readonly device: GPUDevice

  constructor(device: GPUDevice) {
    this.device = device
  }

  /** Bytes of the largest buffer that a kernel can be bound to. */
  get largestBinding(): number {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.device.limits
    return Math.min(maxBufferSize, maxStorageBufferBindingSize)
  }

  /**
   * A zeroed buffer of `bytes` rounded up to 16. Throws `limit` when the device cannot hold one that large, `aborted` after
   * {@link destroyAll}: work that had not heard of the end yet leaves nothing behind.
   */
  create(label: string, bytes: number, usage: GPUBufferUsageFlags): LedgerBuffer {
    if (this.closed) throw new TokenscopeError('aborted', 'The model was freed while this was under way.')
    const size = Math.max(16, Math.ceil(bytes / 16) * 16)
    const max = this.device.limits.maxBufferSize
    if (size > max) throw tooLarge(label, size, max)
    const buffer = { gpu: this.device.createBuffer({ label, size, usage }), label, bytes: size }
    this.live.add(buffer)
    this.bytes += size
    return buffer
  }

  /** True for a buffer that was not destroyed yet. */
  has(buffer: LedgerBuffer): boolean {
    return this.live.has(buffer)
  }

  destroy(buffer: LedgerBuffer): void {
    invariant(this.live.delete(buffer), `buffer ${buffer.label} destroyed twice`)
    this.bytes -= buffer.bytes
    buffer.gpu.destroy()
  }

  /** Frees every buffer for good. */
  destroyAll(): void {
    this.closed = true
    for (const buffer of this.live) this.destroy(buffer)
  }

  /** Bytes and count, grouped by the label up to its first colon. */
  report(): MemoryReport {
    const byLabel: Record<string, number> = {}
    for (const { label, bytes } of this.live) {
      const group = label.split(':')[0] ?? label
      byLabel[group] = (byLabel[group] ?? 0) + bytes
    }
    return { gpuBytes: this.bytes, buffers: this.live.size, byLabel }
  }
}
