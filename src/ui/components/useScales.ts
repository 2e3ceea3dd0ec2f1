import { useStore } from 'zustand'
import { scalesOf, scalesText, type NamedScale } from '../../state/adapterScales.ts'
import { adaptersOf } from '../../state/adapters.ts'
import { useSession, useTranslate } from '../context.ts'

/** The adapters that act now, with their scales. */
export function useScales(): readonly NamedScale[] {
  const { state } = adaptersOf(useSession())
  const tracks = useStore(state, ({ tracks }) => tracks)
  const solo = useStore(state, ({ solo }) => solo)
  const merged = useStore(state, ({ merged }) => merged)
  return merged ?? scalesOf(tracks, solo)
}

/** Scales as people read them. */
export function useScalesText(): (scales: readonly NamedScale[]) => string {
  const t = useTranslate()
  return (scales) => scalesText(scales, t('adapters.base'))
}
