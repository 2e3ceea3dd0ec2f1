import { useMemo } from 'react'
import { useStore } from 'zustand'
import type { CheckpointUse } from './store/checkpointUse.ts'
import type { Curve } from './store/curve.ts'
import { trainingOf, type Training } from './store/training.ts'
import type { DataState, RunExamples } from './store/trainData.ts'
import type { TrainRunState } from './store/runState.ts'
import { type AdaptersState } from '../../../state/adapterState.ts'
import { adaptersOf } from '../../../state/adapters.ts'
import { useApp, useSession } from '../../context.ts'

export function useTraining(): Training {
  return trainingOf(useSession())
}

/** A slice of the run; select primitives or objects kept in the store. */
export function useRun<T>(select: (state: TrainRunState) => T): T {
  return useStore(useTraining().run.state, select)
}

/** A slice of the data; select primitives or objects kept in the store. */
export function useData<T>(select: (state: DataState) => T): T {
  return useStore(useTraining().data.state, select)
}

/** A slice of the adapters on the model. */
export function useAdapterRows<T>(select: (state: AdaptersState) => T): T {
  return useStore(adaptersOf(useSession()).state, select)
}

/** The curve on show, rendering again as it grows: the same object, changed in place. */
export function useCurve(): { curve: Curve; version: number } {
  const version = useRun((state) => state.version)
  return { curve: useTraining().run.curve, version }
}

/** Whether the run on show can be taken up where it was left. */
export function useCanGoOn(): boolean {
  const { run } = useTraining()
  // What it depends on beside the run: the examples and the model.
  useData((state) => state.examples)
  useApp((state) => state.model)
  useRun((state) => state.phase)
  return useRun(() => run.canGoOn())
}

/** The examples as the settings part them. */
export function useSplit(): RunExamples {
  const { data } = useTraining()
  const examples = useData((state) => state.examples)
  const heldOut = useRun((state) => state.settings.heldOut)
  const seed = useRun((state) => state.settings.seed)
  return useMemo(
    () =>
      examples.length > 0
        ? data.split(heldOut, seed)
        : { train: [], held: [], split: { train: [], held: [] } },
    [data, examples, heldOut, seed],
  )
}

/** What is done with a checkpoint needs a model; null without one. */
export function useUse(): CheckpointUse | null {
  const session = useSession()
  const { run } = useTraining()
  const { model } = session
  return model === null ? null : { run, adapters: adaptersOf(session), model }
}

/** Number of the checkpoint looked at, in the list of them. */
export function useCheckpoint() {
  const checkpoints = useRun((state) => state.checkpoints)
  const at = useRun((state) => state.looked)
  const index =
    at === null
      ? checkpoints.length - 1
      : Math.max(
          0,
          checkpoints.findIndex(({ steps }) => steps === at),
        )
  return { checkpoints, index, checkpoint: checkpoints[index] ?? null }
}
