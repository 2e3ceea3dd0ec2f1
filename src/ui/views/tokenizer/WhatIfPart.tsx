import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import { useId, useState } from 'react'
import type { WhatIf } from '../../../text/inspect/types.ts'
import { formatCount } from '../../../maths/format.ts'
import { answeringModel } from '../../../state/app.ts'
import { Icon } from '../../components/Icon.tsx'
import { Segmented } from '../../components/Segmented.tsx'
import { useApp, useTranslate } from '../../context.ts'
import { useSlot, useTokenizers, useTokenizerState } from './hooks.ts'

const MAX_COUNT = 20_000
/** Width of an embedding where no model says one. */
const WIDTH = 2048
/** Added tokens that are listed. */
const LISTED = 200

/** What more tokens would save, and what they would cost. */
export function WhatIfPart() {
  const tokenizers = useTokenizers()
  const t = useTranslate()
  const { phase, request, saved, error } = useTokenizerState((state) => state.whatIf)
  const ready = useSlot('a').phase === 'ready'
  return (
    <section className="tokenizer-whatif" aria-label={t('tokenizer.whatIf')}>
      <h2 className="region-title">{t('tokenizer.whatIf')}</h2>
      <p className="note tokenizer-about">{t('tokenizer.whatIfAbout')}</p>
      <Corpus />
      <div className="actions">
        <Segmented
          label={t('tokenizer.take')}
          labelled
          value={request.unit}
          choices={(['syllables', 'words'] as const).map((value) => ({
            value,
            label: t(`tokenizer.take.${value}`),
          }))}
          onChange={(unit) => tokenizers.setWhatIf({ unit })}
        />
        <Count />
        <label className="check" title={t('tokenizer.normalizedHint')}>
          <input
            type="checkbox"
            checked={request.normalized}
            onChange={(event) => tokenizers.setWhatIf({ normalized: event.currentTarget.checked })}
          />
          {t('tokenizer.normalized')}
        </label>
        <button
          type="button"
          className="button button-primary"
          data-testid="whatif-run"
          disabled={!ready || phase === 'working'}
          onClick={() => void tokenizers.runWhatIf()}
        >
          <Icon name="play" />
          {t('tokenizer.run')}
        </button>
      </div>
      {phase === 'working' && <ReadingBar words={t('tokenizer.working')} />}
      {error !== null && <ErrorNotice error={error} />}
      {saved !== null && <Saved saved={saved} />}
    </section>
  )
}

function Corpus() {
  const tokenizers = useTokenizers()
  const t = useTranslate()
  const id = useId()
  const corpus = useTokenizerState((state) => state.whatIf.request.corpus)
  const takeFile = async (file: File | undefined) => {
    if (file !== undefined) tokenizers.setWhatIf({ corpus: await file.text() })
  }
  return (
    <div
      className="tokenizer-corpus"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        const [file] = event.dataTransfer.files
        if (file === undefined) return
        event.preventDefault()
        event.stopPropagation()
        void takeFile(file)
      }}
    >
      <label htmlFor={id} className="field-label">
        {t('tokenizer.corpus')}
      </label>
      <textarea
        id={id}
        className="input tokenizer-corpus-text"
        data-testid="whatif-corpus"
        rows={3}
        spellCheck={false}
        placeholder={t('tokenizer.corpusHint')}
        value={corpus}
        onChange={(event) => tokenizers.setWhatIf({ corpus: event.currentTarget.value })}
      />
      <label className="button button-file">
        <Icon name="open" />
        {t('tokenizer.openText')}
        <input
          type="file"
          accept="text/*,.txt,.md"
          className="visually-hidden"
          data-testid="whatif-file"
          onChange={(event) => void takeFile(event.currentTarget.files?.[0])}
        />
      </label>
    </div>
  )
}

function Count() {
  const tokenizers = useTokenizers()
  const t = useTranslate()
  const id = useId()
  const count = useTokenizerState((state) => state.whatIf.request.count)
  return (
    <span className="tokenizer-count">
      <label htmlFor={id} className="field-label">
        {t('tokenizer.count')}
      </label>
      <input
        id={id}
        type="number"
        className="input"
        data-testid="whatif-count"
        min={1}
        max={MAX_COUNT}
        value={count}
        onChange={({ currentTarget }) => {
          const next = Math.round(currentTarget.valueAsNumber)
          if (Number.isFinite(next)) tokenizers.setWhatIf({ count: Math.min(MAX_COUNT, Math.max(1, next)) })
        }}
      />
    </span>
  )
}

function Saved({ saved }: { saved: WhatIf }) {
  const t = useTranslate()
  const explained = useTokenizerState((state) => state.whatIf.explained)
  const { added, tokensBefore, tokensAfter, unknownBefore, unknownAfter, characters } = saved
  const change = tokensBefore === 0 ? 0 : (tokensAfter / tokensBefore - 1) * 100
  const per = (tokens: number): string => (tokens / Math.max(1, characters)).toFixed(2)
  return (
    <div data-testid="whatif-saved" data-before={tokensBefore} data-after={tokensAfter}>
      <p className="numeric">
        {t('tokenizer.saved', {
          before: formatCount(tokensBefore),
          after: formatCount(tokensAfter),
          share: `${change > 0 ? '+' : '−'}${Math.abs(change).toFixed(1)}`,
          perBefore: per(tokensBefore),
          perAfter: per(tokensAfter),
        })}
        {unknownBefore > 0 &&
          ` ${t('tokenizer.savedUnknown', { before: unknownBefore, after: unknownAfter })}`}
      </p>
      <Growth count={added.length} />
      {explained !== null && (
        <p className="tokenizer-after">
          <span className="note">{t('tokenizer.afterIds')}</span>{' '}
          {explained.tokens.map(({ id }, index) => (
            <span key={index} className="token-id" data-testid="whatif-token" data-token-id={id}>
              {id}
            </span>
          ))}
        </p>
      )}
      <details>
        <summary>{t('tokenizer.addedList', { count: added.length })}</summary>
        <ul className="tokenizer-list">
          {added.slice(0, LISTED).map(({ id, text, times, tokens }) => (
            <li key={id} data-testid="whatif-added" data-token-id={id}>
              <span className="numeric">{id}</span> {text}{' '}
              <span className="note numeric">{t('tokenizer.addedRow', { times, tokens })}</span>
            </li>
          ))}
        </ul>
      </details>
    </div>
  )
}

/** Rows that the embedding and the head would gain. */
function Growth({ count }: { count: number }) {
  const t = useTranslate()
  const id = useId()
  const { facts, isModels } = useSlot('a')
  const size = facts?.size ?? 0
  const hidden = useApp((state) => (isModels ? (answeringModel(state.model)?.hidden ?? null) : null))
  const [width, setWidth] = useState<number | null>(null)
  const shown = width ?? hidden ?? WIDTH
  return (
    <p className="tokenizer-growth numeric">
      <label htmlFor={id}>{t('tokenizer.width')}</label>{' '}
      <input
        id={id}
        type="number"
        className="input"
        min={1}
        value={shown}
        onChange={({ currentTarget }) => {
          const next = Math.round(currentTarget.valueAsNumber)
          if (next > 0) setWidth(next)
        }}
      />{' '}
      {t('tokenizer.growth', {
        rows: formatCount(count),
        size: formatCount(size),
        total: formatCount(size + count),
        parameters: formatCount(count * shown),
        both: formatCount(2 * count * shown),
        share: size === 0 ? '–' : ((count / size) * 100).toFixed(2),
      })}
    </p>
  )
}
