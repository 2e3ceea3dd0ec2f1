import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import { NoText } from '../../components/EmptyState.tsx'
import { MaskSwitch } from '../../components/MaskSwitch.tsx'
import { useTranslate } from '../../context.ts'
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
      return <ReadingBar words={t('steps.reading', { count: phase.tokens })} />
    case 'failed':
      return (
        <ErrorNotice title={t('steps.failed')} error={phase.error}>
          <button type="button" className="button button-small" onClick={() => steps.refresh()}>
            {t('steps.again')}
          </button>
        </ErrorNotice>
      )
  }
}

/** Why there is nothing to step through, and the way to something. */
function NoSteps() {
  const t = useTranslate()
  const phase = useStepsState((state) => state.phase.kind)
  const isSaid = phase === 'reading' || phase === 'failed'
  return (
    <div className="steps view steps-none empty-state">
      {isSaid ? (
        <StepsNotice />
      ) : (
        <NoText empty={t('steps.empty')} other={t('steps.otherModel')} hint={t('steps.emptyHint')} />
      )}
    </div>
  )
}
