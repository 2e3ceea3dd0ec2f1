import type { SavedTrace } from '../../../trace/types.ts'
import { useTranslate } from '../../context.ts'
import { formatCount, formatFixed, formatProbability } from '../../../maths/format.ts'
import { tokenName } from '../../components/labels.ts'
import { useSavedState } from './hooks.ts'

/** What the model predicted behind the selected token, and what really followed. */
export function TracePrediction({ trace }: { trace: SavedTrace }) {
  const t = useTranslate()
  const position = useSavedState((state) => state.row)
  const prediction = trace.predictions[position]
  if (prediction === undefined) return null
  const { top, entropy, next } = prediction
  const nameAt = (at: number) => tokenName(t, trace.texts[at] ?? '', trace.ids[at] ?? 0)
  const followed = trace.ids[position + 1]
  const drawn = trace.tokens.find((token) => token.position === position + 1)
  return (
    <section className="trace-prediction" data-testid="trace-prediction" data-position={position}>
      <p className="note">{t('trace.predicts', { position, token: nameAt(position) })}</p>
      <table className="plain-table">
        <caption className="eyebrow">{t('lens.top')}</caption>
        <tbody>
          {top.map(({ id, text, logprob }) => (
            <tr
              key={id}
              data-testid="logits-row"
              data-token-id={id}
              data-probability={Math.exp(logprob)}
              aria-current={id === followed ? 'true' : undefined}
            >
              <th scope="row">{tokenName(t, text, id)}</th>
              <td className="lens-bar" style={{ '--share': Math.exp(logprob) }}>
                {formatProbability(Math.exp(logprob))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <dl className="lens-facts">
        <dt>{t('lens.entropy')}</dt>
        <dd className="numeric">{t('logits.bits', { value: formatFixed(entropy / Math.LN2, 3) })}</dd>
        <dt>{t('trace.next')}</dt>
        <dd>{followed === undefined ? t('trace.nothingNext') : nameAt(position + 1)}</dd>
        {next !== null && (
          <>
            <dt>{t('lens.probability')}</dt>
            <dd className="numeric">{formatProbability(Math.exp(next.logprob))}</dd>
            <dt>{t('lens.rank')}</dt>
            <dd className="numeric">
              {t('lens.rankOf', { rank: formatCount(next.rank + 1), vocab: formatCount(trace.model.vocab) })}
            </dd>
          </>
        )}
        {drawn !== undefined && (
          <>
            <dt>{t('trace.draw')}</dt>
            <dd className="numeric">
              {drawn.random === null ? t('logits.greedyDraw') : formatFixed(drawn.random, 6)}
            </dd>
          </>
        )}
      </dl>
    </section>
  )
}
