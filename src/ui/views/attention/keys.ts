import type { ViewKey } from '../../components/viewKeys.ts'

export const keys: readonly ViewKey[] = [
  { keys: '← ↑ ↓ → Home End', does: 'keys.heads' },
  { keys: 'Shift+→', does: 'keys.headsMore' },
]
