import type { ViewKey } from '../../components/viewKeys.ts'
import { transportKeys } from '../steps/keys.ts'

export const keys: readonly ViewKey[] = [{ keys: '← ↑ ↓ → Enter', does: 'keys.mapParts' }, ...transportKeys]
