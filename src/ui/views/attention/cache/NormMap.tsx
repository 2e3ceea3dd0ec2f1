import { useCallback, useMemo, useState } from 'react'
import type { CacheNorms } from '../../../../analysis/cacheUse.ts'
import { visibleText } from '../../../../state/characterGroups.ts'
import { selectRow } from '../../../../state/selection.ts'
import { Segmented } from '../../../components/Segmented.tsx'
import { TensorView } from '../../../components/TensorView.tsx'
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

/** No line of the map is the selected one: the cursor shows the selected position. */
const NO_LINE = -1000
/** Height of a layer's line, and of the labels above them all, in CSS pixels. */
const LINE = 20
const LABELS = 66

/** Norms of keys or values: layers down, positions across. */
export function NormMap({ ids, norms, row }: NormMapProps) {
  const t = useTranslate()
  const { state } = useCache()
  const which = useCacheState((now) => now.which)
  const [pointed, setPointed] = useState<{ of: number; row: number; col: number } | null>(null)
  const { layers, positions } = norms
  const data = norms[which]
  const range = useMemo(() => extremes(data), [data])
  const cell = pointed?.of === row ? pointed : { row: layers - 1, col: row }
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
      <div className="cache-map" style={{ height: LABELS + LINE * Math.min(layers, 24) }}>
        <Map
          {...{ ids, norms, data, range, which, cell }}
          onCell={(next) => setPointed({ of: row, ...next })}
          onPick={(next) => setPointed({ of: next.col, ...next })}
        />
      </div>
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

interface MapProps extends Omit<NormMapProps, 'row'> {
  data: Float32Array
  range: readonly [number, number]
  which: 'k' | 'v'
  cell: { row: number; col: number }
  onCell: (cell: { row: number; col: number }) => void
  onPick: (cell: { row: number; col: number }) => void
}

function Map({ ids, norms, data, range, which, cell, onCell, onPick }: MapProps) {
  const t = useTranslate()
  const session = useSession()
  const shade = useShade()
  const texts = useTexts(ids.length)
  const anatomy = useAnatomy()
  const { layers, positions } = norms
  const plane = useMemo(() => ({ rows: layers, cols: positions }), [layers, positions])
  const cells = useMemo(() => ({ data, offset: 0, rows: layers, cols: positions }), [data, layers, positions])
  const word = useCallback(
    (at: number) => (texts[at] ? visibleText(texts[at]) : `#${ids[at] ?? ''}`),
    [texts, ids],
  )
  const layerName = useCallback((layer: number) => t('attention.short', { layer }), [t])
  const at = cell.row * positions + cell.col
  return (
    <TensorView
      step={anatomy.layers[cell.row]?.attention?.cache ?? ''}
      label={t('cache.normsLabel', { which: t(`cache.${which}`), layers, positions })}
      plane={plane}
      cells={cells}
      palette="sequential"
      range={range}
      shade={shade}
      rowLabel={layerName}
      colLabel={word}
      colWords
      group={0}
      veil={null}
      square={false}
      selectedRow={NO_LINE}
      cell={cell}
      cellIndex={at}
      cellValue={data[at] ?? null}
      busy={false}
      onCell={onCell}
      onPick={(next) => {
        onPick(next)
        selectRow(session, next.col)
      }}
    />
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
