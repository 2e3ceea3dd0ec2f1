import { useEffect, useMemo, useState } from 'react'
import { stepsOf } from './store.ts'
import { isLarge, type StepsSource, type WeightRow } from './source.ts'
import type { StepInfo, TensorData } from '../../../api/model.ts'
import { hooksOf, useApp } from '../../context.ts'
import { useTexts } from '../../components/reading.ts'

export const [useSteps, useStepsState] = hooksOf(stepsOf)

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
  useApp((state) => state.promptRow)
  useStepsState((state) => state.source)
  return steps.row
}

/** Text of every row's token, parts of a character by name; empty strings until they are known. The same array while nothing changes. */
export function useRowTexts(): readonly string[] {
  return useTexts(useStepsState((state) => state.source?.ids.length ?? 0))
}

/** A step and what the page holds of its output, together: what is drawn always belongs to the name beside it. */
export interface ShownStep {
  step: StepInfo
  source: StepsSource
  /** Null for a large output: its rows are read one by one, and the GPU draws it. */
  fullTensor: TensorData | null
}

/** The current step once its values are here; the one shown before it while they are being read. */
export function useShownStep(): ShownStep | null {
  const steps = useSteps()
  const step = useCurrentStep()
  const source = useStepsState((state) => state.source)
  const row = useRow()
  const [last, setLast] = useState<ShownStep | null>(null)
  const large = step !== null && isLarge(step.output.shape)
  const fullTensor =
    step === null || source === null || large ? null : steps.cache.peek(source, step.name)?.data
  const rowData = step === null || source === null ? null : steps.cache.peekRow(source, step.name, row)
  const here = rowData !== null
  const current = useMemo(
    (): ShownStep | null =>
      step === null || source === null || !here
        ? null
        : { step, source, fullTensor: fullTensor ? { shape: step.output.shape, data: fullTensor } : null },
    [step, source, fullTensor, here],
  )
  useEffect(() => {
    if (step === null || source === null) return
    let wanted = true
    steps.cache.readRow(source, step.name, row).then(
      () =>
        wanted && setLast({ step, source, fullTensor: large ? null : steps.cache.peek(source, step.name) }),
      () => wanted && setLast(null),
    )
    return () => {
      wanted = false
    }
  }, [steps, step, source, row, large])
  return current ?? (last?.source === source ? last : null)
}

/** What a step says of one row: from the page when it is there, else read now and null until it has come. */
export function useRowData(source: StepsSource, step: string | undefined, row: number): Float32Array | null {
  const steps = useSteps()
  const [, setArrived] = useState(0)
  const cached = step === undefined ? null : steps.cache.peekRow(source, step, row)
  const missing = step !== undefined && cached === null
  useEffect(() => {
    if (!missing) return
    let wanted = true
    steps.cache.readRow(source, step, row).then(
      () => wanted && setArrived((count) => count + 1),
      (error: unknown) => wanted && steps.fail(source, error),
    )
    return () => {
      wanted = false
    }
  }, [steps, source, step, row, missing])
  return cached
}

/** A whole output, for a computation over all rows. */
export function useFullTensor(source: StepsSource, step: string | null): TensorData | null {
  const steps = useSteps()
  const [, setArrived] = useState(0)
  const cached = step === null ? null : steps.cache.peek(source, step)
  const missing = step !== null && cached === null
  useEffect(() => {
    if (!missing) return
    let wanted = true
    steps.cache.read(source, step).then(
      () => wanted && setArrived((count) => count + 1),
      (error: unknown) => wanted && steps.fail(source, error),
    )
    return () => {
      wanted = false
    }
  }, [steps, source, step, missing])
  return cached
}

/** Rows `[from, to)` of one slice; null for those still being read. */
export function useLines(
  source: StepsSource,
  step: string,
  { cols, slice }: { cols: number; slice: number },
  [from, to]: readonly [number, number],
): (Float32Array | null)[] {
  const steps = useSteps()
  const [, setArrived] = useState(0)
  const rows = Array.from({ length: to - from }, (_, row) => steps.cache.peekRow(source, step, from + row))
  useEffect(() => {
    let wanted = true
    for (let row = from; row < to; row++) {
      if (steps.cache.peekRow(source, step, row) !== null) continue
      steps.cache.readRow(source, step, row).then(
        () => wanted && setArrived((count) => count + 1),
        (error: unknown) => wanted && steps.fail(source, error),
      )
    }
    return () => {
      wanted = false
    }
  }, [steps, source, step, from, to])
  return rows.map((row) => row?.subarray(slice * cols, (slice + 1) * cols) ?? null)
}

/** Weights behind a column of a product; null for no column, while they are read, and where the engine cannot. */
export function useWeights(source: StepsSource, { name }: StepInfo, output: number | null): WeightRow | null {
  const steps = useSteps()
  const [loaded, setLoaded] = useState<{ key: string; weights: WeightRow } | null>(null)
  const key = `${name}:${output}`
  useEffect(() => {
    if (output === null || source.weights === undefined) return
    let wanted = true
    source.weights(name, output).then(
      (weights) => wanted && setLoaded({ key, weights }),
      (error: unknown) => wanted && steps.fail(source, error),
    )
    return () => {
      wanted = false
    }
  }, [steps, source, name, output, key])
  return loaded?.key === key ? loaded.weights : null
}

/** Keeps a forward at hand while the panel is on show. */
export function useWatchedSteps(): void {
  const steps = useSteps()
  useEffect(() => steps.watch(), [steps])
}
