import { useStore } from 'zustand'
import { maskChoiceOf, MASK_KINDS } from '../../state/maskChoice.ts'
import { useSession, useTranslate } from '../context.ts'
import { useIsEncoder } from './reading.ts'
import { NumberField } from './NumberField.tsx'
import { Segmented } from './Segmented.tsx'

/** Which positions a row sees in the forwards that views run over the text. */
export function MaskSwitch() {
  const t = useTranslate()
  const choice = maskChoiceOf(useSession())
  const kind = useStore(choice.state, (state) => state.kind)
  const isEncoder = useIsEncoder()
  const shown = kind ?? (isEncoder ? 'bidirectional' : 'causal')
  return (
    <span className="mask-switch" data-testid="mask-switch" data-mask={shown}>
      <Segmented
        label={t('mask.label')}
        labelled
        value={shown}
        choices={MASK_KINDS.map((value) => ({ value, label: t(`mask.${value}`) }))}
        onChange={(next) => choice.choose(next)}
      />
      {shown === 'prefix' && <PrefixField />}
    </span>
  )
}

function PrefixField() {
  const t = useTranslate()
  const choice = maskChoiceOf(useSession())
  useStore(choice.state, (state) => state.prefix)
  return (
    <span className="mask-prefix">
      <NumberField
        label={t('mask.prefixLength')}
        value={choice.prefix}
        onChange={(prefix) => choice.setPrefix(prefix)}
      />
      <span className="note">{t('mask.prefixUnit')}</span>
    </span>
  )
}
