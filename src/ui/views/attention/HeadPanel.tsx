import type { HeadSummary } from './readAttention.ts'
import {
  labelOf,
  SCORE_NAMES,
  strongestLinks,
  type HeadScores,
  type ScoreName,
} from '../../../analysis/headScores.ts'
import { useTranslate } from '../../context.ts'
import { formatFixed } from '../../../maths/format.ts'
import { cutEdge, EditHere, headsOff } from '../edits/EditHere.tsx'
import { useAnatomy, useShown, useTextRow, useTexts } from '../../components/reading.ts'
import { tokenName } from '../../components/labels.ts'
import { CacheFacts } from './cache/CacheFacts.tsx'
import { seenBy } from '../../draw/sight.ts'
import {
  useAttention,
  useAttentionState,
  useChosenScores,
  useEditedHeads,
  useQueryWeights,
  useSelectionTitle,
  useSight,
} from './hooks.ts'

/** What the attention view shows, in numbers and words. */
export function HeadPanel() {
  const tab = useAttentionState((state) => state.tab)
  return tab === 'cache' ? <CacheFacts /> : <ChosenHeads />
}

/** The heads on show: what they measurably do, and where the selected token looks. */
function ChosenHeads() {
  const t = useTranslate()
  const title = useSelectionTitle()
  const shown = useShown(useAttention().measurement)
  const scores = useChosenScores()
  const heads = useEditedHeads()
  const anatomy = useAnatomy()
  if (shown === null || scores === null) return <p className="note">{t('reading.empty')}</p>
  return (
    <div className="head-panel">
      <h3 className="step-name">{title}</h3>
      <p>
        <EditHere changes={headsOff(anatomy, heads)} />
      </p>
      <Scores scores={scores} tokens={shown.ids.length} />
      <Links ids={shown.ids} />
      <AllHeads summaries={shown.value.summaries} />
    </div>
  )
}

function Scores({ scores, tokens }: { scores: HeadScores; tokens: number }) {
  const t = useTranslate()
  const label = labelOf(scores)
  const sight = useSight()
  // The mean over the queries of the largest entropy each can have: log₂ of the positions it sees.
  const most = Array.from({ length: tokens }, (_, row) => {
    const [first, end] = seenBy(sight, row, tokens)
    return Math.log2(end - first)
  }).reduce((a, b) => a + b, 0)
  return (
    <section className="head-section">
      <h4 className="eyebrow">{t('attention.does')}</h4>
      <dl className="head-scores">
        {SCORE_NAMES.map((name) => (
          <Score key={name} name={name} value={scores[name]} named={name === label} />
        ))}
        <div className="head-score">
          <dt>{t('attention.entropy')}</dt>
          <dd className="numeric">
            <span data-testid="attention-entropy" data-value={scores.entropy}>
              {t('logits.bits', { value: formatFixed(scores.entropy, 3) })}
            </span>{' '}
            <span className="note">
              {t('attention.entropyNote', { most: formatFixed(tokens > 0 ? most / tokens : 0, 2) })}
            </span>
          </dd>
        </div>
      </dl>
      <p className="note">{t('attention.scoreNote')}</p>
    </section>
  )
}

function Score({ name, value, named }: { name: ScoreName; value: number | null; named: boolean }) {
  const t = useTranslate()
  return (
    <div className="head-score" data-named={named}>
      <dt>
        {t(`attention.label.${name}`)}
        <span className="note">{t(`attention.about.${name}`)}</span>
      </dt>
      <dd
        className="numeric"
        data-testid="attention-score"
        data-score={name}
        data-value={value ?? undefined}
        style={{ '--share': value ?? 0 }}
      >
        {value === null ? (
          <span className="note">
            {t(name === 'induction' ? 'attention.notMeasurable' : 'attention.tooShort')}
          </span>
        ) : (
          formatFixed(value, 3)
        )}
      </dd>
    </div>
  )
}

/** Positions listed for the selected token. */
const LISTED = 10

function Links({ ids }: { ids: readonly number[] }) {
  const t = useTranslate()
  const row = useTextRow(ids.length)
  const texts = useTexts(ids.length)
  const weights = useQueryWeights(ids, row)
  const direction = useAttentionState((state) => state.direction)
  const heads = useEditedHeads()
  if (weights === null) return null
  const name = (at: number) => tokenName(t, texts[at] ?? '', ids[at] ?? 0)
  const keys = direction === 'keys'
  return (
    <section className="head-section">
      <table className="plain-table head-keys">
        <caption className="eyebrow">
          {t(keys ? 'attention.query' : 'attention.lookedAt', { row, query: name(row) })}
        </caption>
        <thead>
          <tr>
            <th scope="col">{t('attention.position')}</th>
            <th scope="col">{t(keys ? 'attention.key' : 'attention.queryToken')}</th>
            <th scope="col">{t('attention.weight')}</th>
            <th scope="col">{t('attention.cut')}</th>
          </tr>
        </thead>
        <tbody>
          {strongestLinks(weights, row, direction, LISTED).map(({ position, weight }) => (
            <tr key={position}>
              <td>{position}</td>
              <th scope="row">{name(position)}</th>
              <td className="head-weight" style={{ '--share': weight }}>
                {formatFixed(weight, 4)}
              </td>
              <td>
                <EditHere bare changes={cutEdge(heads, keys ? [row, position] : [position, row])} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

/** The thumbnails' numbers for readers who want or need them as text. */
function AllHeads({ summaries }: { summaries: readonly HeadSummary[] }) {
  const t = useTranslate()
  return (
    <details className="head-section">
      <summary className="eyebrow">{t('attention.table')}</summary>
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">{t('attention.head')}</th>
            <th scope="col">{t('attention.habit')}</th>
            <th scope="col">{t('attention.entropy')}</th>
          </tr>
        </thead>
        <tbody>
          {summaries.map(({ layer, head, scores }) => (
            <tr key={`${layer}.${head}`}>
              <th scope="row">
                {layer}.{head ?? t('attention.mean')}
              </th>
              <td>{t(`attention.label.${labelOf(scores) ?? 'none'}`)}</td>
              <td>{formatFixed(scores.entropy, 2)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}
