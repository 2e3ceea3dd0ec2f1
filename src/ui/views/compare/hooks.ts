import { comparisonOf } from './store.ts'
import { hooksOf } from '../../context.ts'

export const [useComparison, useCompareState] = hooksOf(comparisonOf)
