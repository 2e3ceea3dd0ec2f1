import type { NamedScale } from '../../../state/adapterScales.ts'
import { sameScales } from '../../../state/adapterScales.ts'
import { isRunning, remoteOf } from '../../../state/app.ts'
import { useApp, useSession, useSlowTokenLog, useTranslate } from '../../context.ts'
import { useScales, useScalesText } from '../../components/useScales.ts'
import { useAdaptersState, useTextScales } from './hooks.ts'

/** Which scales the text on the page was written under, and whose probabilities its colours show. */
export function ScalesChip() {
  const t = useTranslate()
  const text = useScalesText()
  const log = useSlowTokenLog(250)
  const spans = useTextScales((state) => state.spans)
  const scored = useTextScales((state) => state.scored)
  const scoring = useTextScales((state) => state.scoring)
  const merged = useAdaptersState((state) => state.merged)
  const far = useApp(remoteOf)
  const running = useApp((state) => isRunning(state.run))
  const current = useScales()
  if (far || log.tokens.length === 0) return null
  if (scoring !== null) {
    return (
      <span className="scales-chip scales-chip-busy" role="status" data-testid="scales-chip">
        {t('textScales.scoring', {
          count: scoring.tokens,
          percent: Math.round((100 * scoring.done) / scoring.tokens),
          scales: text(scoring.scales),
        })}
      </span>
    )
  }
  const written = spans.map(({ from, scales }, index) =>
    index === 0 ? text(scales) : t('textScales.from', { scales: text(scales), token: from + 1 }),
  )
  const last = spans.at(-1)
  const next = running && last !== undefined && !sameScales(last.scales, current)
  const other = scored !== null && !spans.every(({ scales }) => sameScales(scales, scored))
  return (
    <span className="scales-chip" data-testid="scales-chip" title={t('textScales.hint')}>
      {written.length === 0
        ? t('textScales.unknown')
        : t('textScales.written', { scales: written.join(', ') })}
      {next && ` · ${t('textScales.next', { scales: text(current) })}`}
      {other && ` · ${t('textScales.scored', { scales: text(scored) })}`}
      {merged !== null && ` · ${t('textScales.merged')}`}
    </span>
  )
}

/** Into the comparison and back. */
export function CompareToggle() {
  const { app } = useSession()
  const t = useTranslate()
  const comparing = useApp((state) => state.view === 'compare')
  const merged = useAdaptersState((state) => state.merged !== null)
  const reason = merged ? t('compare.merged') : undefined
  return (
    <button
      type="button"
      className="button"
      data-testid="compare-toggle"
      aria-pressed={comparing}
      disabled={merged && !comparing}
      title={reason}
      onClick={() => app.setState({ view: comparing ? 'adapters' : 'compare', narrow: 'view' })}
    >
      {t('compare.toggle')}
    </button>
  )
}

/** Scales, set small beside what was made under them. */
export function ScalesName({ scales }: { scales: readonly NamedScale[] }) {
  const text = useScalesText()
  return <span className="scales-chip">{text(scales)}</span>
}
