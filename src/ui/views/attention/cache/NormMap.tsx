import { useCallback, useMemo } from 'react'
import type { CacheNorms } from '../../../../analysis/cacheUse.ts'
import { selectRow } from '../../../../state/selection.ts'
import { Segmented } from '../../../components/Segmented.tsx'
import { PlaneMap, usePointed, useTokenWord } from '../../../components/PlaneMap.tsx'
import { useSession, useTranslate } from '../../../context.ts'
import { rampGradient } from '../../../draw/ramps.ts'
import { formatFixed } from '../../../../maths/format.ts'
import { useAnatomy, useTexts } from '../../../components/reading.ts'
import { useShade } from '../../../components/useShade.ts'
import { tokenName } from '../../../components/labels.ts'
import { useCache, useCacheState } from './hooks.ts'

interface NormMapProps {
  ids: readonly number[]
  norms: CacheNorms
  /** The selected position. */
  row: number
}

/** Norms of keys or values: layers down, positions across. */
export function NormMap({ ids, norms, row }: NormMapProps) {
  const t = useTranslate()
  const session = useSession()
  const anatomy = useAnatomy()
  const { state } = useCache()
  const which = useCacheState((state) => state.which)
  const { layers, positions } = norms
  const data = norms[which]
  const range = useMemo(() => extremes(data), [data])
  const [cell, point] = usePointed(row, { row: layers - 1, col: row })
  const word = useTokenWord(ids)
  const layerName = useCallback((layer: number) => t('attention.short', { layer }), [t])
  return (
    <>
      <header className="cache-head">
        <h3 className="eyebrow">{t('cache.norms')}</h3>
        <Segmented
          label={t('cache.which')}
          value={which}
          choices={[
            { value: 'k', label: t('cache.k') },
            { value: 'v', label: t('cache.v') },
          ]}
          onChange={(next) => state.setState({ which: next })}
        />
        <NormLegend range={range} />
      </header>
      <PlaneMap
        step={anatomy.layers[cell.row]?.attention?.cache ?? ''}
        label={t('cache.normsLabel', { which: t(`cache.${which}`), layers, positions })}
        {...{ data, range, cell }}
        rows={layers}
        cols={positions}
        line={20}
        labels={66}
        most={24}
        rowLabel={layerName}
        colLabel={word}
        words
        onCell={(next) => point(next, row)}
        onPick={(next) => {
          point(next, next.col)
          selectRow(session, next.col)
        }}
      />
      <p className="readout" data-testid="cache-readout">
        <span className="readout-value numeric">
          {formatFixed(data[cell.row * positions + cell.col] ?? 0, 3)}
        </span>
        <Place cell={cell} ids={ids} />
        <span className="note">{t('cache.normsNote')}</span>
      </p>
    </>
  )
}

function Place({ cell, ids }: { cell: { row: number; col: number }; ids: readonly number[] }) {
  const t = useTranslate()
  const texts = useTexts(ids.length)
  const token = tokenName(t, texts[cell.col] ?? '', ids[cell.col] ?? 0)
  return <span>{t('cache.cell', { layer: cell.row, position: cell.col, token })}</span>
}

function NormLegend({ range: [low, high] }: { range: readonly [number, number] }) {
  const shade = useShade()
  return (
    <span className="range-legend numeric">
      <span>{formatFixed(low, 2)}</span>
      <span
        className="range-ramp"
        aria-hidden="true"
        style={{ background: rampGradient('sequential', shade) }}
      />
      <span>{formatFixed(high, 2)}</span>
    </span>
  )
}

function extremes(data: Float32Array): readonly [low: number, high: number] {
  let [low, high] = [Infinity, -Infinity]
  for (const value of data) {
    if (value < low) low = value
    if (value > high) high = value
  }
  return low <= high ? [low, high] : [0, 1]
}
