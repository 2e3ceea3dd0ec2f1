import { useEffect, useMemo, useState } from 'react'
import { useStore } from 'zustand'
import { stepsOf, type Steps, type StepsState } from '../../../store/steps.ts'
import type { StepsSource } from '../../../store/stepsSource.ts'
import type { StepInfo, TensorData } from '../../../types.ts'
import { useApp, useMedia, useSession, useSlowTrace } from '../../context.ts'
import type { Shade } from '../../draw/ramps.ts'

export function useSteps(): Steps {
  return stepsOf(useSession())
}

/** A slice of the stepper's state; select primitives or objects kept in it. */
export function useStepsState<T>(select: (state: StepsState) => T): T {
  return useStore(useSteps().state, select)
}

const NO_STEPS: readonly StepInfo[] = []

export function useStepList(): readonly StepInfo[] {
  return useStepsState((state) => state.source?.steps ?? NO_STEPS)
}

export function useCurrentStep(): StepInfo | null {
  const steps = useStepList()
  const name = useStepsState((state) => state.step)
  return steps.find((step) => step.name === name) ?? null
}

/** Row of the selected token. */
export function useRow(): number {
  const steps = useSteps()
  useApp((state) => state.pinned)
  useStepsState((state) => state.promptRow)
  useStepsState((state) => state.source)
  return steps.row
}

/** Text of every row's token; empty strings until they are known. */
export function useRowTexts(): readonly string[] {
  const trace = useSlowTrace(200)
  const rows = useStepsState((state) => state.source?.ids.length ?? 0)
  return Array.from({ length: rows }, (_, row) => {
    const generated = trace.tokens[row - trace.promptIds.length]
    return generated?.text ?? trace.promptTexts[row] ?? ''
  })
}

/** A step and its output, together: what is drawn always belongs to the name beside it. */
export interface ShownTensor {
  step: StepInfo
  tensor: TensorData
}

/** The current step's output; the one shown before it while that is being read. */
export function useShownTensor(): ShownTensor | null {
  const steps = useSteps()
  const step = useCurrentStep()
  const source = useStepsState((state) => state.source)
  const [last, setLast] = useState<{ source: StepsSource; shown: ShownTensor } | null>(null)
  const cached = step === null ? null : steps.cache.peek(step.name)
  const current = useMemo(
    () => (step === null || cached === null ? null : { step, tensor: cached }),
    [step, cached],
  )
  useEffect(() => {
    if (step === null || source === null) return
    let wanted = true
    steps.read(step.name).then(
      (tensor) => wanted && setLast({ source, shown: { step, tensor } }),
      () => wanted && setLast(null),
    )
    return () => {
      wanted = false
    }
  }, [steps, step, source])
  return current ?? (last?.source === source ? last.shown : null)
}

/** Outputs of a step's inputs, once all of them are there. */
export function useInputs(step: StepInfo): readonly TensorData[] | null {
  const steps = useSteps()
  const source = useStepsState((state) => state.source)
  const [, setArrived] = useState(0)
  useEffect(() => {
    if (source === null) return
    let current = true
    const missing = step.inputs.filter((name) => !steps.cache.has(name))
    Promise.all(missing.map((name) => steps.read(name))).then(
      () => current && missing.length > 0 && setArrived((count) => count + 1),
      () => undefined,
    )
    return () => {
      current = false
    }
  }, [steps, source, step])
  const found = step.inputs.map((name) => steps.cache.peek(name))
  return found.every((tensor) => tensor !== null) ? found : null
}

/** Whether the page is light or dark now. */
export function useShade(): Shade {
  const theme = useApp((state) => state.theme)
  const system = useMedia('(prefers-color-scheme: dark)')
  return theme === 'dark' || (theme === 'auto' && system) ? 'dark' : 'light'
}

/** Keeps a forward at hand while the panel is on show. */
export function useWatchedSteps(): void {
  const steps = useSteps()
  useEffect(() => steps.watch(), [steps])
}
