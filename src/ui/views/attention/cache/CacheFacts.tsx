import type { CacheStock } from './store.ts'
import { useTranslate } from '../../../context.ts'
import { formatBytes, formatCount } from '../../../../maths/format.ts'
import { useCacheState, useOutlined } from './hooks.ts'
import { shareInk } from './PageMap.tsx'

/** The cache in bytes, and the pages of the outlined run in their order. */
export function CacheFacts() {
  const t = useTranslate()
  const stock = useCacheState((state) => state.stock)
  if (stock === null) return <p className="note">{t('cache.reading')}</p>
  return (
    <div className="head-panel">
      <Bytes stock={stock} />
      <RunPages stock={stock} />
    </div>
  )
}

function Bytes({ stock: { report, counted } }: { stock: CacheStock }) {
  const t = useTranslate()
  const { pages, freePages, layers, pageSize, bytesPerPageAndLayer: perPage } = report
  const perLayer = pages * perPage
  // One page of one layer's keys, through which pages are copied.
  const scratchPage = perPage / 2
  const total = perLayer * layers + scratchPage
  const rows = [
    ['perPosition', (perPage / pageSize) * layers],
    ['perPage', perPage],
    ['perLayer', perLayer],
    ['scratchPage', scratchPage],
    ['total', total],
    ['inUse', (pages - freePages) * perPage * layers],
  ] as const
  return (
    <section className="head-section">
      <h4 className="eyebrow">{t('cache.bytes')}</h4>
      <dl className="lens-facts">
        {rows.map(([name, bytes]) => (
          <Fact key={name} name={name} bytes={bytes} />
        ))}
      </dl>
      <p className="note" data-testid="cache-counted" data-value={counted}>
        {counted === total
          ? t('cache.counted')
          : t('cache.notCounted', { bytes: `${formatCount(counted)} B` })}
      </p>
    </section>
  )
}

function Fact(props: {
  name: 'perPosition' | 'perPage' | 'perLayer' | 'scratchPage' | 'inUse' | 'total'
  bytes: number
}) {
  const { name, bytes } = props
  const t = useTranslate()
  return (
    <>
      <dt>{t(`cache.${name}`)}</dt>
      <dd
        className="numeric"
        data-testid={`cache-${name}`}
        data-value={bytes}
        title={`${formatCount(bytes)} B`}
      >
        {formatBytes(bytes)}
      </dd>
    </>
  )
}

function RunPages({ stock: { report } }: { stock: CacheStock }) {
  const t = useTranslate()
  const outlined = useOutlined()
  const sequence = outlined === null ? undefined : report.sequences[outlined]
  if (outlined === null || sequence === undefined) return null
  return (
    <section className="head-section">
      <table className="plain-table head-keys">
        <caption className="eyebrow">{t('cache.runPages', { number: outlined + 1 })}</caption>
        <thead>
          <tr>
            <th scope="col">{t('cache.positions')}</th>
            <th scope="col">{t('cache.pool')}</th>
            <th scope="col">{t('cache.refCount')}</th>
          </tr>
        </thead>
        <tbody>
          {sequence.pages.map(({ page, refCount }, i) => (
            <tr key={page}>
              <td>
                {i * report.pageSize}–{Math.min(sequence.tokens.length, (i + 1) * report.pageSize) - 1}
              </td>
              <th scope="row">{page}</th>
              <td>
                <i
                  className="cache-page"
                  aria-hidden="true"
                  style={{ '--swatch': `var(--seq-${shareInk(refCount)})` }}
                />{' '}
                {refCount}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
