import { SLOTS } from './store.ts'
import { useTranslate } from '../../context.ts'
import { useTokenizers, useTokenizerState } from './hooks.ts'
import { SlotColumn } from './SlotColumn.tsx'
import { WhatIfPart } from './WhatIfPart.tsx'

/** A text on its way to ids, by one tokenizer or two side by side, and by a larger vocabulary. */
export function TokenizerView() {
  const second = useTokenizerState((state) => state.second)
  return (
    <div className="tokenizer view" data-testid="tokenizer-view">
      <Input />
      <div className="tokenizer-slots" data-count={second ? 2 : 1}>
        {SLOTS.filter((name) => name === 'a' || second).map((name) => (
          <SlotColumn key={name} name={name} />
        ))}
      </div>
      <WhatIfPart />
    </div>
  )
}

function Input() {
  const tokenizers = useTokenizers()
  const t = useTranslate()
  const text = useTokenizerState((state) => state.text)
  const options = useTokenizerState((state) => state.options)
  const second = useTokenizerState((state) => state.second)
  const check = (label: string, checked: boolean, onChange: (checked: boolean) => void, testId: string) => (
    <label className="check">
      <input
        type="checkbox"
        data-testid={testId}
        checked={checked}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      {label}
    </label>
  )
  return (
    <section className="prompt">
      <label htmlFor="tokenizer-input" className="eyebrow">
        {t('tokenizer.input')}
      </label>
      <textarea
        id="tokenizer-input"
        className="prompt-text"
        data-testid="tokenizer-input"
        rows={3}
        spellCheck={false}
        value={text}
        onChange={(event) => tokenizers.setText(event.currentTarget.value)}
      />
      <div className="actions">
        {check(
          t('tokenizer.addSpecial'),
          options.addSpecialTokens,
          (addSpecialTokens) => tokenizers.setOptions({ addSpecialTokens }),
          'tokenizer-add-special',
        )}
        {check(
          t('tokenizer.parseSpecial'),
          options.parseSpecial,
          (parseSpecial) => tokenizers.setOptions({ parseSpecial }),
          'tokenizer-parse-special',
        )}
        {check(t('tokenizer.second'), second, (next) => tokenizers.showSecond(next), 'tokenizer-second')}
      </div>
    </section>
  )
}
