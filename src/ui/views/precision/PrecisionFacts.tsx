import type { PrecisionResult } from './store.ts'
import { formatBytes, formatCount } from '../../../maths/format.ts'
import { useTranslate } from '../../context.ts'
import { formatNats } from '../../components/numbers.ts'

/** What the text has lost as a whole, and what the two take. */
export function PrecisionFacts({ result }: { result: PrecisionResult }) {
  const t = useTranslate()
  const { tokens, formats, kvCache, weightBytes, gpuBytes, reference } = result
  const kl = tokens.map((token) => token.kl)
  const mean = kl.reduce((sum, value) => sum + value, 0) / Math.max(1, kl.length)
  const worst = Math.max(0, ...kl)
  const parted = tokens.filter(({ model, other }) => model.id !== other.id).length
  const named = (side: 'model' | 'other'): string =>
    [
      formats[side],
      formatBytes(weightBytes[side]),
      ...(kvCache.model === kvCache.other ? [] : [t('precision.kvOf', { format: kvCache[side] })]),
      ...(side === reference ? [t('precision.truth')] : []),
    ].join(' · ')
  const facts: readonly (readonly [
    key: string,
    label: string,
    hint: string,
    value: number | null,
    shown: string,
  ])[] = [
    ['model', t('precision.model'), '', weightBytes.model, named('model')],
    [
      'other',
      t('precision.theOther'),
      t('precision.gpuHint', { bytes: formatBytes(gpuBytes) }),
      weightBytes.other,
      named('other'),
    ],
    ['mean', t('precision.mean'), t('precision.klHint'), mean, `${formatNats(mean)} nat`],
    ['worst', t('precision.worst'), t('precision.klHint'), worst, `${formatNats(worst)} nat`],
    [
      'parted',
      t('precision.parted'),
      t('precision.partedHint'),
      parted,
      t('precision.partedOf', { parted: formatCount(parted), total: formatCount(tokens.length) }),
    ],
  ]
  return (
    <dl className="score-totals precision-facts">
      {facts.map(([key, label, hint, value, shown]) => (
        <div key={key} title={hint || undefined}>
          <dt>{label}</dt>
          <dd className="numeric" data-testid={`precision-${key}`} data-value={value ?? undefined}>
            {shown}
          </dd>
        </div>
      ))}
    </dl>
  )
}
