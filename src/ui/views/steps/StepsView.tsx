import { ErrorWords } from '../../components/ErrorWords.tsx'
import { MaskSwitch } from '../../components/MaskSwitch.tsx'
import { useApp, useSession, useSlowTokenLog, useTranslate } from '../../context.ts'
import {
  useCurrentStep,
  useShownStep,
  useStepList,
  useSteps,
  useStepsState,
  useWatchedSteps,
} from './hooks.ts'
import { StepsEdits } from './StepsEdits.tsx'
import { StepTensor } from './StepTensor.tsx'
import { TokenBar } from './TokenBar.tsx'
import { aboutStep } from './describe.ts'

/** One forward over the text on the page, step by step. */
export function StepsView() {
  useWatchedSteps()
  const source = useStepsState((state) => state.source)
  if (source === null) return <NoSteps />
  return (
    <div className="steps view">
      <StepsNotice />
      <MaskSwitch />
      <StepsEdits />
      <TokenBar />
      <CurrentStep />
    </div>
  )
}

/** Name and meaning at once; the tensor as soon as it has been read. */
function CurrentStep() {
  const t = useTranslate()
  const steps = useStepList()
  const step = useCurrentStep()
  const shown = useShownStep()
  if (step === null) return null
  return (
    <>
      <header className="step-head">
        <h2 className="step-name" data-testid="step-name">
          {step.name}
        </h2>
        <p className="step-about">{aboutStep(t, steps, step)}</p>
      </header>
      {shown !== null && <StepTensor shown={shown} busy={shown.step.name !== step.name} />}
    </>
  )
}

/** Says when the numbers on show are about to be replaced, or could not be. */
function StepsNotice() {
  const t = useTranslate()
  const steps = useSteps()
  const phase = useStepsState((state) => state.phase)
  switch (phase.kind) {
    case 'empty':
    case 'ready':
      return null
    case 'reading':
      return (
        <p className="steps-note note" role="status">
          {t('steps.reading', { count: phase.tokens })}
        </p>
      )
    case 'failed':
      return (
        <p className="steps-note" role="alert">
          {t('steps.failed')}: <ErrorWords error={phase.error} />{' '}
          <button type="button" className="button button-small" onClick={() => steps.refresh()}>
            {t('steps.again')}
          </button>
        </p>
      )
  }
}

/** Why there is nothing to step through, and the way to something. */
function NoSteps() {
  const { app, model } = useSession()
  const t = useTranslate()
  const phase = useStepsState((state) => state.phase)
  const loaded = useApp((state) => state.model.kind)
  const run = useApp((state) => state.run.kind)
  const log = useSlowTokenLog(200)
  const title = () => {
    if (phase.kind === 'reading') return t('steps.reading', { count: phase.tokens })
    if (loaded === 'loading' && model === null) return t('steps.loading')
    if (model === null) return t('steps.noModel')
    if (run === 'prefill' || run === 'decoding') return t('steps.waiting')
    if (log.promptIds.length > 0 && log.modelId !== model.info.id) return t('steps.otherModel')
    return t('steps.empty')
  }
  const working = phase.kind === 'reading' || loaded === 'loading' || run === 'prefill' || run === 'decoding'
  return (
    <div className="steps view steps-none">
      <div className="blank-slate" role="status">
        <p className="blank-slate-title">{title()}</p>
        {!working && <p>{t('steps.emptyHint')}</p>}
        {!working && (
          <button type="button" className="button" onClick={() => app.setState({ view: 'write' })}>
            {t('steps.toWrite')}
          </button>
        )}
      </div>
      {phase.kind === 'failed' && <StepsNotice />}
    </div>
  )
}
