import { holdersOf } from '../../../../analysis/cacheUse.ts'
import type { CacheReport } from '../../../../api/model.ts'
import { useTranslate } from '../../../context.ts'
import { useOutlined } from './hooks.ts'

/** Palette step by how many runs hold a page: one, two, more. */
const INKS = [3, 6, 9] as const
export const shareInk = (refCount: number): number => INKS[Math.min(refCount, INKS.length) - 1] ?? 0

/** Every page of the cache as a cell, inked by how many runs hold it; those of one run are outlined. */
export function PageMap({ report }: { report: CacheReport }) {
  const t = useTranslate()
  const outlined = useOutlined()
  const { pages, freePages, pageSize, sequences } = report
  const holders = holdersOf(sequences)
  const used = pages - freePages
  const names = (indices: readonly number[]): string =>
    indices.map((index) => t('cache.run', { number: index + 1 })).join(', ')
  return (
    <section className="cache-part">
      <h3 className="eyebrow">{t('cache.pool')}</h3>
      <ul
        className="cache-pages"
        aria-label={t('cache.poolLabel', { pages, size: pageSize, used, free: freePages })}
      >
        {Array.from({ length: pages }, (_, page) => {
          const held = holders.get(page) ?? []
          const label =
            held.length === 0
              ? t('cache.pageFree', { page })
              : t('cache.pageHeld', { page, holders: names(held) })
          return (
            <li
              key={page}
              className="cache-page numeric"
              data-testid="cache-page"
              data-page={page}
              data-ref-count={held.length}
              data-outlined={outlined !== null && held.includes(outlined)}
              title={label}
              style={held.length === 0 ? undefined : { '--swatch': `var(--seq-${shareInk(held.length)})` }}
            >
              <span aria-hidden="true">{held.length > 1 ? held.length : ''}</span>
              <span className="visually-hidden">{label}</span>
            </li>
          )
        })}
      </ul>
      <ShareLegend />
    </section>
  )
}

function ShareLegend() {
  const t = useTranslate()
  return (
    <p className="cache-legend note">
      <span>{t('cache.refCount')}</span>
      <span className="cache-key">
        <i className="cache-page" aria-hidden="true" /> {t('cache.free')}
      </span>
      {(['cache.one', 'cache.two', 'cache.more'] as const).map((key, i) => (
        <span key={key} className="cache-key">
          <i
            className="cache-page numeric"
            aria-hidden="true"
            style={{ '--swatch': `var(--seq-${shareInk(i + 1)})` }}
          >
            {i > 0 ? i + 1 : ''}
          </i>{' '}
          {t(key)}
        </span>
      ))}
    </p>
  )
}
