import { ErrorNotice } from '../../../components/ErrorNotice.tsx'
import type { CacheReport } from '../../../../api/model.ts'
import { useTranslate } from '../../../context.ts'
import { StaleNotice, EmptyState } from '../../../components/EmptyState.tsx'
import { useShown, useTextRow } from '../../../components/reading.ts'
import { useCache, useCacheState, useWatchedCache } from './hooks.ts'
import { NormMap } from './NormMap.tsx'
import { PageMap } from './PageMap.tsx'
import { RunTable } from './RunTable.tsx'
import { WriterBar } from './WriterBar.tsx'

/** The cache of keys and values: its pages, who holds them, and what stands in those of the text. */
export function CachePanel() {
  useWatchedCache()
  const t = useTranslate()
  const { measurement } = useCache()
  const shown = useShown(measurement)
  const row = useTextRow(shown?.ids.length ?? 0)
  const stock = useCacheState((state) => state.stock)
  return (
    <div className="cache" data-testid="cache-panel">
      <p className="lens-about">{t('cache.about')}</p>
      <Failed />
      {stock !== null && <Stock report={stock.report} texts={stock.texts} />}
      {shown === null ? (
        <EmptyState measurement={measurement} />
      ) : (
        <section className="cache-part">
          <StaleNotice measurement={measurement} />
          <NormMap ids={shown.ids} norms={shown.value} row={row} />
          {stock !== null && <WriterBar ids={shown.ids} />}
        </section>
      )}
    </div>
  )
}

function Stock({ report, texts }: { report: CacheReport; texts: readonly string[] }) {
  return (
    <div className="cache-stock">
      <PageMap report={report} />
      <RunTable report={report} texts={texts} />
    </div>
  )
}

function Failed() {
  const t = useTranslate()
  const cache = useCache()
  const error = useCacheState((state) => state.error)
  if (error === null) return null
  return (
    <ErrorNotice title={t('cache.failed')} error={error}>
      <button type="button" className="button button-small" onClick={() => void cache.refresh()}>
        {t('cache.refresh')}
      </button>
    </ErrorNotice>
  )
}
