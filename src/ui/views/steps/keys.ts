import type { Session } from '../../../state/session.ts'
import type { ViewKey } from '../../components/viewKeys.ts'
import { stepsOf } from './store.ts'

const move = (by: 1 | -1) => (session: Session) => stepsOf(session).move(by)
const moveLayer = (by: 1 | -1) => (session: Session) => stepsOf(session).moveLayer(by)
const moveToken = (by: 1 | -1) => (session: Session) => stepsOf(session).moveToken(by)
const run = (session: Session) => stepsOf(session).runToBreakpoint()

/** In the tree B is about the line that has the focus. */
function toggleBreakpoint(session: Session): boolean {
  if (document.activeElement?.matches('[role=treeitem]') === true) return false
  const steps = stepsOf(session)
  steps.toggleBreakpoint(steps.state.getState().step)
  return true
}

function focusSearch(): void {
  document.querySelector<HTMLInputElement>('.tree-search')?.focus()
}

/** Keys of the transport, which the Steps view and the Map have below them. */
export const transportKeys: readonly ViewKey[] = [
  {
    keys: 'F10 Shift+F10 → ←',
    does: 'keys.step',
    press: { F10: move(1), 'Shift+F10': move(-1), ArrowRight: move(1), ArrowLeft: move(-1) },
  },
  {
    keys: 'F11 L Shift+L',
    does: 'keys.layer',
    press: {
      F11: moveLayer(1),
      'Shift+F11': moveLayer(-1),
      l: moveLayer(1),
      'Shift+l': moveLayer(-1),
      'Shift+ArrowRight': moveLayer(1),
      'Shift+ArrowLeft': moveLayer(-1),
    },
  },
  { keys: 'J K', does: 'keys.token', press: { j: moveToken(-1), k: moveToken(1) } },
  { keys: 'Space', does: 'keys.play', press: { ' ': (session) => stepsOf(session).togglePlay() } },
  { keys: 'B', does: 'keys.breakpoint', press: { b: toggleBreakpoint } },
  { keys: 'F8 R', does: 'keys.run', press: { F8: run, r: run } },
]

export const keys: readonly ViewKey[] = [
  ...transportKeys,
  { keys: '/', does: 'keys.search', press: { '/': focusSearch } },
  { keys: '← ↑ ↓ →', does: 'keys.cell' },
  { keys: '+ − 0', does: 'keys.zoom' },
]
