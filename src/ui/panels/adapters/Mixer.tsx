import { useState } from 'react'
import type { Absent } from '../../../store/adapters.ts'
import { answeringModel } from '../../../store/app.ts'
import { Icon } from '../../components/Icon.tsx'
import { useApp, useTranslate } from '../../context.ts'
import { useAdapters, useAdaptersState, useMix, useMixText } from './hooks.ts'
import { CompareToggle } from './MixChip.tsx'
import { MixerRow } from './MixerRow.tsx'
import { saveFile } from './saveFile.ts'

/** One row per adapter, as on a mixing desk; the sum of all acts on every token. */
export function Mixer() {
  const t = useTranslate()
  const tracks = useAdaptersState((state) => state.tracks)
  const pending = useAdaptersState((state) => state.pending)
  const absent = useAdaptersState((state) => state.absent)
  const [dragged, setDragged] = useState<string | null>(null)
  return (
    <section className="mixer" aria-label={t('mixer.label')}>
      <Desk />
      <ol className="mixer-rows">
        {tracks.map((track, index) => (
          <MixerRow key={track.id} track={track} index={index} dragged={dragged} onDrag={setDragged} />
        ))}
      </ol>
      {pending.map((name) => (
        <p key={name} className="mixer-pending" role="status">
          <progress aria-label={t('mixer.reading', { name })} />
          {t('mixer.reading', { name })}
        </p>
      ))}
      {absent.map((one) => (
        <AbsentRow key={`${one.name} ${one.origin.kind}`} absent={one} />
      ))}
    </section>
  )
}

/** What acts, and what can be done with the mix as a whole. */
function Desk() {
  const t = useTranslate()
  const text = useMixText()
  const mix = useMix()
  const merged = useAdaptersState((state) => state.merged !== null)
  return (
    <div className="desk">
      <p className="desk-mix">
        <span className="eyebrow">{t(merged ? 'mixer.merged' : 'mixer.acting')}</span>{' '}
        <output className="desk-formula" data-testid="adapter-mix">
          {text(mix)}
        </output>
      </p>
      <div className="desk-actions">
        <CompareToggle />
        <MergeButton />
        <ExportButtons />
      </div>
      {merged && <p className="note desk-note">{t('mixer.mergedHint')}</p>}
    </div>
  )
}

function MergeButton() {
  const adapters = useAdapters()
  const t = useTranslate()
  const mix = useMix()
  const weights = useApp((state) => answeringModel(state.model)?.weights ?? null)
  const merged = useAdaptersState((state) => state.merged !== null)
  const working = useAdaptersState((state) => state.working)
  const packed = weights !== 'f16' && weights !== 'f32'
  const reason = packed ? t('mixer.mergePacked', { weights: weights ?? '' }) : t('mixer.mergeHint')
  if (merged) {
    return (
      <button
        type="button"
        className="button"
        data-testid="adapter-unmerge"
        disabled={working !== null}
        onClick={() => void adapters.unmerge()}
      >
        {t(working === 'unmerge' ? 'mixer.unmerging' : 'mixer.unmerge')}
      </button>
    )
  }
  return (
    <button
      type="button"
      className="button"
      data-testid="adapter-merge"
      title={reason}
      disabled={working !== null || packed || mix.length === 0}
      onClick={() => void adapters.merge()}
    >
      {t(working === 'merge' ? 'mixer.merging' : 'mixer.merge')}
    </button>
  )
}

function ExportButtons() {
  const adapters = useAdapters()
  const t = useTranslate()
  const mix = useMix()
  const merged = useAdaptersState((state) => state.merged !== null)
  const working = useAdaptersState((state) => state.working)
  const disabled = working !== null || merged || mix.length === 0
  const save = (format: 'peft' | 'merged') =>
    void adapters.export(format).then((packed) => packed !== null && saveFile(packed))
  return (
    <>
      <button
        type="button"
        className="button"
        data-testid="adapter-export"
        title={t(merged ? 'mixer.exportMerged' : 'mixer.exportHint')}
        disabled={disabled}
        onClick={() => save('peft')}
      >
        <Icon name="download" />
        {t('mixer.export')}
      </button>
      <button
        type="button"
        className="button"
        data-testid="adapter-export-merged"
        title={t(merged ? 'mixer.exportMerged' : 'mixer.exportModelHint')}
        disabled={disabled}
        onClick={() => save('merged')}
      >
        <Icon name="download" />
        {t('mixer.exportModel')}
      </button>
    </>
  )
}

/** An adapter of before: its files are gone with the page, or this model cannot carry it. */
function AbsentRow({ absent }: { absent: Absent }) {
  const adapters = useAdapters()
  const t = useTranslate()
  const { name, refused } = absent
  return (
    <div className="mixer-absent" data-testid="adapter-absent">
      <Icon name={refused === null ? 'open' : 'warning'} />
      <p>
        <strong>{name}</strong>{' '}
        {refused === null
          ? t('mixer.dropAgain')
          : `${t('mixer.refused', { model: refused.model })} ${refused.error.message}`}
      </p>
      {refused !== null && (
        <button type="button" className="button button-small" onClick={() => void adapters.retry(absent)}>
          {t('mixer.retry')}
        </button>
      )}
      <button
        type="button"
        className="button button-icon"
        aria-label={t('mixer.forget', { name })}
        title={t('mixer.forget', { name })}
        onClick={() => adapters.forget(absent)}
      >
        <Icon name="close" />
      </button>
    </div>
  )
}
