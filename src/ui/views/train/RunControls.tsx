import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import { answeringModel } from '../../../state/app.ts'
import { clockText, speedOf, timeLeft } from './store/curve.ts'
import { isUnderWay, type TrainPhase } from './store/runState.ts'
import { formatCount, formatFixed, formatSpeed } from '../../../maths/format.ts'
import { packFiles } from '../../../state/adapterFiles.ts'
import { Icon } from '../../components/Icon.tsx'
import { useApp, useSession, useTranslate } from '../../context.ts'
import type { MessageKey } from '../../words/index.ts'
import { saveFile } from '../../components/saveFile.ts'
import { useAdapterRows, useCanGoOn, useCurve, useData, useRun, useSplit, useTraining } from './hooks.ts'

/** Start, pause, stop, and where the run stands. */
export function RunControls() {
  const t = useTranslate()
  const hasRun = useRun((state) => state.run !== null)
  return (
    <section className="train-head">
      <p className="train-about">{t('train.about')}</p>
      <Buttons />
      <RunStatus />
      {hasRun && <Figures />}
      <Others />
    </section>
  )
}

function Buttons() {
  const t = useTranslate()
  const { run } = useTraining()
  const phase = useRun((state) => state.phase)
  const blocked = useBlocked()
  const underWay = isUnderWay(phase)
  const paused = phase.kind === 'paused'
  return (
    <div className="actions train-actions">
      <button
        type="button"
        className="button button-primary"
        data-testid="train-start"
        disabled={underWay || blocked !== null}
        onClick={() => void run.start()}
      >
        <Icon name="play" />
        {t('train.start')}
      </button>
      <button
        type="button"
        className="button"
        data-testid="train-pause"
        aria-pressed={paused}
        disabled={phase.kind !== 'running' && !paused}
        onClick={() => (paused ? run.resume() : run.pause())}
      >
        <Icon name={paused ? 'play' : 'pause'} />
        {t(paused ? 'train.resume' : 'train.pause')}
      </button>
      <button
        type="button"
        className="button"
        data-testid="train-stop"
        disabled={!underWay || phase.kind === 'stopping'}
        onClick={() => run.stop()}
      >
        <Icon name="stop" />
        {t('action.stop')}
      </button>
      <GoOnButton />
      <ExportButton />
      {blocked !== null && !underWay && <span className="note">{blocked}</span>}
    </div>
  )
}

/** Takes a run up where it was left, before a reload or in this visit. */
function GoOnButton() {
  const t = useTranslate()
  const { run } = useTraining()
  const can = useCanGoOn()
  const steps = useRun((state) => state.moments ?? 0)
  if (!can) return null
  return (
    <button
      type="button"
      className="button"
      data-testid="train-resume"
      title={t('train.goOnHint')}
      onClick={() => void run.goOn()}
    >
      <Icon name="play" />
      {t('train.goOn', { steps: formatCount(steps) })}
    </button>
  )
}

/** The adapter as it is at this moment, for PEFT. */
function ExportButton() {
  const t = useTranslate()
  const session = useSession()
  const { run } = useTraining()
  const info = useRun((state) => state.run)
  const ready = useRun((state) => state.adapter !== null || state.checkpoints.length > 0)
  const save = async (): Promise<void> => {
    const files = await run.exportNow()
    if (files !== null && info !== null) saveFile(await packFiles(files, info.name))
  }
  return (
    <button
      type="button"
      className="button"
      data-testid="train-export"
      title={t('train.exportHint')}
      disabled={!ready}
      onClick={() => void save().catch((error: unknown) => session.report(error))}
    >
      <Icon name="download" />
      {t('train.export')}
    </button>
  )
}

/** Why training cannot begin now, or null. */
function useBlocked(): string | null {
  const t = useTranslate()
  const ready = useApp((state) => answeringModel(state.model) !== null)
  const merged = useAdapterRows((state) => state.merged !== null)
  const isReading = useData((state) => state.phase.kind === 'reading')
  const { train } = useSplit()
  if (!ready) return t('train.noModel')
  if (merged) return t('train.merged')
  if (isReading) return t('train.reading')
  return train.length === 0 ? t('train.noData') : null
}

const WORDS: Readonly<Record<Exclude<TrainPhase['kind'], 'idle' | 'failed'>, MessageKey>> = {
  starting: 'train.phase.starting',
  running: 'train.phase.running',
  paused: 'train.phase.paused',
  stopping: 'train.phase.stopping',
  done: 'train.phase.done',
  stopped: 'train.phase.stopped',
}

function RunStatus() {
  const t = useTranslate()
  const phase = useRun((state) => state.phase)
  const measuring = useRun((state) => state.measuring)
  const counting = useRun((state) => state.counting)
  const run = useRun((state) => state.run)
  const kept = useRun((state) => state.checkpoints.at(-1)?.steps ?? null)
  const isKept = useRun((state) => state.isKept)
  const { curve } = useCurve()
  const total = run?.settings.steps ?? 0
  if (phase.kind === 'failed') {
    return (
      <div data-testid="train-status" data-state="failed">
        <ErrorNotice title={t('train.failed')} error={phase.error}>
          {kept !== null &&
            t(isKept === true ? 'train.keptAfter' : 'train.heldAfter', { steps: formatCount(kept) })}
        </ErrorNotice>
      </div>
    )
  }
  const done = curve.steps.length
  const words = phase.kind === 'idle' ? '' : t(WORDS[phase.kind])
  return (
    <div
      className="note numeric train-standing"
      data-testid="train-status"
      data-state={phase.kind}
      data-steps={done}
      data-measuring={measuring}
    >
      {isUnderWay(phase) ? (
        <ReadingBar done={run === null ? null : done} total={Math.max(done, total)} words={words} />
      ) : (
        <span role="status">{words}</span>
      )}
      {measuring && <span>{t('train.measuring')}</span>}
      {counting !== null && (
        <span>
          {t('train.exact')}:{' '}
          {t('train.counting', { asked: formatCount(counting.asked), of: formatCount(counting.of) })}
        </span>
      )}
    </div>
  )
}

/** Numbers of the run, all measured on this page. */
function Figures() {
  const t = useTranslate()
  const { run } = useTraining()
  const { curve } = useCurve()
  const phase = useRun((state) => state.phase)
  const settings = useRun((state) => state.run?.settings)
  const last = curve.steps.at(-1)
  const held = curve.held.at(-1)
  const exact = useRun((state) => state.checkpoints.at(-1)?.exact)
  const speed = speedOf(curve.steps)
  const total = settings?.steps ?? 0
  const every = settings?.every ?? 1
  const left = isUnderWay(phase) ? timeLeft(curve, total, { ms: run.measuringMs, every }) : null
  const figures: [name: string, value: string][] = [
    [
      t('train.figure.step'),
      `${formatCount(curve.steps.length)} / ${formatCount(Math.max(total, curve.steps.length))}`,
    ],
    [t('train.figure.loss'), last ? formatFixed(last.loss, 3) : '—'],
    [t('train.figure.held'), held ? formatFixed(held.loss, 3) : '—'],
    ...(held?.margin === undefined
      ? []
      : ([[t('train.figure.margin'), formatFixed(held.margin, 3)]] as [string, string][])),
    ...(exact === undefined
      ? []
      : ([[t('train.exact'), `${formatCount(exact.exact)} / ${formatCount(exact.of)}`]] as [
          string,
          string,
        ][])),
    [t('train.figure.speed'), speed ? formatSpeed(speed.perSecond) : '—'],
    [t('train.figure.stepTime'), speed ? t('train.ms', { value: formatFixed(speed.ms, 0) }) : '—'],
    [t('train.figure.left'), left === null ? '—' : clockText(left)],
  ]
  return (
    <dl className="train-figures">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="numeric">{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** Where the adapter is while it learns, and which others act beside it. */
function Others() {
  const { app } = useSession()
  const t = useTranslate()
  const adapter = useRun((state) => state.adapter)
  const name = useRun((state) => state.run?.name ?? '')
  const tracks = useAdapterRows((state) => state.tracks)
  const others = tracks.filter(({ id, enabled, scale }) => id !== adapter && enabled && scale !== 0)
  return (
    <>
      {adapter !== null && (
        <p className="note">
          {t('train.live', { name })}{' '}
          <button
            type="button"
            className="button button-small"
            onClick={() => app.setState({ view: 'adapters' })}
          >
            {t('view.adapters')}
          </button>{' '}
          <button
            type="button"
            className="button button-small"
            onClick={() => app.setState({ view: 'compare' })}
          >
            {t('view.compare')}
          </button>
        </p>
      )}
      {others.length > 0 && (
        <p className="note">{t('train.others', { names: others.map((one) => one.name).join(', ') })}</p>
      )}
    </>
  )
}
