import { useCallback, useMemo, useState } from 'react'
import { visibleText } from '../../../state/characterGroups.ts'
import { weightsByExpert, type ExpertLayer } from '../../../analysis/expertRoutes.ts'
import { selectRow } from '../../../state/selection.ts'
import { formatFixed } from '../../../maths/format.ts'
import { TensorView } from '../../components/TensorView.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { useTexts } from '../../components/reading.ts'
import { useShade } from '../../components/useShade.ts'
import { tokenName } from '../../components/labels.ts'

const LINE = 16
const LABELS = 66
const MOST_LINES = 32
const WHOLE = [0, 1] as const
/** No line is the selected one: the cursor shows the selected token. */
const NO_LINE = -1000

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
  const shade = useShade()
  const texts = useTexts(ids.length)
  const { experts, chosen } = layer
  const positions = ids.length
  const data = useMemo(() => weightsByExpert(layer), [layer])
  const plane = useMemo(() => ({ rows: experts, cols: positions }), [experts, positions])
  const cells = useMemo(
    () => ({ data, offset: 0, rows: experts, cols: positions }),
    [data, experts, positions],
  )
  const [pointed, setPointed] = useState<{ of: number; row: number; col: number } | null>(null)
  const cell = pointed?.of === row ? pointed : { row: layer.ids[row * chosen] ?? 0, col: row }
  const word = useCallback(
    (at: number) => (texts[at] ? visibleText(texts[at]) : `#${ids[at] ?? ''}`),
    [texts, ids],
  )
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
      <div className="cache-map" style={{ height: LABELS + LINE * Math.min(experts, MOST_LINES) }}>
        <TensorView
          step={layer.steps.weights}
          label={t('experts.tokensLabel', { layer: layer.layer, experts, tokens: positions })}
          plane={plane}
          cells={cells}
          palette="sequential"
          range={WHOLE}
          shade={shade}
          rowLabel={String}
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
          onCell={(next) => setPointed({ of: row, ...next })}
          onPick={(next) => {
            setPointed({ of: next.col, ...next })
            selectRow(session, next.col)
          }}
        />
      </div>
      <p className="readout" data-testid="experts-weight">
        <span className="readout-value numeric">{formatFixed(data[at] ?? 0, 3)}</span>
        <span>{t('experts.tokenCell', { expert: cell.row, position: cell.col, token })}</span>
        {(data[at] ?? 0) === 0 && <span className="note">{t('experts.notTaken')}</span>}
      </p>
    </section>
  )
}
