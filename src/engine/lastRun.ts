import type { ForwardOptions } from '../api/forward.ts'
import type { RunRecord } from '../decode/generate.ts'
import { TokenscopeError } from '../errors.ts'

/** The last generation: its text, what it ran under, and whether the ring of logits still holds what it left there. */
export class LastRun {
  #run: RunRecord | null = null
  #options: ForwardOptions = {}
  #holdsRing = false
  /** Rows of the ring. */
  readonly #rows: () => number

  constructor(rows: () => number) {
    this.#rows = rows
  }

  /** `options` name the adapters one by one, so that they mean the same whatever is set later. */
  begin(run: RunRecord, options: ForwardOptions): void {
    this.#run = run
    this.#options = options
    this.#holdsRing = true
  }

  /** Another forward is about to use the ring. */
  releaseRing(): void {
    this.#holdsRing = false
  }

  /** Row of the ring with the logits behind the last of `ids` under conditions of this key; null when there is none. */
  ringRow(ids: readonly number[], key: string): number | null {
    const run = this.#run
    if (!run || !this.#holdsRing || run.conditions.key !== key) return null
    const { prompt, tokens, submitted } = run
    const index = ids.length - prompt.length
    if (index < 0 || index >= tokens.length || index < submitted - this.#rows()) return null
    const isSame = ids.every((id, i) => id === (i < prompt.length ? prompt[i] : tokens[i - prompt.length]))
    return isSame ? index % this.#rows() : null
  }

  /** What stood before generated token `index`, and what it was predicted under. */
  inputBefore(index: number): { ids: readonly number[]; options: ForwardOptions; key: string } {
    const tokens = this.#run?.tokens ?? []
    if (this.#run && Number.isInteger(index) && index >= 0 && index < tokens.length) {
      const { prompt, conditions } = this.#run
      return { ids: [...prompt, ...tokens.slice(0, index)], options: this.#options, key: conditions.key }
    }
    throw new TokenscopeError('bad-argument', `The last run has no token ${index}.`, {
      hint: 'Indices count the generated tokens from 0.',
      details: { got: index, tokens: tokens.length },
    })
  }
}
