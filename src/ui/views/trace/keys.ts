import type { Session } from '../../../state/session.ts'
import type { ViewKey } from '../../components/viewKeys.ts'
import { savedTracesOf } from './store.ts'

const moveToken = (by: 1 | -1) => (session: Session) => {
  const traces = savedTracesOf(session)
  const { row, shown } = traces.state.getState()
  if (shown === null) return false
  traces.selectRow(row + by)
  return true
}

export const keys: readonly ViewKey[] = [
  { keys: 'J K', does: 'keys.fileTokens', press: { j: moveToken(-1), k: moveToken(1) } },
  { keys: '↑ ↓ Home End', does: 'keys.fileSteps' },
]
