import { useEffect, useMemo, useState } from 'react'
import { useStore } from 'zustand'
import { lensOf, type LensGrid } from './store.ts'
import { useSession, useTranslate } from '../../context.ts'
import { useShown, useTextRow } from '../../components/reading.ts'

export function useLens(): LensGrid {
  return lensOf(useSession())
}

export interface LensPlace {
  layer: number
  position: number
}

/** The chosen cell: a layer, by default the last, at the page's selected token. */
export function useLensPlace(): LensPlace {
  const lens = useLens()
  const shown = useShown(lens.measurement)
  const position = useTextRow(shown?.ids.length ?? 0)
  const layer = useStore(lens.state, (state) => state.layer)
  const last = shown?.value.layers.at(-1) ?? 0
  return { layer: layer === null ? last : Math.min(layer, last), position }
}

/** The inspected cell: under the pointer, else the chosen one. */
export function useInspectedPlace(): LensPlace {
  const chosen = useLensPlace()
  return useStore(useLens().state, (state) => state.hovered) ?? chosen
}

export function useLayerName(): (layer: number) => string {
  const t = useTranslate()
  return (layer) => (layer < 0 ? t('lens.embedding') : t('lens.layer', { layer }))
}

/** Texts of ids that follow a position; empty ones until they have been looked up. */
export function useTokenLabels(ids: readonly number[], contextIds: readonly number[]): readonly string[] {
  const session = useSession()
  const key = ids.join(' ')
  // Callers may make the list anew with every render.
  const wantedIds = useMemo(() => (key === '' ? [] : key.split(' ').map(Number)), [key])
  const [loaded, setLoaded] = useState<{ key: string; texts: readonly string[] }>({ key: '', texts: [] })
  useEffect(() => {
    let wanted = true
    Promise.all(wantedIds.map((id) => session.lookUpText(contextIds, id))).then(
      (texts) => wanted && setLoaded({ key, texts }),
      (error: unknown) => wanted && session.report(error),
    )
    return () => {
      wanted = false
    }
  }, [session, key, wantedIds, contextIds])
  return loaded.key === key ? loaded.texts : wantedIds.map(() => '')
}
