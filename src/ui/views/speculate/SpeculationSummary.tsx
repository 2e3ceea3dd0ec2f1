import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import type { NamedScale } from '../../../state/adapterScales.ts'
import type { Measured, SpeculatePhase } from './store.ts'
import { totalsOf, type RoundTotals } from '../../../analysis/speculatedRounds.ts'
import { answeringModel } from '../../../state/app.ts'
import { useApp, useTranslate } from '../../context.ts'
import {
  formatBytes,
  formatCount,
  formatFixed,
  formatProbability,
  formatSpeed,
} from '../../../maths/format.ts'
import { ScalesName } from '../adapters/ScalesChip.tsx'
import { MadeWith } from './MadeWith.tsx'
import { useRounds, useSpeculateState, useSpeculation } from './hooks.ts'

/** Where the run stands, and what it came to: all measured on the rounds on show. */
export function SpeculationSummary() {
  return (
    <section className="speculate-standing">
      <Where />
      <MadeWith />
      <Figures />
    </section>
  )
}

const NO_SCALES: readonly NamedScale[] = []

function Where() {
  const speculation = useSpeculation()
  const t = useTranslate()
  const phase = useSpeculateState((state) => state.phase)
  const scales = useSpeculateState((state) => state.shown?.scales ?? NO_SCALES)
  const words = usePhaseWords()(phase)
  if (phase.kind === 'failed') {
    return (
      <ErrorNotice title={t('speculate.failed')} error={phase.error}>
        <button type="button" className="button button-small" onClick={() => void speculation.start()}>
          {t('speculate.again')}
        </button>
      </ErrorNotice>
    )
  }
  return (
    <div className="note numeric speculate-where" data-testid="speculate-status" data-state={phase.kind}>
      {phase.kind === 'making' ? (
        <ReadingBar done={phase.progress.bytesDone} total={phase.progress.bytesTotal} words={words} />
      ) : (
        <span role="status">{words}</span>
      )}
      {scales.length > 0 && (
        <span title={t('speculate.scalesHint')}>
          <ScalesName scales={scales} />
        </span>
      )}
    </div>
  )
}

function usePhaseWords(): (phase: SpeculatePhase) => string {
  const t = useTranslate()
  const draft = useSpeculateState((state) => state.shown?.draft)
  const context = useApp((state) => answeringModel(state.model)?.context ?? 0)
  return (phase) => {
    switch (phase.kind) {
      case 'making': {
        const { stage, bytesDone, bytesTotal } = phase.progress
        if (stage !== 'weights') return t('speculate.compiling')
        return t('speculate.making', { done: formatBytes(bytesDone), total: formatBytes(bytesTotal) })
      }
      case 'prefill': {
        const { done, total } = phase
        const ownText = draft !== undefined && draft.kind !== 'prompt-lookup'
        if (total > 0 && done === total && ownText) return t('speculate.proposing')
        return t('output.reading', { done, total })
      }
      case 'done':
        return phase.reason === 'abort'
          ? t('output.finish.stopped')
          : t(`output.finish.${phase.reason}`, { context: formatCount(context) })
      case 'stopped':
        return t('output.finish.stopped')
      case 'empty':
      case 'running':
      case 'failed':
        return ''
    }
  }
}

const perSecond = ({ tokens, ms }: Measured): number => (1000 * tokens) / ms

function Figures() {
  const rounds = useRounds()
  return (
    <dl className="speculate-figures">
      <Yield totals={totalsOf(rounds)} rounds={rounds.length} />
      <Speeds />
      <Times totals={totalsOf(rounds)} rounds={rounds.length} />
    </dl>
  )
}

interface OfRounds {
  totals: RoundTotals
  rounds: number
}

/** What the proposals brought. */
function Yield({ totals: { proposed, accepted, tokens }, rounds }: OfRounds) {
  const t = useTranslate()
  return (
    <>
      <Figure
        name="acceptance"
        value={proposed === 0 ? null : accepted / proposed}
        text={proposed === 0 ? '—' : formatProbability(accepted / proposed)}
        more={t('speculate.acceptedOf', {
          accepted: formatCount(accepted),
          proposed: formatCount(proposed),
        })}
      />
      <Figure
        name="perForward"
        value={rounds === 0 ? null : tokens / rounds}
        text={rounds === 0 ? '—' : formatFixed(tokens / rounds, 2)}
        more={t('speculate.forwards', { tokens: formatCount(tokens), rounds: formatCount(rounds) })}
      />
    </>
  )
}

/** This way and plainly, both as a person waits for them. */
function Speeds() {
  const t = useTranslate()
  const speed = useSpeculateState((state) => state.speed)
  const plain = useSpeculateState((state) => state.plain)
  const measuring = useSpeculateState((state) => state.measuring)
  const ratio = speed && plain ? perSecond(speed) / perSecond(plain) : null
  const none = t('speculate.notMeasured')
  const speedText = (measured: Measured) =>
    t('speculate.perSecond', { value: formatSpeed(perSecond(measured)) })
  return (
    <>
      <Figure
        name="speed"
        value={speed && perSecond(speed)}
        text={speed ? speedText(speed) : none}
        more={ratio === null ? '' : t('speculate.faster', { ratio: formatFixed(ratio, 2) })}
      />
      <Figure
        name="plain"
        value={plain && perSecond(plain)}
        text={plain ? speedText(plain) : measuring ? t('speculate.measuring') : none}
        more=""
      />
    </>
  )
}

/** Where a round's time went, by the engine's own clock. */
function Times({ totals, rounds }: OfRounds) {
  const t = useTranslate()
  return (['draftMs', 'modelMs'] as const).map((name) => {
    const mean = rounds === 0 ? null : totals[name] / rounds
    return (
      <Figure
        key={name}
        name={name}
        value={mean}
        text={mean === null ? t('speculate.notMeasured') : t('speculate.ms', { value: formatFixed(mean, 2) })}
        more={t('speculate.inAll', { value: formatFixed(totals[name] / 1000, 2) })}
      />
    )
  })
}

interface FigureProps {
  name: 'acceptance' | 'perForward' | 'speed' | 'plain' | 'draftMs' | 'modelMs'
  value: number | null
  text: string
  more: string
}

function Figure({ name, value, text, more }: FigureProps) {
  const t = useTranslate()
  return (
    <div title={t(`speculate.hint.${name}`)}>
      <dt>{t(`speculate.figure.${name}`)}</dt>
      <dd
        className="speculate-figure numeric"
        data-testid={`speculate-figure-${name}`}
        data-value={value ?? undefined}
      >
        {text}
      </dd>
      <dd className="note numeric">{more}</dd>
    </div>
  )
}
