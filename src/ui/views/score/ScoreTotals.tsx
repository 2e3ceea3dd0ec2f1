import type { BoxName } from './store.ts'
import { useTranslate } from '../../context.ts'
import { formatCount, formatFixed } from '../../../maths/format.ts'
import type { Marked } from './hooks.ts'

/** What the counted tokens add up to. */
export function ScoreTotals({ marked, name }: { marked: Marked; name: BoxName }) {
  const t = useTranslate()
  const { totals, result } = marked
  if (totals === null) {
    return result.ids.length < 2 ? <p className="note">{t('score.tooShort')}</p> : null
  }
  const { counted, masked, meanNats, perplexity, bytes, bitsPerByte } = totals
  const facts: { key: string; label: string; hint: string; value: number; shown: string }[] = [
    {
      key: 'loss',
      label: t('score.loss'),
      hint: t('score.lossHint'),
      value: meanNats,
      shown: `${number(meanNats, 4)} nat`,
    },
    {
      key: 'perplexity',
      label: t('score.perplexity'),
      hint: t('score.perplexityHint'),
      value: perplexity,
      shown: number(perplexity, 2),
    },
    {
      key: 'bits',
      label: t('score.bits'),
      hint: t('score.bitsHint', { bytes: formatCount(bytes) }),
      value: bitsPerByte,
      shown: number(bitsPerByte, 4),
    },
    { key: 'counted', label: t('score.counted'), hint: '', value: counted, shown: formatCount(counted) },
    { key: 'masked', label: t('score.masked'), hint: '', value: masked, shown: formatCount(masked) },
    {
      key: 'bytes',
      label: t('score.bytes'),
      hint: t('score.bytesHint'),
      value: bytes,
      shown: formatCount(bytes),
    },
  ]
  return (
    <dl className="score-totals" data-testid={`score-totals-${name}`}>
      {facts.map(({ key, label, hint, value, shown }) => (
        <div key={key} title={hint}>
          <dt>{label}</dt>
          <dd
            className="numeric"
            data-testid={`score-${key}-${name}`}
            data-value={Number.isNaN(value) ? undefined : value}
          >
            {shown}
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** A dash where nothing counts. */
function number(value: number, digits: number): string {
  return Number.isNaN(value) ? '—' : formatFixed(value, digits)
}
