import { TokenscopeError } from '../errors.ts'
import type { Model } from '../api/model.ts'
import type { Trace } from './trace.ts'

/** Full logits behind one token, and how they came about. */
export interface CapturedLogits {
  data: Float32Array
  /** True when another forward was needed: the run's own values had left the buffer. */
  recomputed: boolean
}

/** Distributions kept on the page; each is vocabulary × 4 bytes. */
const KEPT = 6
/** Largest positions × vocabulary a lookup may recompute: 16 MB. */
const RECOMPUTE_LIMIT = 4_000_000

/** Looks up full distributions, newest first in a small cache that empties when the shown text changes. */
export class LogitsCache {
  private readonly trace: Trace
  private readonly kept = new Map<number, CapturedLogits>()
  private epoch = -1

  constructor(trace: Trace) {
    this.trace = trace
  }

  peek(index: number): CapturedLogits | null {
    return this.epoch === this.trace.epoch ? (this.kept.get(index) ?? null) : null
  }

  /**
   * Logits [vocab] of generated token `index`.
   * @param live whether the engine's last run is the one the page shows
   * @throws unsupported when the text is too long to compute it again
   */
  async read(model: Model, index: number, live: boolean): Promise<CapturedLogits> {
    const epoch = this.trace.epoch
    const found = this.peek(index)
    if (found !== null) return found
    const { runStart } = this.trace
    const fresh =
      live && index >= runStart
        ? await model.tokenLogits(index - runStart)
        : await this.recompute(model, index)
    if (epoch === this.trace.epoch) this.keep(index, fresh)
    return fresh
  }

  private async recompute(model: Model, index: number): Promise<CapturedLogits> {
    const ids = this.trace.idsBefore(index)
    const { vocab } = model.info
    if (ids.length * vocab > RECOMPUTE_LIMIT) {
      throw new TokenscopeError('unsupported', 'Not captured: this token belongs to an earlier run.', {
        hint: 'Generate again to capture it.',
        details: { positions: ids.length, vocab },
      })
    }
    const { data } = await model.logits(ids)
    return { data: data.slice((ids.length - 1) * vocab, ids.length * vocab), recomputed: true }
  }

  private keep(index: number, logits: CapturedLogits): void {
    if (this.epoch !== this.trace.epoch) this.kept.clear()
    this.epoch = this.trace.epoch
    this.kept.set(index, logits)
    const oldest = this.kept.keys().next().value
    if (this.kept.size > KEPT && oldest !== undefined) this.kept.delete(oldest)
  }
}
