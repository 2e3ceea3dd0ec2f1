import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import { useId } from 'react'
import type { SlotName } from './store.ts'
import { formatCount } from '../../../maths/format.ts'
import { Icon } from '../../components/Icon.tsx'
import { useApp, useTranslate } from '../../context.ts'
import { useSlot, useTokenizers } from './hooks.ts'
import { Measures } from './Measures.tsx'
import { Pipeline } from './Pipeline.tsx'
import { TokenRow } from './TokenRow.tsx'

/** One tokenizer: where it comes from, what it is, what it makes of the text. */
export function SlotColumn({ name }: { name: SlotName }) {
  const t = useTranslate()
  const { phase, error, facts, explained } = useSlot(name)
  return (
    <section className="tokenizer-slot" aria-label={t(`tokenizer.slot.${name}`)} data-slot={name}>
      <Source name={name} />
      {phase === 'opening' && <ReadingBar words={t('tokenizer.opening')} />}
      {phase === 'empty' && <p className="note">{t('tokenizer.none')}</p>}
      {error !== null && <ErrorNotice error={error} />}
      {facts !== null && explained !== null && (
        <>
          <Measures name={name} />
          <TokenRow name={name} explained={explained} />
          <Pipeline name={name} />
        </>
      )}
    </section>
  )
}

/** Whose tokenizer it is; another one is opened from files. */
function Source({ name }: { name: SlotName }) {
  const tokenizers = useTokenizers()
  const t = useTranslate()
  const id = useId()
  const { label, facts } = useSlot(name)
  const hasModel = useApp(({ model }) => 'info' in model && model.info?.hasTokenizer === true)
  return (
    <div className="tokenizer-source cluster">
      <h2 className="region-title">{label === '' ? t('tokenizer.title') : label}</h2>
      {facts !== null && (
        <span className="note numeric">
          {facts.type} · {t('tokenizer.size', { count: formatCount(facts.size) })}
        </span>
      )}
      <span className="tokenizer-open">
        <button
          type="button"
          className="button"
          disabled={!hasModel}
          onClick={() => void tokenizers.openModel(name)}
        >
          {t('tokenizer.ofModel')}
        </button>
        <label className="button button-file" htmlFor={id} title={t('tokenizer.openHint')}>
          <Icon name="open" />
          {t('model.open')}
          <input
            id={id}
            type="file"
            multiple
            className="visually-hidden"
            data-testid={`tokenizer-files-${name}`}
            onChange={(event) => {
              const files = [...(event.currentTarget.files ?? [])]
              if (files.length > 0) void tokenizers.openFiles(name, files)
              event.currentTarget.value = ''
            }}
          />
        </label>
      </span>
    </div>
  )
}
