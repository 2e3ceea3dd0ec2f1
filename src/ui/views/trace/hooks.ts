import { useEffect, useState } from 'react'
import { toErrorData, type ErrorData } from '../../../errors.ts'
import { savedTracesOf } from './store.ts'
import type { SavedTrace } from '../../../trace/types.ts'
import type { TensorData } from '../../../api/model.ts'
import { hooksOf } from '../../context.ts'

export const [useSavedTraces, useSavedState] = hooksOf(savedTracesOf)

export interface LoadedTensor {
  step: string
  tensor: TensorData
}

/** A step's tensor once it has been unpacked; the one before it until then, so that nothing jumps. */
export function useKeptTensor(
  trace: SavedTrace,
  step: string,
  kept: boolean,
): { shown: LoadedTensor | null; error: ErrorData | null } {
  const [loaded, setLoaded] = useState<{ of: SavedTrace; kept: LoadedTensor } | null>(null)
  const [failed, setFailed] = useState<{ step: string; error: ErrorData } | null>(null)
  useEffect(() => {
    if (!kept) return
    let wanted = true
    trace.tensor(step).then(
      (tensor) => wanted && setLoaded({ of: trace, kept: { step, tensor } }),
      (error: unknown) => wanted && setFailed({ step, error: toErrorData(error) }),
    )
    return () => {
      wanted = false
    }
  }, [trace, step, kept])
  return {
    shown: kept && loaded?.of === trace ? loaded.kept : null,
    error: failed?.step === step ? failed.error : null,
  }
}
