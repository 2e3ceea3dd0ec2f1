import { useStore } from 'zustand'
import { useSession } from '../../context.ts'
import { comparisonOf, type Comparison, type CompareState } from './store.ts'

export function useComparison(): Comparison {
  return comparisonOf(useSession())
}

export function useCompareState<T>(select: (state: CompareState) => T): T {
  return useStore(useComparison().state, select)
}
