import { useEffect, useMemo, useState } from 'react'
import { useStore } from 'zustand'
import {
  attentionOf,
  patternOf,
  type Attention,
  type ChosenHead,
  type HeadSummary,
} from '../../../store/attention.ts'
import type { Pattern } from '../../../store/attentionScores.ts'
import { useSession, useTranslate } from '../../context.ts'
import { useShown } from '../reading/hooks.ts'

export function useAttention(): Attention {
  return attentionOf(useSession())
}

export function useChosenHead(): ChosenHead {
  const chosen = useStore(useAttention().state, (state) => state.chosen)
  const info = useShown(useAttention().reading)?.value
  return useMemo(() => {
    if (info === undefined) return chosen
    const layer = Math.min(chosen.layer, info.layers - 1)
    return { layer, head: chosen.head === null ? null : Math.min(chosen.head, info.heads - 1) }
  }, [chosen, info])
}

/** What has been measured of the chosen head; null while its layer is being read. */
export function useChosenSummary(): HeadSummary | null {
  const { layer, head } = useChosenHead()
  const summaries = useShown(useAttention().reading)?.value.summaries
  return summaries?.find((one) => one.layer === layer && one.head === head) ?? null
}

/** The chosen head's weights; null while they are being read. */
export function useChosenPattern(): Pattern | null {
  const attention = useAttention()
  const shown = useShown(attention.reading)
  const { layer, head } = useChosenHead()
  const [, setArrived] = useState(0)
  const probs = attention.peek(layer)
  const heads = shown?.value.heads ?? 0
  const size = shown?.ids.length ?? 0
  const reading = useStore(attention.reading.state, ({ phase }) => phase.kind !== 'ready')
  const missing = shown !== null && probs === null && !reading
  useEffect(() => {
    if (!missing) return
    let wanted = true
    attention.read(layer).then(
      () => wanted && setArrived((count) => count + 1),
      (error: unknown) => wanted && attention.reading.fail(error),
    )
    return () => {
      wanted = false
    }
  }, [attention, layer, missing])
  return useMemo(
    () => (probs === null ? null : patternOf(probs, { heads, size }, head)),
    [probs, heads, size, head],
  )
}

/** How a head is called: `Layer 3, head 2`. */
export function useHeadTitle(): (chosen: ChosenHead) => string {
  const t = useTranslate()
  const heads = useShown(useAttention().reading)?.value.heads ?? 0
  return ({ layer, head }) =>
    head === null ? t('attention.meanTitle', { layer, heads }) : t('attention.headTitle', { layer, head })
}
