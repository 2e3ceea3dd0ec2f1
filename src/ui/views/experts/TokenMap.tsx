import { useMemo } from 'react'
import { weightsByExpert, type ExpertLayer } from '../../../analysis/expertRoutes.ts'
import { selectRow } from '../../../state/selection.ts'
import { formatFixed } from '../../../maths/format.ts'
import { PlaneMap, usePointed, useTokenWord } from '../../components/PlaneMap.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { useTexts } from '../../components/reading.ts'
import { tokenName } from '../../components/labels.ts'

const WHOLE = [0, 1] as const
interface TokenMapProps {
  ids: readonly number[]
  layer: ExpertLayer
  /** The selected position. */
  row: number
}

/** Experts of one layer down, tokens across: what weight each token gives to whom. */
export function TokenMap({ ids, layer, row }: TokenMapProps) {
  const t = useTranslate()
  const session = useSession()
  const texts = useTexts(ids.length)
  const { experts, chosen } = layer
  const positions = ids.length
  const data = useMemo(() => weightsByExpert(layer), [layer])
  const [cell, point] = usePointed(row, { row: layer.ids[row * chosen] ?? 0, col: row })
  const word = useTokenWord(ids)
  const at = cell.row * positions + cell.col
  const token = tokenName(t, texts[cell.col] ?? '', ids[cell.col] ?? 0)
  const used = new Set(layer.ids).size
  const mean = layer.entropy.reduce((sum, bits) => sum + bits, 0) / Math.max(1, layer.entropy.length)
  return (
    <section className="cache-part">
      <header className="cache-head">
        <h3 className="eyebrow">{t('experts.tokens', { layer: layer.layer })}</h3>
        <span className="note" data-testid="experts-entropy" data-value={mean}>
          {t('experts.entropy', {
            mean: formatFixed(mean, 2),
            most: formatFixed(Math.log2(experts), 2),
            used,
            experts,
          })}
        </span>
      </header>
      <PlaneMap
        step={layer.steps.weights}
        label={t('experts.tokensLabel', { layer: layer.layer, experts, tokens: positions })}
        {...{ data, cell }}
        rows={experts}
        cols={positions}
        line={16}
        labels={66}
        most={32}
        range={WHOLE}
        rowLabel={String}
        colLabel={word}
        words
        onCell={(next) => point(next, row)}
        onPick={(next) => {
          point(next, next.col)
          selectRow(session, next.col)
        }}
      />
      <p className="readout" data-testid="experts-weight">
        <span className="readout-value numeric">{formatFixed(data[at] ?? 0, 3)}</span>
        <span>{t('experts.tokenCell', { expert: cell.row, position: cell.col, token })}</span>
        {(data[at] ?? 0) === 0 && <span className="note">{t('experts.notTaken')}</span>}
      </p>
    </section>
  )
}
