import { createStore } from 'zustand/vanilla'
import { toErrorData, type ErrorData } from '../../../../errors.ts'
import type { Attribution, Model } from '../../../../api/model.ts'
import { perSession } from '../../../../state/perSession.ts'

/** A logit to take apart: of a token, as predicted from a position of a text. */
export interface WantedLogit {
  model: Model
  ids: readonly number[]
  position: number
  token: number
}

export type AttributionPhase =
  { kind: 'idle' } | { kind: 'reading' } | { kind: 'ready' } | { kind: 'failed'; error: ErrorData }

export interface AttributionState {
  phase: AttributionPhase
  shown: { of: WantedLogit; value: Attribution } | null
  /** The token asked for; null: the most probable one of the chosen position. */
  token: number | null
  order: 'layers' | 'size'
  /** Layers whose heads are listed. */
  open: readonly number[]
}

const sameLogit = (a: WantedLogit, b: WantedLogit): boolean =>
  a.model === b.model && a.ids === b.ids && a.position === b.position && a.token === b.token

/** Takes one logit of the text on the page apart at a time; only the newest wish is read. */
export class LogitAttribution {
  readonly state = createStore<AttributionState>()(() => ({
    phase: { kind: 'idle' },
    shown: null,
    token: null,
    order: 'layers',
    open: [],
  }))
  private wanted: WantedLogit | null = null
  private isReading = false

  /** Reads it once what is being read is done; a wish made meanwhile takes its place. */
  request(logit: WantedLogit): void {
    const { shown, phase } = this.state.getState()
    if (this.wanted !== null && sameLogit(this.wanted, logit) && phase.kind !== 'failed') return
    this.wanted = logit
    if (shown !== null && sameLogit(shown.of, logit)) return this.state.setState({ phase: { kind: 'ready' } })
    this.state.setState({ phase: { kind: 'reading' } })
    if (!this.isReading) void this.readOn()
  }

  private async readOn(): Promise<void> {
    this.isReading = true
    for (let of = this.wanted; of !== null; of = this.wanted) {
      try {
        const value = await of.model.attribution(of.ids, { position: of.position, token: of.token })
        if (of !== this.wanted) continue
        this.state.setState({ shown: { of, value }, phase: { kind: 'ready' } })
      } catch (error) {
        if (of !== this.wanted) continue
        this.state.setState({ phase: { kind: 'failed', error: toErrorData(error) } })
      }
      break
    }
    this.isReading = false
  }

  /** Lists the heads of a layer, or hides them. */
  toggle(layer: number): void {
    const { open } = this.state.getState()
    this.state.setState({
      open: open.includes(layer) ? open.filter((other) => other !== layer) : [...open, layer],
    })
  }
}

/** The attribution of a page: one, whichever panel asks. */
export const attributionOf = perSession(() => new LogitAttribution())
