import { useMemo } from 'react'
import { useStore } from 'zustand'
import { lensCell, type LensMap } from './store.ts'
import type { LensCell } from '../../../api/model.ts'
import { Segmented } from '../../components/Segmented.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { formatCount, formatFixed, formatProbability } from '../../../maths/format.ts'
import { AttributionPanel } from './attribution/AttributionPanel.tsx'
import { useIsEncoder, useShown, useTexts } from '../../components/reading.ts'
import { useLayerName, useLens, useTokenLabels, useInspectedPlace } from './hooks.ts'
import { useTokenName } from '../../components/useTokenName.ts'

/** What stands behind the chosen cell: what is predicted, or what made the prediction. */
export function LensPanel() {
  const t = useTranslate()
  const { state } = useLens()
  const detail = useStore(state, (lens) => lens.detail)
  return (
    <div className="lens-detail">
      <Segmented
        label={t('attribution.tabs')}
        value={detail}
        choices={[
          { value: 'prediction', label: t('attribution.predictionTab') },
          { value: 'attribution', label: t('attribution.tab') },
        ]}
        onChange={(next) => state.setState({ detail: next })}
      />
      {detail === 'prediction' ? <Prediction /> : <AttributionPanel />}
    </div>
  )
}

/** The alternatives, the entropy, and how the actual next token fares layer by layer; of an encoder the token in its place. */
function Prediction() {
  const t = useTranslate()
  const nameToken = useTokenName()
  const name = useLayerName()
  const shown = useShown(useLens().measurement)
  const place = useInspectedPlace()
  const isEncoder = useIsEncoder()
  const texts = useTexts(shown?.ids.length ?? 0)
  const cell = shown === null ? null : lensCell(shown.value, place.layer, place.position)
  if (shown === null || cell === null) return <p className="note">{t('lens.empty')}</p>
  const { ids, value: map, model } = shown
  const { position } = cell
  const nameAt = (at: number) => nameToken(texts[at] ?? '', ids[at] ?? 0)
  return (
    <div className="lens-panel" data-testid="lens-panel" data-layer={cell.layer} data-position={position}>
      <header>
        <h3 className="step-name">{t('lens.title', { layer: name(cell.layer) })}</h3>
        <p className="note">
          {t(isEncoder ? 'steps.predictsOwn' : 'lens.predicts', { position, token: nameAt(position) })}
        </p>
      </header>
      <Facts
        cell={cell}
        vocab={model.info.vocab}
        actual={cell.token === null ? null : nameAt(isEncoder ? position : position + 1)}
      />
      <Alternatives cell={cell} ids={ids} />
      {cell.token !== null && <Followed map={map} cell={cell} />}
    </div>
  )
}

function Facts({ cell, vocab, actual }: { cell: LensCell; vocab: number; actual: string | null }) {
  const t = useTranslate()
  const isEncoder = useIsEncoder()
  return (
    <dl className="lens-facts">
      <dt>{t('lens.entropy')}</dt>
      <dd className="numeric" data-testid="lens-entropy" data-value={cell.entropy}>
        {formatFixed(cell.entropy / Math.LN2, 3)} bit
      </dd>
      <dt>{t(isEncoder ? 'lens.actualOwn' : 'lens.actual')}</dt>
      <dd>{actual ?? t('lens.last')}</dd>
      {cell.probability !== null && cell.rank !== null && (
        <>
          <dt>{t('lens.probability')}</dt>
          <dd className="numeric" data-testid="lens-probability" data-value={cell.probability}>
            {formatProbability(cell.probability)}
          </dd>
          <dt>{t('lens.rank')}</dt>
          <dd className="numeric" data-testid="lens-rank" data-value={cell.rank}>
            {t('lens.rankOf', { rank: formatCount(cell.rank + 1), vocab: formatCount(vocab) })}
          </dd>
        </>
      )}
    </dl>
  )
}

function Alternatives({ cell, ids }: { cell: LensCell; ids: readonly number[] }) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const isEncoder = useIsEncoder()
  const { hasTokenizer = false } = useSession().model?.info ?? {}
  const tops = useMemo(() => cell.top.map(({ id }) => id), [cell])
  const contextIds = useMemo(() => ids.slice(0, cell.position + 1), [ids, cell])
  const texts = useTokenLabels(tops, contextIds)
  return (
    <table className="plain-table">
      <caption className="eyebrow">{t(isEncoder ? 'lens.topOwn' : 'lens.top')}</caption>
      <tbody>
        {cell.top.map(({ id, probability }, index) => (
          <tr key={id} aria-current={id === cell.token ? 'true' : undefined}>
            <th scope="row">{hasTokenizer ? nameToken(texts[index] ?? '', id) : id}</th>
            <td className="lens-bar" style={{ '--share': probability }}>
              {formatProbability(probability)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Followed({ map, cell }: { map: LensMap; cell: LensCell }) {
  const t = useTranslate()
  const name = useLayerName()
  const isEncoder = useIsEncoder()
  return (
    <table className="plain-table">
      <caption className="eyebrow">{t(isEncoder ? 'lens.followOwn' : 'lens.follow')}</caption>
      <thead>
        <tr>
          <td />
          <th scope="col">{t('lens.rank')}</th>
          <th scope="col">{t('lens.probability')}</th>
        </tr>
      </thead>
      <tbody>
        {map.layers.toReversed().map((layer) => {
          const at = lensCell(map, layer, cell.position)
          if (at === null || at.rank === null || at.probability === null) return null
          return (
            <tr key={layer} aria-current={layer === cell.layer ? 'true' : undefined}>
              <th scope="row">{name(layer)}</th>
              <td>{formatCount(at.rank + 1)}</td>
              <td className="lens-bar" style={{ '--share': at.probability }}>
                {formatProbability(at.probability)}
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}
