import { useEffect, useMemo, useState } from 'react'
import { useStore } from 'zustand'
import { attentionOf, headsOf, singleChoice, type ChosenHead, type HeadPlace } from './store.ts'
import { patternOf, type HeadSummary } from './readAttention.ts'
import {
  findCopies,
  scorePattern,
  weightsOf,
  type HeadScores,
  type AttentionPattern,
} from '../../../analysis/headScores.ts'
import { hooksOf, useTranslate } from '../../context.ts'
import { useAnatomy, useShown } from '../../components/reading.ts'
import type { Sight } from '../../draw/sight.ts'

export const [useAttention, useAttentionState] = hooksOf(attentionOf)

export function useChosenHead(): ChosenHead {
  const chosen = useAttentionState((state) => state.chosen)
  const info = useShown(useAttention().measurement)?.value
  return useMemo(() => {
    if (info === undefined) return chosen
    const layer = Math.min(chosen.layer, info.layers - 1)
    return { layer, head: chosen.head === null ? null : Math.min(chosen.head, info.heads - 1) }
  }, [chosen, info])
}

/** The heads on show: the chosen one, those of its layer, or a mean over several. */
export function useSelectedHeads(): readonly HeadPlace[] {
  const chosen = useChosenHead()
  const several = useAttentionState((state) => state.several)
  const info = useShown(useAttention().measurement)?.value
  const [layers, heads] = [info?.layers ?? 0, info?.heads ?? 0]
  return useMemo(() => {
    const there = several.filter((place) => place.layer < layers && place.head < heads)
    return there.length > 0 ? there : headsOf(chosen, heads)
  }, [several, chosen, layers, heads])
}

/** Positions that a row of the heads on show sees: the widest of their layers' windows; null: all that the mask lets through. */
export function useWindow(): number | null {
  const places = useSelectedHeads()
  const { layers } = useAnatomy()
  const windows = places.map(({ layer }) => layers[layer]?.attention?.window ?? null)
  return windows.reduce<number | null>(
    (widest, window, i) =>
      i === 0 ? window : widest === null || window === null ? null : Math.max(widest, window),
    null,
  )
}

/** What a row of the heads on show sees. */
export function useSight(): Sight {
  const window = useWindow()
  const { layers } = useAnatomy()
  const asked = useShown(useAttention().measurement)?.value.mask
  const mask = asked ?? layers[0]?.attention?.mask ?? 'causal'
  return useMemo(() => ({ window, mask }), [window, mask])
}

/** The heads on show as an edit names them: head null stands for all of a layer. */
export function useEditedHeads(): readonly ChosenHead[] {
  const places = useSelectedHeads()
  const heads = useShown(useAttention().measurement)?.value.heads ?? 0
  const one = singleChoice(places, heads)
  return one === null ? places : [one]
}

/** What has been measured of the one head or layer on show; null for a mean over several layers, or while it is read. */
function useOwnSummary(): HeadSummary | null {
  const places = useSelectedHeads()
  const map = useShown(useAttention().measurement)?.value
  const one = singleChoice(places, map?.heads ?? 0)
  return map?.summaries.find(({ layer, head }) => layer === one?.layer && head === one.head) ?? null
}

/** Scores of what is on show; those of a mean are of the mean pattern. */
export function useChosenScores(): HeadScores | null {
  const ownSummary = useOwnSummary()
  const ids = useShown(useAttention().measurement)?.ids
  const pattern = useChosenPattern()
  return useMemo(() => {
    if (ownSummary !== null) return ownSummary.scores
    if (pattern === null || ids === undefined || pattern.size !== ids.length) return null
    return scorePattern(pattern, findCopies(ids))
  }, [ownSummary, pattern, ids])
}

/** The weights on show; null while they are being read or averaged. */
export function useChosenPattern(): AttentionPattern | null {
  const attention = useAttention()
  const shown = useShown(attention.measurement)
  const places = useSelectedHeads()
  const heads = shown?.value.heads ?? 0
  const size = shown?.ids.length ?? 0
  const one = singleChoice(places, heads)
  const [layer, head] = one === null ? [null, null] : [one.layer, one.head]
  const probs = layer === null ? null : attention.peek(layer)
  const mean = layer === null ? attention.peekMean(places) : null
  const [, setArrived] = useState(0)
  const isReading = useStore(attention.measurement.state, ({ phase }) => phase.kind !== 'ready')
  const missing = shown !== null && !isReading && probs === null && mean === null
  const value = shown?.value
  useEffect(() => {
    if (!missing) return
    let wanted = true
    const pending = layer === null ? attention.average(places) : attention.read(layer)
    pending.then(
      () => wanted && setArrived((count) => count + 1),
      (error: unknown) => wanted && attention.measurement.fail(error),
    )
    return () => {
      wanted = false
    }
  }, [attention, layer, places, missing, value])
  return useMemo(
    // Rows are added in place: the value of the measurement stands for what they hold.
    () => (value === undefined || probs === null ? mean : patternOf(probs, { heads, size }, head)),
    [value, probs, mean, heads, size, head],
  )
}

/** Weights of the selected token with every other one, in the direction on show; null while they are read. */
export function useQueryWeights(ids: readonly number[], row: number): Float32Array | null {
  const pattern = useChosenPattern()
  const direction = useAttentionState((state) => state.direction)
  return useMemo(
    () => (pattern?.size === ids.length ? weightsOf(pattern, row, direction) : null),
    [pattern, ids, row, direction],
  )
}

/** How a head is called: `Layer 3, head 2`. */
export function useHeadTitle(): (chosen: ChosenHead) => string {
  const t = useTranslate()
  const heads = useShown(useAttention().measurement)?.value.heads ?? 0
  return ({ layer, head }) =>
    head === null ? t('attention.meanTitle', { layer, heads }) : t('attention.headTitle', { layer, head })
}

/** How what is on show is called: a head, the mean of a layer, or of so many heads. */
export function useSelectionTitle(): string {
  const t = useTranslate()
  const title = useHeadTitle()
  const places = useSelectedHeads()
  const { layers = 0, heads = 0 } = useShown(useAttention().measurement)?.value ?? {}
  const one = singleChoice(places, heads)
  if (one !== null) return title(one)
  return places.length === layers * heads
    ? t('attention.meanAll', { count: places.length })
    : t('attention.meanOf', { count: places.length })
}
