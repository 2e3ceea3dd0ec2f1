import { invariant } from '../errors.ts'
import type { BufferLedger, LedgerBuffer } from '../gpu/ledger.ts'
import { mapStaging } from '../gpu/readback.ts'

/** Bytes that lie in a buffer of the ring and go to another one. */
interface Copy {
  readonly from: number
  readonly target: GPUBuffer
  readonly at: number
  bytes: number
}

/**
 * Two buffers that the host writes in turn: while the GPU copies from one, the other is filled. A file's bytes are copied once on the
 * host, into memory that is there already.
 */
export class UploadRing {
  readonly #buffers: readonly LedgerBuffer[]
  readonly #ledger: BufferLedger
  #current = 0
  #view: Uint8Array | null = null
  #at = 0
  #copy: Copy | null = null

  /** Its buffers, each of `bytes`, are the ledger's. */
  constructor(ledger: BufferLedger, bytes: number) {
    const usage = GPUBufferUsage.MAP_WRITE | GPUBufferUsage.COPY_SRC
    this.#ledger = ledger
    this.#buffers = [0, 1].map((i) => ledger.create(`stage:upload${i}`, bytes, usage))
  }

  get bytes(): number {
    return this.#buffers.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Bytes that can be written before {@link send}. */
  get room(): number {
    return (this.#view?.length ?? 0) - this.#at
  }

  /** Resolves once it can be written. @throws `device-lost` */
  async ready(): Promise<void> {
    // Asked for when it is wanted: while a mapping is pending, Node polls the GPU in every turn.
    this.#view ??= new Uint8Array(await mapStaging(this.#buffer, 'WRITE'))
  }

  /** Takes whole words for byte `at` of a buffer; `commands` gives the encoder that copies them. */
  write(data: Uint8Array, target: GPUBuffer, at: number, commands: () => GPUCommandEncoder): void {
    invariant(this.#view && data.length <= this.room, 'there is room')
    this.#view.set(data, this.#at)
    const copy = this.#copy
    if (copy?.target === target && copy.at + copy.bytes === at) copy.bytes += data.length
    else {
      this.flush(commands)
      this.#copy = { from: this.#at, target, at, bytes: data.length }
    }
    this.#at += data.length
  }

  /** Encodes what was written. */
  flush(commands: () => GPUCommandEncoder): void {
    const copy = this.#copy
    if (copy) commands().copyBufferToBuffer(this.#buffer.gpu, copy.from, copy.target, copy.at, copy.bytes)
    this.#copy = null
  }

  /** Hands the buffer over by `submit`, which submits what was encoded, and goes on with the other one. */
  send(submit: () => void): void {
    if (this.#view) this.#buffer.gpu.unmap()
    submit()
    if (!this.#view) return
    this.#view = null
    this.#at = 0
    this.#current = 1 - this.#current
  }

  dispose(): void {
    for (const buffer of this.#buffers) this.#ledger.destroy(buffer)
  }

  get #buffer(): LedgerBuffer {
    const buffer = this.#buffers[this.#current]
    invariant(buffer, 'there are two buffers')
    return buffer
  }
}
