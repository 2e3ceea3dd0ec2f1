import { createStore } from 'zustand/vanilla'
import type { Mask } from '../api/model.ts'
import { maskName } from '../analysis/steps.ts'
import { perSession } from './perSession.ts'
import type { Session } from './session.ts'

export const MASK_KINDS = ['causal', 'prefix', 'bidirectional'] as const
export type MaskKind = (typeof MASK_KINDS)[number]

export interface MaskState {
  /** Null: the model's own. */
  kind: MaskKind | null
  /** Positions that see each other under `prefix`; null: the prompt's. */
  prefix: number | null
}

/** The mask that views run their own forwards over the text under. What is written is always under the model's. */
export class MaskChoice {
  readonly state = createStore<MaskState>()(() => ({ kind: null, prefix: null }))
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
    // Another model has another mask of its own.
    let shown = session.model
    session.app.subscribe(() => {
      if (session.model === shown) return
      shown = session.model
      this.state.setState({ kind: null, prefix: null })
    })
  }

  /** Positions of the prefix as it stands. */
  get prefix(): number {
    return this.state.getState().prefix ?? Math.max(2, this.#session.log.promptIds.length)
  }

  /** What to ask of the model; undefined for its own mask. */
  get mask(): Mask | undefined {
    const { kind } = this.state.getState()
    return kind === null ? undefined : kind === 'prefix' ? { prefix: this.prefix } : kind
  }

  choose(kind: MaskKind): void {
    this.state.setState({ kind })
  }

  setPrefix(prefix: number): void {
    this.state.setState({ kind: 'prefix', prefix })
  }

  /** Calls back whenever another mask is asked for; returns the function that lets go. */
  onChange(changed: () => void): () => void {
    let previous = this.#name()
    return this.state.subscribe(() => {
      const current = this.#name()
      if (current === previous) return
      previous = current
      changed()
    })
  }

  #name(): string {
    const { mask } = this
    return mask === undefined ? '' : maskName(mask)
  }
}

export const maskChoiceOf = perSession((session) => new MaskChoice(session))
