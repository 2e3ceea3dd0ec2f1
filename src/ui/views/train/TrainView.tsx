import { BlankSlate } from '../../components/BlankSlate.tsx'
import { useEffect, useState } from 'react'
import { answeringModel } from '../../../state/app.ts'
import { useApp, useTranslate } from '../../context.ts'
import { Curves } from './Curves.tsx'
import { Examples } from './Examples.tsx'
import { Norms } from './Norms.tsx'
import { RunControls } from './RunControls.tsx'
import { useRun, useTraining } from './hooks.ts'

/** A LoRA that learns: controls, curves, how far each module has moved, and the examples it learns from. */
export function TrainView() {
  const t = useTranslate()
  const { data, run } = useTraining()
  const info = useApp((state) => answeringModel(state.model))
  const hasRun = useRun((state) => state.run !== null)
  const [cursor, setCursor] = useState<number | null>(null)
  useEffect(() => {
    void data.list()
    void run.findEarlier()
  }, [data, run])
  if (info !== null && !info.tasks.includes('generate'))
    return (
      <BlankSlate title={t('train.encoder')}>
        <p>{t('train.encoderHint')}</p>
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
