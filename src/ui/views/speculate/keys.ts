import type { Session } from '../../../state/session.ts'
import { COMMAND, type ViewKey } from '../../components/viewKeys.ts'
import { speculationOf } from './store.ts'

const walk = (by: 1 | -1) => (session: Session) => speculationOf(session).walk(by)

function stop(session: Session): boolean {
  const speculation = speculationOf(session)
  if (!speculation.working) return false
  speculation.stop()
  return true
}

export const keys: readonly ViewKey[] = [
  {
    keys: `${COMMAND}+Enter`,
    does: 'keys.speculateRun',
    press: { 'Mod+Enter': (session) => void speculationOf(session).start(), Escape: stop },
  },
  {
    keys: 'J K ← →',
    does: 'keys.places',
    press: { j: walk(-1), k: walk(1), ArrowLeft: walk(-1), ArrowRight: walk(1) },
  },
]
