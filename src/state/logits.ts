import type { LogitsAt, Model } from '../api/model.ts'
import type { TokenLog } from './tokenLog.ts'

/** Distributions kept on the page; each is vocabulary × 4 bytes. */
const CACHE_SIZE = 6

/** Looks up full distributions, newest first in a small cache that empties when the shown text changes. */
export class LogitsCache {
  private readonly log: TokenLog
  private readonly kept = new Map<number, LogitsAt>()
  private epoch = -1

  constructor(log: TokenLog) {
    this.log = log
  }

  peek(index: number): LogitsAt | null {
    return this.epoch === this.log.epoch ? (this.kept.get(index) ?? null) : null
  }

  /** Logits [vocab] that predicted generated token `index`; the engine knows whether it still holds them. */
  async read(model: Model, index: number): Promise<LogitsAt> {
    const epoch = this.log.epoch
    const cached = this.peek(index)
    if (cached !== null) return cached
    const fresh = await model.logitsAt(this.log.idsBefore(index))
    if (epoch === this.log.epoch) this.store(index, fresh)
    return fresh
  }

  private store(index: number, logits: LogitsAt): void {
    if (this.epoch !== this.log.epoch) this.kept.clear()
    this.epoch = this.log.epoch
    this.kept.set(index, logits)
    const oldest = this.kept.keys().next().value
    if (this.kept.size > CACHE_SIZE && oldest !== undefined) this.kept.delete(oldest)
  }
}
