import { answeringModel, isRunning } from '../../state/app.ts'
import { useApp, useSession, useSlowTokenLog, useTranslate } from '../context.ts'
import { Icon } from './Icon.tsx'

interface RunButtonsProps {
  /** What the first button says. */
  label: string
  ready: boolean
  running: boolean
  onRun: () => void
  onStop: () => void
}

/** Starts a run and stops it; the same pair wherever something runs. */
export function RunButtons({ label, ready, running, onRun, onStop }: RunButtonsProps) {
  const t = useTranslate()
  return (
    <>
      <button
        type="button"
        className="button button-primary"
        data-testid="generate"
        disabled={!ready}
        onClick={onRun}
      >
        <Icon name="play" />
        {label}
      </button>
      <button type="button" className="button" data-testid="stop" disabled={!running} onClick={onStop}>
        <Icon name="stop" />
        {t('action.stop')}
      </button>
    </>
  )
}

/** Writes, stops and continues the text of the page. */
export function TextButtons() {
  const session = useSession()
  const t = useTranslate()
  const ready = useApp((state) => answeringModel(state.model) !== null)
  const running = useApp((state) => isRunning(state.run))
  const { tokens, promptIds } = useSlowTokenLog(250)
  const context = useApp((state) => answeringModel(state.model)?.context ?? Infinity)
  const full = !running && promptIds.length + tokens.length >= context
  return (
    <>
      <RunButtons
        label={t('action.generate')}
        ready={ready}
        running={running}
        onRun={() => void session.generate()}
        onStop={() => session.stop()}
      />
      <button
        type="button"
        className="button"
        data-testid="continue"
        disabled={!ready || running || tokens.length === 0 || full}
        title={full ? t('output.finish.context-full', { context }) : undefined}
        onClick={() => void session.continue()}
      >
        <Icon name="forward" />
        {t('action.continue')}
      </button>
    </>
  )
}
