import { useApp, useSession, useTranslate } from '../context.ts'

/** Whether special tokens that are written out count as such, in every view. */
export function SpecialSwitch() {
  const { app } = useSession()
  const t = useTranslate()
  const parseSpecial = useApp((state) => state.parseSpecial)
  return (
    <label className="check note" title={t('prompt.specialHint')}>
      <input
        type="checkbox"
        data-testid="prompt-special"
        checked={parseSpecial}
        onChange={(event) => app.setState({ parseSpecial: event.currentTarget.checked })}
      />
      {t('prompt.special')}
    </label>
  )
}
