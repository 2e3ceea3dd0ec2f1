import type { ViewKey } from '../../components/useViewKeys.ts'

export const keys: readonly ViewKey[] = [
  { keys: '← ↑ ↓ → Enter', does: 'keys.parts' },
  { keys: 'Space Enter', does: 'keys.patch' },
]
