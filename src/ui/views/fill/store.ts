import { createStore } from 'zustand/vanilla'
import { toErrorData, type ErrorData } from '../../../errors.ts'
import type { FilledMask } from '../../../api/model.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'

export type FillPhase =
  { kind: 'empty' } | { kind: 'filling' } | { kind: 'done' } | { kind: 'failed'; error: ErrorData }

/** What a model puts in place of the masks of a text. */
export interface FillResult {
  /** The text as it was read. */
  text: string
  modelId: string
  /** The mask token as it is typed. */
  mask: string
  masks: readonly FilledMask[]
}

export interface FillState {
  text: string
  phase: FillPhase
  result: FillResult | null
}

/** Candidates shown of every mask. */
const TOP = 10

/** Where in a text its `nth` mask stands; −1 where it has fewer. */
function placeOf(text: string, mask: string, nth: number): number {
  let at = -1
  for (let i = 0; i <= nth; i++) {
    at = text.indexOf(mask, at + 1)
    if (at < 0) return -1
  }
  return at
}

/** Masks of a text filled by an encoder. The text that was read is the page's, so that every other view looks at it. */
export class MaskFilling {
  readonly state = createStore<FillState>()(() => ({ text: '', phase: { kind: 'empty' }, result: null }))
  readonly #session: Session
  /** Counts readings; what arrives for an older one is dropped. */
  #run = 0

  constructor(session: Session) {
    this.#session = session
    let shown = session.model
    session.app.subscribe(() => {
      if (session.model === shown) return
      shown = session.model
      this.#run += 1
      this.state.setState({ phase: { kind: 'empty' }, result: null })
    })
  }

  setText(text: string): void {
    this.state.setState({ text })
  }

  /** Reads the text and fills its masks. */
  async fill(): Promise<void> {
    const { model } = this.#session
    const { text } = this.state.getState()
    if (model === null || text.trim() === '') return
    const run = ++this.#run
    this.state.setState({ phase: { kind: 'filling' } })
    try {
      const ids = await model.encode(text, { parseSpecial: true })
      const [masks, texts] = await Promise.all([
        model.fillMask(text, { top: Math.min(TOP, model.info.vocab) }),
        model.tokenTexts(ids),
      ])
      if (run !== this.#run) return
      const { id, maskToken, bosId, eosIds } = model.info
      this.state.setState({
        phase: { kind: 'done' },
        result: { text, modelId: id, mask: maskToken ?? '', masks },
      })
      const { settings } = this.#session.app.getState()
      const places = new Set(masks.map(({ position }) => position))
      this.#session.showText({
        modelId: id,
        promptIds: ids,
        promptTexts: texts.map((one, i) => (places.has(i) ? (maskToken ?? one) : one)),
        tokens: [],
        settings,
        bosId,
        endIds: eosIds,
      })
    } catch (error) {
      if (run === this.#run) this.state.setState({ phase: { kind: 'failed', error: toErrorData(error) } })
    }
  }

  /** Writes a candidate in place of the `nth` mask of the text, and fills what is left. */
  async put(nth: number, word: string): Promise<void> {
    const { text, result } = this.state.getState()
    if (result === null || text !== result.text) return
    const at = placeOf(text, result.mask, nth)
    if (at < 0) return
    // The piece of a word goes on from the text before it.
    const piece = word.startsWith('##')
    const textBefore = piece ? text.slice(0, at).trimEnd() : text.slice(0, at)
    const written = piece ? word.slice(2) : word.trim()
    const next = textBefore + written + text.slice(at + result.mask.length)
    this.setText(next)
    if (next.includes(result.mask)) await this.fill()
  }
}

export const maskFillingOf = perSession((session) => new MaskFilling(session))
