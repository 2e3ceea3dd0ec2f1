import { sharedWith } from '../../../../analysis/cacheUse.ts'
import type { CacheReport } from '../../../../api/model.ts'
import { TokenText } from '../../../components/TokenText.tsx'
import { useTranslate } from '../../../context.ts'
import { formatCount } from '../../../../maths/format.ts'
import { useCache, useOutlined, useOwnSequence } from './hooks.ts'

/** The runs in the cache: how they begin, how long they are, what they share. Choosing one outlines its pages. */
export function RunTable({ report, texts }: { report: CacheReport; texts: readonly string[] }) {
  const t = useTranslate()
  const ownSequence = useOwnSequence()?.index
  const { sequences } = report
  const shares = (index: number): string => {
    const others = sharedWith(sequences, index)
    return others.length === 0
      ? t('cache.alone')
      : others
          .map(({ index: other, pages }) =>
            t('cache.sharedWith', { pages, runs: t('cache.run', { number: other + 1 }) }),
          )
          .join(', ')
  }
  return (
    <section className="cache-part">
      <h3 className="eyebrow">{t('cache.runs')}</h3>
      {sequences.length === 0 ? (
        <p className="note">{t('cache.noRuns')}</p>
      ) : (
        <ul className="cache-runs">
          {sequences.map(({ tokens, pages, busy, key }, index) => (
            <li key={index}>
              <RunButton index={index} pages={pages.length} positions={tokens.length}>
                <span className="cache-run-name">{t('cache.run', { number: index + 1 })}</span>
                {index === ownSequence && <span className="tag">{t('cache.thisText')}</span>}
                {busy && <span className="tag">{t('cache.busy')}</span>}
                <span className="cache-run-counts numeric">
                  {t('cache.positions')} {formatCount(tokens.length)} · {t('cache.pagesOf')} {pages.length}
                </span>
                <span className="cache-run-text one-line">
                  <TokenText text={texts[index] ?? ''} />
                </span>
                <span className="note">
                  {shares(index)} · {t(key === '' ? 'cache.base' : 'cache.scales')}
                </span>
              </RunButton>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

interface RunButtonProps {
  index: number
  pages: number
  positions: number
  children: React.ReactNode
}

function RunButton({ index, pages, positions, children }: RunButtonProps) {
  const { state } = useCache()
  const outlined = useOutlined()
  return (
    <button
      type="button"
      className="cache-run cluster"
      data-testid="cache-run"
      data-positions={positions}
      data-pages={pages}
      aria-pressed={outlined === index}
      onClick={() => state.setState({ outlined: index })}
    >
      {children}
    </button>
  )
}
