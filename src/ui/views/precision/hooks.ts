import { precisionOf } from './store.ts'
import { hooksOf } from '../../context.ts'

export const [usePrecision, usePrecisionState] = hooksOf(precisionOf)
