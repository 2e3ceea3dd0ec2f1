import { COMMAND, type ViewKey } from '../../components/viewKeys.ts'

export const keys: readonly ViewKey[] = [
  { keys: `${COMMAND}+Enter`, does: 'keys.scoreRun' },
  { keys: '← →', does: 'keys.scoredToken' },
]
