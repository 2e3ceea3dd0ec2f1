import type { ViewKey } from '../../components/viewKeys.ts'

export const keys: readonly ViewKey[] = [
  { keys: '↑ ↓ Home End', does: 'keys.branchLines' },
  { keys: '← →', does: 'keys.branchTokens' },
  { keys: 'Enter', does: 'keys.branchUse' },
  { keys: 'Delete', does: 'keys.branchRemove' },
]
