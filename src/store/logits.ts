import type { LogitsAt, Model } from '../api/model.ts'
import type { Trace } from './trace.ts'

/** Distributions kept on the page; each is vocabulary × 4 bytes. */
const CACHE_SIZE = 6

/** Looks up full distributions, newest first in a small cache that empties when the shown text changes. */
export class LogitsCache {
  private readonly trace: Trace
  private readonly kept = new Map<number, LogitsAt>()
  private epoch = -1

  constructor(trace: Trace) {
    this.trace = trace
  }

  peek(index: number): LogitsAt | null {
    return this.epoch === this.trace.epoch ? (this.kept.get(index) ?? null) : null
  }

  /** Logits [vocab] that predicted generated token `index`; the engine knows whether it still holds them. */
  async read(model: Model, index: number): Promise<LogitsAt> {
    const epoch = this.trace.epoch
    const found = this.peek(index)
    if (found !== null) return found
    const fresh = await model.logitsAt(this.trace.idsBefore(index))
    if (epoch === this.trace.epoch) this.keep(index, fresh)
    return fresh
  }

  private keep(index: number, logits: LogitsAt): void {
    if (this.epoch !== this.trace.epoch) this.kept.clear()
    this.epoch = this.trace.epoch
    this.kept.set(index, logits)
    const oldest = this.kept.keys().next().value
    if (this.kept.size > CACHE_SIZE && oldest !== undefined) this.kept.delete(oldest)
  }
}
