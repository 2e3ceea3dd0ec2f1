import type { ViewKey } from '../../components/useViewKeys.ts'

export const keys: readonly ViewKey[] = [{ keys: '← → Home End', does: 'keys.scoredToken' }]
