import { memo, useMemo } from 'react'
import type { PrecisionStep } from '../../../api/model.ts'
import { errorPowers, errorTable, HEATS, powerShare, type HeatOf, type PrecisionResult } from './store.ts'
import { formatPower } from '../../../maths/format.ts'
import { Segmented } from '../../components/Segmented.tsx'
import { useTranslate } from '../../context.ts'
import { rampColour, rampGradient, type Shade } from '../../draw/ramps.ts'
import { useShade } from '../../components/useShade.ts'
import { usePrecision, usePrecisionState } from './hooks.ts'

/** Layers down, parts across: how far the output of each step is from the reference's. */
export function ErrorHeat({ result }: { result: PrecisionResult }) {
  const t = useTranslate()
  const shade = useShade()
  const { steps, layers } = result
  const { state } = usePrecision()
  const heat = usePrecisionState((state) => state.heat)
  const table = useMemo(() => errorTable({ steps, layers }, heat), [steps, layers, heat])
  const { columns, lines, outside } = table
  const powers = useMemo(() => errorPowers(table, heat), [table, heat])
  return (
    <section className="precision-heat" aria-label={t('precision.heat')}>
      <header className="cache-head">
        <h3 className="eyebrow">{t('precision.heat')}</h3>
        <Segmented
          label={t('precision.heatOf')}
          value={heat}
          choices={HEATS.map((value) => ({ value, label: t(`precision.heat.${value}`) }))}
          onChange={(next) => state.setState({ heat: next })}
        />
        <span className="range-legend numeric">
          <span>{formatPower(10 ** powers[0])}</span>
          <span
            className="range-ramp"
            aria-hidden="true"
            style={{ background: rampGradient('sequential', shade) }}
          />
          <span>{formatPower(10 ** powers[1])}</span>
        </span>
      </header>
      <p className="note">{t(`precision.note.${heat}`)}</p>
      {/* A scroll container that holds no control must be reachable by key. */}
      <div className="precision-table" tabIndex={0} role="group" aria-label={t('precision.table')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('precision.layer')}</th>
              {columns.map((column) => (
                <th key={column} scope="col">
                  <span>{column}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {lines.map(({ layer, cells }) => (
              <tr key={layer}>
                <th scope="row">{layer}</th>
                {cells.map((step, i) => (
                  <Cell key={columns[i]} step={step} heat={heat} powers={powers} shade={shade} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <dl className="precision-outside">
        {outside.map((step) => (
          <div key={step.name}>
            <dt>{step.name}</dt>
            <dd
              className="numeric"
              data-testid="precision-cell"
              data-step={step.name}
              data-value={step[heat] ?? undefined}
              style={paint(step[heat], powers, shade)}
            >
              {exponent(step[heat])}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

type Powers = readonly [low: number, high: number]

interface CellProps {
  step: PrecisionStep | null
  heat: HeatOf
  powers: Powers
  shade: Shade
}

const Cell = memo(function Cell({ step, heat, powers, shade }: CellProps) {
  if (step === null) return <td />
  const error = step[heat]
  return (
    <td
      className="numeric"
      data-testid="precision-cell"
      data-step={step.name}
      data-value={error ?? undefined}
      title={`${step.name}: ${error === null ? '—' : formatPower(error)}`}
      style={paint(error, powers, shade)}
    >
      {exponent(error)}
    </td>
  )
})

/** The power of ten of an error, one decimal; a dash for none at all. */
const exponent = (error: number | null): string =>
  error === null || error === 0 ? '—' : Math.log10(error).toFixed(1).replace('-', '−')

/** The colour of an error, and that of digits one can read on it. */
function paint(error: number | null, powers: Powers, shade: Shade): { background?: string; color?: string } {
  if (error === null || error === 0) return {}
  const [red = 0, green = 0, blue = 0] = rampColour('sequential', shade, powerShare(error, powers))
  return {
    background: `rgb(${red} ${green} ${blue})`,
    color: luminance(red, green, blue) > 0.18 ? '#000' : '#fff',
  }
}

/** Relative luminance of WCAG 2. */
function luminance(...channels: readonly number[]): number {
  const [red = 0, green = 0, blue = 0] = channels.map((value) => {
    const share = value / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
