import { sameScales } from '../../../state/adapterScales.ts'
import { SETTING_NAMES } from '../../../state/settings.ts'
import { useApp, useTranslate } from '../../context.ts'
import { useScales } from '../../components/useScales.ts'
import { useSpeculateState } from './hooks.ts'
import type { SpeculateRun, SpeculateState } from './store.ts'

type Chosen = Pick<SpeculateState, 'draft' | 'layers' | 'ahead'>

/** True when the draft of a run is another than the one chosen now. */
function isOtherDraft({ draft, ahead }: SpeculateRun, chosen: Chosen): boolean {
  const layers = draft.kind === 'first-layers' && draft.layers !== chosen.layers
  return draft.kind !== chosen.draft || layers || ahead !== chosen.ahead
}

/** What would be different if the run on show were made now; empty when nothing would. */
export function useChanges(): ('draft' | 'prompt' | 'settings' | 'adapters')[] {
  const shown = useSpeculateState((state) => state.shown)
  const draft = useSpeculateState((state) => state.draft)
  const layers = useSpeculateState((state) => state.layers)
  const ahead = useSpeculateState((state) => state.ahead)
  const prompt = useApp((state) => state.prompt)
  const settings = useApp((state) => state.settings)
  const scales = useScales()
  if (shown === null) return []
  const changed = {
    draft: isOtherDraft(shown, { draft, layers, ahead }),
    prompt: prompt !== shown.prompt,
    settings: SETTING_NAMES.some((name) => settings[name] !== shown.settings[name]),
    adapters: !sameScales(scales, shown.scales),
  }
  return (['draft', 'prompt', 'settings', 'adapters'] as const).filter((name) => changed[name])
}

/** What the rounds on show were made with, and what has changed since. */
export function MadeWith() {
  const t = useTranslate()
  const shown = useSpeculateState((state) => state.shown)
  const changes = useChanges()
  if (shown === null) return null
  const { draft, ahead, settings } = shown
  const { temperature, seed, maxTokens } = settings
  return (
    <p className="note numeric speculate-made" data-testid="speculate-made" data-stale={changes.length > 0}>
      {t('speculate.made', {
        draft: t(`speculate.draft.${draft.kind}`),
        ahead,
        temperature,
        seed,
        maxTokens,
      })}
      {changes.length > 0 && (
        <strong role="status">
          {' · '}
          {t('speculate.stale', { what: changes.map((name) => t(`speculate.changed.${name}`)).join(', ') })}
        </strong>
      )}
    </p>
  )
}
