import { writtenSpans, type WrittenSpan } from '../../../../analysis/cacheUse.ts'
import { useSlowTokenLog, useTranslate } from '../../../context.ts'
import { formatCount } from '../../../../maths/format.ts'
import { useOwnSequence } from './hooks.ts'

/** What wrote the keys and values of each position: an earlier run, the prefill, or a step of decoding. */
export function WriterBar({ ids }: { ids: readonly number[] }) {
  const t = useTranslate()
  const log = useSlowTokenLog(200)
  const held = useOwnSequence()?.held ?? 0
  const { timing } = log
  const length = ids.length
  const spans = writtenSpans({ length, held, prompt: log.promptIds.length + log.runStart }, timing)
  const describe = ({ from, to, writer }: WrittenSpan): string =>
    t('cache.span', { from, to: to - 1, what: t(`cache.${writer}`), count: formatCount(to - from) })
  const chunks = timing?.chunks ?? []
  return (
    <>
      <h3 className="eyebrow">{t('cache.written')}</h3>
      <div className="cache-writers" aria-hidden="true">
        {spans.map((span) => (
          <span
            key={span.from}
            className="cache-span"
            data-writer={span.writer}
            title={describe(span)}
            style={{ flexGrow: span.to - span.from }}
          >
            {span.writer === 'prefill' &&
              chunks.map((rows, i) => <span key={i} className="cache-chunk" style={{ flexGrow: rows }} />)}
          </span>
        ))}
      </div>
      <ul className="cache-spans note numeric" aria-label={t('cache.writers')}>
        {spans.map((span) => (
          <li
            key={span.from}
            data-testid="cache-span"
            data-writer={span.writer}
            data-from={span.from}
            data-to={span.to}
          >
            <i className="cache-span" data-writer={span.writer} aria-hidden="true" /> {describe(span)}
          </li>
        ))}
      </ul>
      <Chunks spans={spans} chunks={chunks} />
    </>
  )
}

function Chunks({ spans, chunks }: { spans: readonly WrittenSpan[]; chunks: readonly number[] }) {
  const t = useTranslate()
  const has = (writer: WrittenSpan['writer']): boolean => spans.some((span) => span.writer === writer)
  const sizes = tellSizes(chunks)
  return (
    <p className="note numeric">
      {has('prefill') &&
        (chunks.length === 0
          ? t('cache.chunksUnknown')
          : chunks.length === 1
            ? t('cache.oneChunk', { sizes })
            : t('cache.chunks', { count: chunks.length, sizes }))}{' '}
      {has('unwritten') && has('decode') && t('cache.unwrittenNote')}
    </p>
  )
}

/** 8 + 8 + 6 as “2 × 8 + 6”. */
function tellSizes(chunks: readonly number[]): string {
  const runs: { rows: number; times: number }[] = []
  for (const rows of chunks) {
    const last = runs.at(-1)
    if (last?.rows === rows) last.times += 1
    else runs.push({ rows, times: 1 })
  }
  return runs.map(({ rows, times }) => (times === 1 ? `${rows}` : `${times} × ${rows}`)).join(' + ')
}
