import { answeringModel } from './app.ts'
import { linkPartChanged, registerLinkPart } from './linkParts.ts'
import type { Session } from './session.ts'
import type { Speculation } from './speculate.ts'
import { GUIDES } from './speculateRounds.ts'

/** `guide=first-layers.3+4`: who proposes, and how many tokens ahead. */
const LINKED = /^(prompt-lookup|q4_0|first-layers)(?:\.(\d{1,3}))?\+([1-7])$/

/** Keeps the choice of the guide in the page's link while its view is shown. */
export function keepInLink({ app }: Session, { state }: Speculation): void {
  registerLinkPart('guide', {
    read: () => {
      const { guide, layers, ahead } = state.getState()
      if (app.getState().view !== 'speculate') return null
      return `${guide}${guide === 'first-layers' ? `.${layers}` : ''}+${ahead}`
    },
    write: (text) => {
      const [, kind, layers, ahead] = LINKED.exec(text) ?? []
      const guide = GUIDES.find((known) => known === kind)
      if (guide === undefined) return
      state.setState({ guide, ahead: Number(ahead) })
      const deepest = (answeringModel(app.getState().model)?.layers ?? Infinity) - 1
      if (layers !== undefined) state.setState({ layers: Math.max(1, Math.min(Number(layers), deepest)) })
    },
  })
  state.subscribe(({ guide, layers, ahead }, before) => {
    if (guide !== before.guide || layers !== before.layers || ahead !== before.ahead) linkPartChanged()
  })
}
