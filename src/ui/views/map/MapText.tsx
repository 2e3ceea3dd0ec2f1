import { useCallback } from 'react'
import type { RowFacts } from './store.ts'
import { selectRow } from '../../../state/selection.ts'
import { useSession, useTranslate } from '../../context.ts'
import { inkLevel } from '../../draw/ink.ts'
import { useRow, useRowTexts, useStepsState } from '../steps/hooks.ts'
import { TokenButton, useChosenInView } from '../../components/TokenButton.tsx'
import { tokenName } from '../../components/labels.ts'
import { useMapState } from './hooks.ts'

const NO_IDS: readonly number[] = []

/** Weights of the head that is pointed at, over the positions; null while none is. */
function useLooked(facts: RowFacts | null): Float32Array | null {
  const looked = useMapState((state) => state.looked)
  const layers = useMapState((state) => state.picture?.layers)
  if (looked === null || facts === null) return null
  const at = layers?.findIndex(({ layer }) => layer === looked.layer) ?? -1
  const weights = facts.layers[at]?.weights
  const count = layers?.[at]?.heads?.count
  if (!weights || count === undefined) return null
  const positions = weights.length / count
  return weights.subarray(looked.head * positions, (looked.head + 1) * positions)
}

/** The text that flows in. The chosen token is the row the picture is of; a head pointed at shows here what it looks at. */
export function MapText({ facts }: { facts: RowFacts | null }) {
  const t = useTranslate()
  const session = useSession()
  const texts = useRowTexts()
  const ids = useStepsState((state) => state.source?.ids ?? NO_IDS)
  const row = useRow()
  const weights = useLooked(facts)
  const bar = useChosenInView('center', row, ids, texts)
  const select = useCallback((to: number) => selectRow(session, to), [session])
  return (
    <div className="map-text" ref={bar} role="group" aria-label={t('map.text')}>
      {ids.map((id, index) => (
        <TokenButton
          key={index}
          className={index >= session.log.promptIds.length ? 'map-token map-token-generated' : 'map-token'}
          row={index}
          id={id}
          text={texts[index] ?? ''}
          name={`${index}: ${tokenName(t, texts[index] ?? '', id)}`}
          selected={index === row}
          level={weights === null ? null : inkLevel(weights[index] ?? 0)}
          onSelect={select}
        />
      ))}
    </div>
  )
}
