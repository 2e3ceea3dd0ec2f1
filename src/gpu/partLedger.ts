import type { MemoryReport } from '../api/model.ts'
import { BufferLedger, type LedgerBuffer } from './ledger.ts'

/** Counts the buffers of a second model with the first one's own, under one label, and can free only them. */
export class PartLedger extends BufferLedger {
  readonly #buffers = new Set<LedgerBuffer>()
  readonly #all: BufferLedger
  readonly #label: string

  constructor(device: GPUDevice, all: BufferLedger, label: string) {
    super(device)
    this.#all = all
    this.#label = label
  }

  /** Bytes of its own buffers. */
  get ownBytes(): number {
    return [...this.#buffers].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  override create(label: string, bytes: number, usage: GPUBufferUsageFlags): LedgerBuffer {
    const buffer = this.#all.create(`${this.#label}:${label}`, bytes, usage)
    this.#buffers.add(buffer)
    return buffer
  }

  override destroy(buffer: LedgerBuffer): void {
    this.#buffers.delete(buffer)
    this.#all.destroy(buffer)
  }

  /** Frees its own; nothing is left of them where the whole ledger was closed. */
  override destroyAll(): void {
    for (const buffer of this.#buffers) if (this.#all.has(buffer)) this.#all.destroy(buffer)
    this.#buffers.clear()
  }

  override report(): MemoryReport {
    return this.#all.report()
  }
}
