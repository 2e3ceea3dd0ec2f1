import type { FilledMask } from '../../../api/model.ts'
import { formatFixed, formatProbability } from '../../../maths/format.ts'
import { visibleText } from '../../../state/characterGroups.ts'
import type { FillResult } from './store.ts'
import { useTranslate } from '../../context.ts'

interface FilledMasksProps {
  result: FillResult
  /** The text has changed since. */
  stale: boolean
  onPut: (nth: number, word: string) => void
}

/** The candidates of every mask, side by side. */
export function FilledMasks({ result, stale, onPut }: FilledMasksProps) {
  return (
    <div className="fill-masks">
      {result.masks.map((mask, nth) => (
        <Mask key={mask.position} mask={mask} nth={nth} disabled={stale} onPut={onPut} />
      ))}
    </div>
  )
}

interface MaskProps {
  mask: FilledMask
  nth: number
  disabled: boolean
  onPut: FilledMasksProps['onPut']
}

function Mask({ mask: { position, top }, nth, disabled, onPut }: MaskProps) {
  const t = useTranslate()
  const longest = Math.exp(top[0]?.logprob ?? 0)
  const rest = Math.max(0, 1 - top.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0))
  return (
    <section className="fill-mask" data-testid="fill-mask" data-position={position}>
      <h3 className="eyebrow">{t('fill.mask', { number: nth + 1, position })}</h3>
      <table className="candidates">
        <thead>
          <tr>
            <th scope="col">{t('logits.token')}</th>
            <th scope="col" className="cell-bar">
              <span className="visually-hidden">{t('logits.probability')}</span>
            </th>
            <th scope="col">p</th>
            <th scope="col">{t('logits.logprobShort')}</th>
            <th scope="col">{t('logits.id')}</th>
          </tr>
        </thead>
        <tbody>
          {top.map(({ id, text, logprob }) => (
            <tr
              key={id}
              className="candidate"
              data-testid="fill-candidate"
              data-token-id={id}
              data-probability={Math.exp(logprob)}
            >
              <th scope="row" className="cell-token" title={text}>
                <button
                  type="button"
                  className="candidate-choose one-line"
                  disabled={disabled || text === ''}
                  onClick={() => onPut(nth, text)}
                >
                  {text === '' ? '◌' : visibleText(text)}
                </button>
              </th>
              <td className="cell-bar" aria-hidden="true">
                <span className="bar" style={{ '--share': Math.exp(logprob) / longest }} />
              </td>
              <td>{formatProbability(Math.exp(logprob))}</td>
              <td>{formatFixed(logprob, 2)}</td>
              <td>{id}</td>
            </tr>
          ))}
          <tr className="candidate-rest">
            <th scope="row" colSpan={2} className="cell-rest">
              {t('logits.rest')}
            </th>
            <td>{formatProbability(rest)}</td>
            <td colSpan={2} />
          </tr>
        </tbody>
      </table>
    </section>
  )
}
