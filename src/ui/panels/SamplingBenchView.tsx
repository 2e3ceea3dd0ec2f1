import { useEffect } from 'react'
import { isRunning } from '../../store/app.ts'
import { useApp, useSession, useTranslate } from '../context.ts'
import { BenchHead } from './sampling/BenchHead.tsx'
import { DrawBar } from './sampling/DrawBar.tsx'
import { useBench, useBenchState, useWorkings } from './sampling/hooks.ts'
import { LaneGrid } from './sampling/LaneGrid.tsx'

/** From logits to a token: every stage of the draw, for one place of the text. */
export function SamplingBenchView() {
  const t = useTranslate()
  const bench = useBench()
  useEffect(() => bench.watch(), [bench])
  const phase = useBenchState((state) => state.phase)
  const workings = useWorkings()
  return (
    <div className="bench" data-testid="sampling-view" data-state={phase.kind}>
      {workings === null ? (
        <NothingThere />
      ) : (
        <>
          <p className="bench-about">{t('bench.about')}</p>
          <BenchHead {...workings} />
          <DrawBar {...workings} />
          <LaneGrid {...workings} />
        </>
      )}
    </div>
  )
}

/** Why there is nothing to draw from, and the way to something. */
function NothingThere() {
  const { app, model } = useSession()
  const t = useTranslate()
  const bench = useBench()
  const phase = useBenchState((state) => state.phase)
  const running = useApp((state) => isRunning(state.run))
  const loading = useApp((state) => state.model.kind === 'loading')
  if (phase.kind === 'failed') {
    return (
      <div className="blank-slate" role="alert">
        <p className="blank-slate-title">{t('bench.failed')}</p>
        <p>
          {phase.error.message} {phase.error.hint}
        </p>
        <button type="button" className="button" onClick={() => bench.refresh()}>
          {t('bench.again')}
        </button>
      </div>
    )
  }
  const working = phase.kind === 'reading' || running || loading
  const title = () => {
    if (phase.kind === 'reading') return t('logits.loading')
    if (running) return t('reading.waiting')
    if (loading) return t('steps.loading')
    return model === null ? t('steps.noModel') : t('bench.empty')
  }
  return (
    <div className="blank-slate" role="status">
      <p className="blank-slate-title">{title()}</p>
      {!working && <p>{t('bench.emptyHint')}</p>}
      {!working && (
        <button type="button" className="button" onClick={() => app.setState({ view: 'write' })}>
          {t('steps.toWrite')}
        </button>
      )}
    </div>
  )
}
