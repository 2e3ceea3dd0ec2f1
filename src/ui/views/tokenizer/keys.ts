import type { ViewKey } from '../../components/viewKeys.ts'

export const keys: readonly ViewKey[] = [{ keys: '← →', does: 'keys.tokenIds' }]
