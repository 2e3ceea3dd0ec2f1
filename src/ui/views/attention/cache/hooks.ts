import { useEffect } from 'react'
import { holderOf } from '../../../../analysis/cacheUse.ts'
import { cacheOf } from './store.ts'
import { useShown } from '../../../components/reading.ts'
import { hooksOf } from '../../../context.ts'

export const [useCache, useCacheState] = hooksOf(cacheOf)

/** Keeps the cache at hand while a view shows it. */
export function useWatchedCache(): void {
  const cache = useCache()
  useEffect(() => cache.watch(), [cache])
}

/** Index of the sequence that holds the text on the page, and how much of it; null when none does. */
export function useOwnSequence(): { index: number; held: number } | null {
  const shown = useShown(useCache().measurement)
  const stock = useCacheState((state) => state.stock)
  return shown === null || stock === null ? null : holderOf(stock.report.sequences, shown.ids)
}

/** The sequence whose pages are outlined: the one asked for, else that of the text. */
export function useOutlined(): number | null {
  const ownSequence = useOwnSequence()
  return useCacheState((state) => state.outlined) ?? ownSequence?.index ?? null
}
