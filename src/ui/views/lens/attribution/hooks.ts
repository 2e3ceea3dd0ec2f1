import { useEffect } from 'react'
import { attributionOf, type WantedLogit } from './store.ts'
import { lensCell } from '../store.ts'
import type { LensCell } from '../../../../api/model.ts'
import { useLens, useLensPlace } from '../hooks.ts'
import { useShown } from '../../../components/reading.ts'
import { hooksOf } from '../../../context.ts'

export const [useAttribution, useAttributionState] = hooksOf(attributionOf)

/** The model's own prediction at the chosen position: the cell of its last layer. */
export function useFinalCell(): LensCell | null {
  const shown = useShown(useLens().measurement)
  const { position } = useLensPlace()
  return shown === null ? null : lensCell(shown.value, shown.value.layers.at(-1) ?? 0, position)
}

/** The logit to take apart; asks for it. Null while there is no text. */
export function useWantedLogit(): WantedLogit | null {
  const attribution = useAttribution()
  const shown = useShown(useLens().measurement)
  const cell = useFinalCell()
  const asked = useAttributionState((state) => state.token)
  const vocab = shown?.model.info.vocab ?? 0
  const token = asked !== null && asked < vocab ? asked : cell?.top[0]?.id
  const [model, ids, position] = [shown?.model, shown?.ids, cell?.position]
  useEffect(() => {
    if (model !== undefined && ids !== undefined && position !== undefined && token !== undefined)
      attribution.request({ model, ids, position, token })
  }, [attribution, model, ids, position, token])
  return model === undefined || ids === undefined || position === undefined || token === undefined
    ? null
    : { model, ids, position, token }
}
