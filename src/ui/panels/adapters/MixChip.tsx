import type { MixPart } from '../../../store/adapterMix.ts'
import { sameMix } from '../../../store/adapterMix.ts'
import { useApp, useSession, useSlowTrace, useTranslate } from '../../context.ts'
import { useAdaptersState, useMixText, useTextMix } from './hooks.ts'

/** Which mix wrote the text on the page, and whose probabilities its colours show. */
export function MixChip() {
  const t = useTranslate()
  const text = useMixText()
  const trace = useSlowTrace(250)
  const spans = useTextMix((state) => state.spans)
  const scored = useTextMix((state) => state.scored)
  const scoring = useTextMix((state) => state.scoring)
  const merged = useAdaptersState((state) => state.merged)
  if (trace.tokens.length === 0) return null
  if (scoring !== null) {
    return (
      <span className="mix-chip mix-chip-busy" role="status" data-testid="mix-chip">
        {t('mix.scoring', {
          count: scoring.tokens,
          percent: Math.round((100 * scoring.done) / scoring.tokens),
          mix: text(scoring.mix),
        })}
      </span>
    )
  }
  const written = spans.map(({ from, mix }, index) =>
    index === 0 ? text(mix) : t('mix.from', { mix: text(mix), token: from + 1 }),
  )
  const other = scored !== null && !spans.every(({ mix }) => sameMix(mix, scored))
  return (
    <span className="mix-chip" data-testid="mix-chip" title={t('mix.hint')}>
      {written.length === 0 ? t('mix.unknown') : t('mix.written', { mix: written.join(', ') })}
      {other && ` · ${t('mix.scored', { mix: text(scored) })}`}
      {merged !== null && ` · ${t('mix.merged')}`}
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

/** A mix, set small beside what it made. */
export function MixName({ mix }: { mix: readonly MixPart[] }) {
  const text = useMixText()
  return <span className="mix-chip">{text(mix)}</span>
}
