import type { EditEntry } from './store.ts'
import { useTranslate } from '../../context.ts'
import { useScales, useScalesText } from '../../components/useScales.ts'
import { useAnatomy } from '../../components/reading.ts'
import { editsName } from './words.ts'

/** What a result was made under: its edits, and the adapters when there are any. */
export function EditChip({ entries }: { entries: readonly EditEntry[] }) {
  const t = useTranslate()
  const anatomy = useAnatomy()
  const scales = useScales()
  const text = useScalesText()
  return (
    <span className="scales-chip" data-testid="edit-chip">
      {scales.length > 0 && `${text(scales)} · `}
      {editsName(t, anatomy, entries)}
    </span>
  )
}
