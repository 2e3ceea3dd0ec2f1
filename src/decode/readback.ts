import { TokenscopeError, invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import type { Runner } from '../run/runner.ts'
import { parseRecord, RECORD_BYTES, type SelectRecord } from '../ops/select.ts'

/** One forward's result on its way to the host. */
export class Readback {
  private mapped: Promise<void> | null = null
  private readonly runner: Runner
  private readonly staging: LedgerBuffer
  private readonly ringRow: number
  private readonly withLogits: boolean
  private readonly onRelease: () => void

  constructor(
    runner: Runner,
    staging: LedgerBuffer,
    ringRow: number,
    withLogits: boolean,
    onRelease: () => void,
  ) {
    this.runner = runner
    this.staging = staging
    this.ringRow = ringRow
    this.withLogits = withLogits
    this.onRelease = onRelease
  }

  /** Records the copies, after the forward's pass. */
  copy(encoder: GPUCommandEncoder): void {
    encoder.copyBufferToBuffer(this.runner.records.gpu, 0, this.staging.gpu, 0, RECORD_BYTES)
    if (!this.withLogits) return
    const bytes = this.runner.model.vocab * 4
    encoder.copyBufferToBuffer(
      this.runner.logits.gpu,
      this.ringRow * bytes,
      this.staging.gpu,
      RECORD_BYTES,
      bytes,
    )
  }

  /** Starts the transfer; called once, after the submit. */
  map(): void {
    this.mapped = this.staging.gpu.mapAsync(GPUMapMode.READ)
    // A loss is reported where the result is awaited; no caller may be waiting yet.
    this.mapped.catch(() => undefined)
    this.runner.executor.countReadback()
  }

  private async range(): Promise<ArrayBuffer> {
    invariant(this.mapped, 'the transfer was started')
    try {
      await this.mapped
      return this.staging.gpu.getMappedRange()
    } catch (cause) {
      throw new TokenscopeError('device-lost', 'The GPU was lost while a token was computed.', {
        hint: 'The text is kept. Load the model again to go on.',
        cause,
      })
    }
  }

  async record(): Promise<SelectRecord> {
    return parseRecord(await this.cached(), 0)
  }

  /** Full logits [vocab]: from the same transfer, or from the ring while its row is still there. */
  async logits(): Promise<Float32Array> {
    const { vocab } = this.runner.model
    if (this.withLogits) return new Float32Array(await this.cached(), RECORD_BYTES, vocab)
    return new Float32Array(
      await this.runner.read(this.runner.logits.gpu, this.ringRow * vocab * 4, vocab * 4),
    )
  }

  private bytes: ArrayBuffer | null = null
  private async cached(): Promise<ArrayBuffer> {
    this.bytes ??= (await this.range()).slice(0)
    return this.bytes
  }

  /** Gives the staging buffer back to the ring. */
  release(): void {
    this.staging.gpu.unmap()
    this.onRelease()
  }

  async settled(): Promise<void> {
    await this.mapped?.catch(() => undefined)
  }
}

/** Staging buffers used in turn, so that steady decoding allocates nothing. */
export class ReadbackRing {
  private readonly free: LedgerBuffer[]
  private readonly all: readonly LedgerBuffer[]
  private readonly runner: Runner
  private readonly withLogits: boolean

  constructor(runner: Runner, depth: number, withLogits: boolean) {
    this.runner = runner
    this.withLogits = withLogits
    const bytes = RECORD_BYTES + (withLogits ? runner.model.vocab * 4 : 0)
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST
    this.all = Array.from({ length: depth }, (_, i) => runner.ledger.create(`staging:${i}`, bytes, usage))
    this.free = [...this.all]
  }

  next(ringRow: number): Readback {
    const staging = this.free.pop()
    invariant(staging, 'a staging buffer is free')
    return new Readback(this.runner, staging, ringRow, this.withLogits, () => this.free.push(staging))
  }

  /** Waits for what is in flight, then frees the buffers. */
  async dispose(inFlight: readonly Readback[]): Promise<void> {
    await Promise.all(inFlight.map((readback) => readback.settled()))
    for (const buffer of this.all) this.runner.ledger.destroy(buffer)
  }
}
