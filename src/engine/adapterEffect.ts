import type { AdapterEffect } from '../api/model.ts'
import { invariant } from '../errors.ts'
import { traceSteps } from '../inspect/trace.ts'
import { klDivergence, logSoftmax } from '../maths/distribution.ts'
import { BASE_CONDITIONS, type Conditions } from '../run/conditions.ts'
import type { Runner } from '../run/runner.ts'
import type { TextTokenizer } from '../text/tokenizer.ts'

/** What an adapter's effect is measured on. */
const PROBE_TEXT = 'Once upon a time there was a little'
/** At most eight tokens, so that the kernels of small batches serve. */
const PROBE_ROWS = 8

/** Measures on a short prompt what conditions change against the base. */
export class EffectProbe {
  private readonly runner: Runner
  private readonly tokenizer: TextTokenizer | null
  /** What the base says: the same whichever adapters are loaded, so read once. */
  private base: Promise<Float32Array> | null = null

  constructor(runner: Runner, tokenizer: TextTokenizer | null) {
    this.runner = runner
    this.tokenizer = tokenizer
  }

  async measure(conditions: Conditions): Promise<AdapterEffect> {
    const ids = await this.ids()
    const adapted = await this.logits(ids, conditions)
    const base = await this.readBase()
    const { vocab } = this.runner.model
    let maxDeltaLogit = 0
    let kl = 0
    for (let row = 0; row < ids.length; row++) {
      const [a, b] = [adapted, base].map((data) => data.subarray(row * vocab, (row + 1) * vocab))
      invariant(a && b, 'both runs have this row')
      a.forEach((logit, i) => (maxDeltaLogit = Math.max(maxDeltaLogit, Math.abs(logit - (b[i] ?? 0)))))
      kl += klDivergence(logSoftmax(a), logSoftmax(b))
    }
    return { maxDeltaLogit, meanKl: kl / ids.length }
  }

  async readBase(): Promise<Float32Array> {
    this.base ??= this.ids().then((ids) => this.logits(ids, BASE_CONDITIONS))
    try {
      return await this.base
    } catch (error) {
      this.base = null
      throw error
    }
  }

  private async logits(ids: readonly number[], conditions: Conditions): Promise<Float32Array> {
    const logits = (await traceSteps(this.runner, ids, ['logits'], conditions)).get('logits')
    invariant(logits, 'logits were probed')
    return logits.data
  }

  private async ids(): Promise<number[]> {
    const text = this.tokenizer ? await this.tokenizer.encode(PROBE_TEXT) : []
    const ids =
      text.length > 0
        ? text
        : Array.from({ length: PROBE_ROWS }, (_, i) => (i * 7919 + 1) % this.runner.model.vocab)
    return ids.slice(0, Math.min(PROBE_ROWS, this.runner.context))
  }
}
