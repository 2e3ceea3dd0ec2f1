import type { Session } from '../../../state/session.ts'
import type { ViewKey } from '../../components/useViewKeys.ts'
import { savedTracesOf } from './store.ts'

const moveToken = (by: 1 | -1) => (session: Session) => {
  const traces = savedTracesOf(session)
  traces.selectRow(traces.state.getState().row + by)
}

export const keys: readonly ViewKey[] = [
  { keys: 'J K', does: 'keys.fileTokens', press: { j: moveToken(-1), k: moveToken(1) } },
  { keys: '↑ ↓ Home End', does: 'keys.fileSteps' },
]
