import type { Session } from '../../../state/session.ts'
import { COMMAND, type ViewKey } from '../../components/viewKeys.ts'
import { comparisonOf } from './store.ts'

const walk = (by: 1 | -1) => (session: Session) => comparisonOf(session).walk(by)

export const keys: readonly ViewKey[] = [
  {
    keys: `${COMMAND}+Enter`,
    does: 'keys.compareRun',
    press: {
      'Mod+Enter': (session) => void comparisonOf(session).start(),
      Escape: (session) => comparisonOf(session).stop(),
    },
  },
  { keys: 'N', does: 'keys.divergence', press: { n: (session) => comparisonOf(session).nextDivergence() } },
  { keys: 'J K', does: 'keys.positions', press: { j: walk(-1), k: walk(1) } },
]
