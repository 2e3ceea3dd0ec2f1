import { ReadingBar } from '../../components/ReadingBar.tsx'
import { useState } from 'react'
import type { Absent } from '../../../state/adapterState.ts'
import { answeringModel, isRunning } from '../../../state/app.ts'
import { ErrorWords } from '../../components/ErrorWords.tsx'
import { Icon } from '../../components/Icon.tsx'
import { useApp, useTranslate } from '../../context.ts'
import { useScales, useScalesText } from '../../components/useScales.ts'
import { partsOfExport, sameStem } from '../../../state/adapterFiles.ts'
import { useAdaptersState, useComing } from './hooks.ts'
import { useAdapterActions } from './useAdapterActions.ts'
import { CompareToggle } from './ScalesChip.tsx'
import { AdapterRow } from './AdapterRow.tsx'
import { formatBytes } from '../../../maths/format.ts'
import { saveFile } from '../../components/saveFile.ts'

/** One row per adapter, with its slider; the sum of all acts on every token. */
export function ScalesDesk() {
  const t = useTranslate()
  const tracks = useAdaptersState((state) => state.tracks)
  const coming = useComing()
  const absent = useAdaptersState((state) => state.absent)
  const [dragged, setDragged] = useState<string | null>(null)
  return (
    <section className="desk-view" aria-label={t('scales.label')}>
      <Desk />
      <ol>
        {tracks.map((track, index) => (
          <AdapterRow key={track.id} track={track} index={index} dragged={dragged} onDrag={setDragged} />
        ))}
      </ol>
      {coming.map((name) => (
        <div key={name} className="desk-pending" data-testid="adapter-coming">
          <ReadingBar words={t('scales.reading', { name })} />
        </div>
      ))}
      {absent.map((one) => (
        <AbsentRow key={`${one.name} ${one.origin.kind}`} absent={one} />
      ))}
    </section>
  )
}

/** What acts, and what can be done with all of them. */
function Desk() {
  const t = useTranslate()
  const text = useScalesText()
  const scales = useScales()
  const merged = useAdaptersState((state) => state.merged !== null)
  const running = useApp((state) => isRunning(state.run))
  return (
    <div className="desk cluster">
      <p className="desk-scales">
        <span className="eyebrow">{t(merged ? 'scales.merged' : 'scales.acting')}</span>{' '}
        <output className="desk-formula" data-testid="adapter-scales">
          {text(scales)}
        </output>
        {running && <span className="note"> {t('scales.whileWriting')}</span>}
      </p>
      <div className="desk-actions">
        <CompareToggle />
        <MergeButton />
        <ExportButtons />
      </div>
      {merged && <p className="note desk-note">{t('scales.mergedHint')}</p>}
      <Doubled />
    </div>
  )
}

/** An adapter made of others, beside those others: their effect counts twice. */
function Doubled() {
  const t = useTranslate()
  const scales = useScales()
  const names = scales.map(({ name }) => name)
  const doubled = scales.find(({ name }) => {
    const parts = partsOfExport(name)
    return (
      parts.length > 0 && parts.every((part) => part !== name && names.some((one) => sameStem(one, part)))
    )
  })
  if (doubled === undefined) return null
  return (
    <p className="note desk-note" role="status" data-testid="adapter-doubled">
      {t('scales.doubled', { name: doubled.name })}
    </p>
  )
}

function MergeButton() {
  const adapters = useAdapterActions()
  const t = useTranslate()
  const scales = useScales()
  const weights = useApp((state) => answeringModel(state.model)?.weights ?? null)
  const merged = useAdaptersState((state) => state.merged !== null)
  const working = useAdaptersState((state) => state.working)
  const packed = weights !== 'f16' && weights !== 'f32'
  const reason = packed ? t('scales.mergePacked', { weights: weights ?? '' }) : t('scales.mergeHint')
  if (merged) {
    return (
      <button
        type="button"
        className="button"
        data-testid="adapter-unmerge"
        disabled={working !== null}
        onClick={() => void adapters.unmerge()}
      >
        {t(working === 'unmerge' ? 'scales.unmerging' : 'scales.unmerge')}
      </button>
    )
  }
  return (
    <button
      type="button"
      className="button"
      data-testid="adapter-merge"
      title={reason}
      disabled={working !== null || packed || scales.length === 0}
      onClick={() => void adapters.merge()}
    >
      {t(working === 'merge' ? 'scales.merging' : 'scales.merge')}
    </button>
  )
}

function ExportButtons() {
  const adapters = useAdapterActions()
  const t = useTranslate()
  const scales = useScales()
  const merged = useAdaptersState((state) => state.merged !== null)
  const working = useAdaptersState((state) => state.working)
  const disabled = working !== null || merged || scales.length === 0
  const [saved, setSaved] = useState<{ name: string; bytes: number } | null>(null)
  const save = (format: 'peft' | 'gguf' | 'merged') => {
    setSaved(null)
    void adapters.export(format).then((packed) => {
      if (packed === null) return
      saveFile(packed)
      setSaved({ name: packed.name, bytes: packed.blob.size })
    })
  }
  return (
    <>
      <button
        type="button"
        className="button"
        data-testid="adapter-export"
        title={t(merged ? 'scales.exportMerged' : 'scales.exportHint')}
        disabled={disabled}
        onClick={() => save('peft')}
      >
        <Icon name="download" />
        {t('scales.export')}
      </button>
      <button
        type="button"
        className="button"
        data-testid="adapter-export-gguf"
        title={t(merged ? 'scales.exportMerged' : 'scales.exportGgufHint')}
        disabled={disabled}
        onClick={() => save('gguf')}
      >
        <Icon name="download" />
        {t('scales.exportGguf')}
      </button>
      <button
        type="button"
        className="button"
        data-testid="adapter-export-merged"
        title={t(merged ? 'scales.exportMerged' : 'scales.exportModelHint')}
        disabled={disabled}
        onClick={() => save('merged')}
      >
        <Icon name="download" />
        {t('scales.exportModel')}
      </button>
      <span className="note desk-saved" role="status" data-testid="adapter-saved">
        {working === 'export' && t('scales.exporting')}
        {saved !== null && t('scales.saved', { name: saved.name, bytes: formatBytes(saved.bytes) })}
      </span>
    </>
  )
}

/** An adapter of before: its files are gone with the page, or this model cannot carry it. */
function AbsentRow({ absent }: { absent: Absent }) {
  const adapters = useAdapterActions()
  const t = useTranslate()
  const { name, refused } = absent
  return (
    <div className="desk-absent" data-testid="adapter-absent">
      <Icon name={refused === null ? 'open' : 'warning'} />
      <p>
        <strong>{name}</strong>{' '}
        {refused === null ? (
          t('scales.dropAgain')
        ) : (
          <>
            {t('scales.refused', { model: refused.model })}{' '}
            <ErrorWords error={refused.error} part="message" />
          </>
        )}
      </p>
      {refused !== null && (
        <button type="button" className="button button-small" onClick={() => void adapters.retry(absent)}>
          {t('scales.retry')}
        </button>
      )}
      <button
        type="button"
        className="button button-icon"
        aria-label={t('scales.forget', { name })}
        title={t('scales.forget', { name })}
        onClick={() => adapters.dropAbsent(absent)}
      >
        <Icon name="close" />
      </button>
    </div>
  )
}
