import type { BoxName } from './store.ts'
import type { ScoredToken } from '../../../api/model.ts'
import { TokenFacts } from '../../components/TokenFacts.tsx'
import { useTranslate } from '../../context.ts'
import { formatCount, formatFixed, formatProbability } from '../../../maths/format.ts'
import { labelOf, tokenAtRow, useMarked, useScoreState, useInspectedRow, type Marked } from './hooks.ts'
import { useTokenName } from '../../components/useTokenName.ts'

/** The token under the pointer, else the selected one: how it was predicted, and by what else. */
export function ScorePanel() {
  const t = useTranslate()
  const active = useScoreState((state) => state.active)
  const marked = useMarked(active)
  const row = useInspectedRow(active)
  if (marked === null || row === null) return <p className="panel-empty">{t('score.panelEmpty')}</p>
  return <InspectedToken name={active} marked={marked} row={row} />
}

function InspectedToken({ name, marked, row }: { name: BoxName; marked: Marked; row: number }) {
  const t = useTranslate()
  const second = useScoreState((state) => state.second)
  const { result } = marked
  const token = tokenAtRow(result, row)
  const id = result.ids[row] ?? 0
  const role = marked.roles[row] ?? null
  // A part of a character has no text, but is no special token either.
  const text = result.special.includes(id) ? labelOf(result, row) : (result.texts[row] ?? '')
  return (
    <div className="logits score-panel" data-testid="score-panel" data-row={row}>
      <TokenFacts.Heading text={text} id={id} position={row}>
        {second && <span className="tag">{name.toUpperCase()}</span>}
        {role !== null && <span className="tag">{t(`score.role.${role}`)}</span>}
        {token !== null && (
          <span className="tag">{t(marked.counted[row] === true ? 'score.counts' : 'score.countsNot')}</span>
        )}
      </TokenFacts.Heading>
      {token === null ? (
        <p className="note">{t(row === 0 ? 'score.first' : 'score.notYet')}</p>
      ) : (
        <Prediction token={token} text={text} vocab={result.vocab} />
      )}
    </div>
  )
}

function Prediction({ token, text, vocab }: { token: ScoredToken; text: string; vocab: number }) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const { logprob, rank, entropy, top, id } = token
  const listed = top.some((other) => other.id === id) ? top : [...top, { id, text, logprob }]
  const facts: [string, string, number, string][] = [
    ['surprisal', t('logits.surprisal'), -logprob / Math.LN2, `${formatFixed(-logprob / Math.LN2, 3)} bit`],
    ['nats', t('score.share'), -logprob, `${formatFixed(-logprob, 4)} nat`],
    ['probability', t('logits.probability'), Math.exp(logprob), formatProbability(Math.exp(logprob))],
    [
      'rank',
      t('logits.rank'),
      rank,
      t('lens.rankOf', { rank: Number.isNaN(rank) ? '—' : formatCount(rank + 1), vocab: formatCount(vocab) }),
    ],
    [
      'entropy',
      t('logits.entropy'),
      entropy,
      Number.isNaN(entropy) ? '—' : `${formatFixed(entropy / Math.LN2, 3)} bit`,
    ],
  ]
  return (
    <>
      <dl className="lens-facts">
        {facts.map(([key, label, value, shown]) => (
          <div key={key} className="score-fact">
            <dt>{label}</dt>
            <dd className="numeric" data-testid={`score-token-${key}`} data-value={value}>
              {shown}
            </dd>
          </div>
        ))}
      </dl>
      <table className="plain-table">
        <caption className="eyebrow">{t('score.instead')}</caption>
        <tbody>
          {listed.map((other) => (
            <tr
              key={other.id}
              aria-current={other.id === id ? 'true' : undefined}
              data-testid="score-alternative"
              data-token-id={other.id}
              data-logprob={other.logprob}
            >
              <th scope="row">{nameToken(other.text, other.id)}</th>
              <td className="lens-bar" style={{ '--share': Math.exp(other.logprob) }}>
                {formatProbability(Math.exp(other.logprob))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}
