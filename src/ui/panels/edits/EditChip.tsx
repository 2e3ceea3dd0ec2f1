import type { Entry } from '../../../store/edits.ts'
import { useTranslate } from '../../context.ts'
import { useMix, useMixText } from '../adapters/hooks.ts'
import { useAnatomy } from '../reading/hooks.ts'
import { editsName } from './words.ts'

/** What a result was made under: its edits, and the adapters when there are any. */
export function EditChip({ entries }: { entries: readonly Entry[] }) {
  const t = useTranslate()
  const anatomy = useAnatomy()
  const mix = useMix()
  const text = useMixText()
  return (
    <span className="mix-chip" data-testid="edit-chip">
      {mix.length > 0 && `${text(mix)} · `}
      {editsName(t, anatomy, entries)}
    </span>
  )
}
