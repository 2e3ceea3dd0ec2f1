import type { ViewKey } from '../../components/viewKeys.ts'

export const keys: readonly ViewKey[] = [
  { keys: 'Enter', does: 'keys.chatSend' },
  { keys: 'Shift+Enter', does: 'keys.chatLine' },
]
