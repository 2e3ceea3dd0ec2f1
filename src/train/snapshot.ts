import type { LedgerBuffer } from '../gpu/ledger.ts'
import type { Runner } from '../run/runner.ts'
import type { TrainBuffers } from './trainBuffers.ts'

/** Steps between two snapshots. */
const EVERY = 10

interface ResumePoint {
  /** Step that comes next from there. */
  readonly index: number
  /** Steps taken before. */
  readonly taken: number
}

/** A copy of parameters and moments on the GPU, a few steps old at most. */
export class Snapshot {
  readonly #runner: Runner
  readonly #pairs: readonly (readonly [state: LedgerBuffer, copy: LedgerBuffer])[]
  #place: ResumePoint | null = null

  constructor(runner: Runner, buffers: TrainBuffers, state: readonly LedgerBuffer[]) {
    this.#runner = runner
    const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    this.#pairs = state.map((buffer) => [buffer, buffers.create('snapshot', buffer.bytes, usage)])
  }

  #copy(
    label: string,
    pick: (pair: readonly [LedgerBuffer, LedgerBuffer]) => readonly [LedgerBuffer, LedgerBuffer],
  ): void {
    const encoder = this.#runner.device.createCommandEncoder({ label })
    for (const pair of this.#pairs) {
      const [from, to] = pick(pair)
      encoder.copyBufferToBuffer(from.gpu, 0, to.gpu, 0, from.bytes)
    }
    this.#runner.device.queue.submit([encoder.finish()])
  }

  /** Copies the state before step `index` where the last copy is old. */
  keepOften(index: number, taken: number): void {
    if (!this.#place || index - this.#place.index >= EVERY) this.update(index, taken)
  }

  /** Copies the state before step `index`. */
  update(index: number, taken: number): void {
    if (this.#place?.index === index) return
    this.#copy('snapshot', (pair) => pair)
    this.#place = { index, taken }
  }

  /** Puts the state back. */
  restore(): ResumePoint | null {
    if (this.#place) this.#copy('restore', ([state, copy]) => [copy, state])
    return this.#place
  }
}
