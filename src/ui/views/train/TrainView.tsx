import { BlankSlate } from '../../components/BlankSlate.tsx'
import { useEffect, useState } from 'react'
import { untrainableStep } from '../../../analysis/trainable.ts'
import { answeringModel } from '../../../state/app.ts'
import { useAnatomy } from '../../components/reading.ts'
import { useApp, useTranslate } from '../../context.ts'
import { Curves } from './Curves.tsx'
import { Examples } from './Examples.tsx'
import { Norms } from './Norms.tsx'
import { RunControls } from './RunControls.tsx'
import { useRun, useTraining } from './hooks.ts'

/** A LoRA that learns: controls, curves, how far each module has moved, and the examples it learns from. */
export function TrainView() {
  const { data, run } = useTraining()
  const hasRun = useRun((state) => state.run !== null)
  const [cursor, setCursor] = useState<number | null>(null)
  useEffect(() => {
    void data.list()
    void run.findEarlier()
  }, [data, run])
  const refused = useRefused()
  if (refused !== null)
    return (
      <BlankSlate title={refused.title} testId="train-refused">
        <p>{refused.hint}</p>
      </BlankSlate>
    )
  return (
    <div className="train view" data-testid="train-view">
      <RunControls />
      {hasRun && <Curves cursor={cursor} onCursor={setCursor} />}
      {hasRun && <Norms />}
      <Examples />
    </div>
  )
}

/** Why the model on the page cannot be trained at all, and what to do; null where it can, or is not known yet. */
function useRefused(): { title: string; hint: string } | null {
  const t = useTranslate()
  const info = useApp((state) => answeringModel(state.model))
  const step = untrainableStep(useAnatomy().list)
  if (info === null) return null
  if (!info.tasks.includes('generate')) return { title: t('train.encoder'), hint: t('train.encoderHint') }
  if (step === undefined) return null
  return { title: t('train.mixture'), hint: t('train.mixtureHint', { step: step.name, op: step.op }) }
}
