import type { ViewKey } from '../../components/viewKeys.ts'

export const keys: readonly ViewKey[] = [
  { keys: '← ↑ ↓ → Enter', does: 'keys.parts' },
  { keys: 'Space Enter', does: 'keys.patch' },
]
