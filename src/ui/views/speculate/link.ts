import { answeringModel } from '../../../state/app.ts'
import { linkPartChanged, registerLinkPart } from '../../../state/linkParts.ts'
import type { Session } from '../../../state/session.ts'
import type { Speculation } from './store.ts'
import { DRAFT_KINDS } from '../../../analysis/speculatedRounds.ts'

/** `draft=first-layers.3+4`: who proposes, and how many tokens ahead. */
const LINKED = /^(prompt-lookup|q4_0|first-layers)(?:\.(\d{1,3}))?\+([1-7])$/

/** Keeps the choice of the draft model in the page's link while its view is shown. */
export function keepInLink({ app }: Session, { state }: Speculation): void {
  registerLinkPart('draft', {
    read: () => {
      const { draft, layers, ahead } = state.getState()
      if (app.getState().view !== 'speculate') return null
      return `${draft}${draft === 'first-layers' ? `.${layers}` : ''}+${ahead}`
    },
    write: (text) => {
      const [, kind, layers, ahead] = LINKED.exec(text) ?? []
      const draft = DRAFT_KINDS.find((candidate) => candidate === kind)
      if (draft === undefined) return
      state.setState({ draft, ahead: Number(ahead) })
      const deepest = (answeringModel(app.getState().model)?.layers ?? Infinity) - 1
      if (layers !== undefined) state.setState({ layers: Math.max(1, Math.min(Number(layers), deepest)) })
    },
  })
  state.subscribe(({ draft, layers, ahead }, previous) => {
    if (draft !== previous.draft || layers !== previous.layers || ahead !== previous.ahead) linkPartChanged()
  })
}
