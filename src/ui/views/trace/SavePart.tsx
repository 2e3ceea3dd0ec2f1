import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import { useEffect, useState } from 'react'
import { answeringModel, isRunning, remoteOf } from '../../../state/app.ts'
import { KEEP_NAMES, keepSizes, MAX_BYTES, sizeOf, type Keep } from './store.ts'
import { Icon } from '../../components/Icon.tsx'
import { useApp, useSession, useSlowTokenLog, useTranslate } from '../../context.ts'
import { formatBytes, formatCount } from '../../../maths/format.ts'
import { saveFile } from '../../components/saveFile.ts'
import { useSavedState, useSavedTraces } from './hooks.ts'

type Sizes = Awaited<ReturnType<typeof keepSizes>>

/** The run on the page as a file: what to keep of it, how large that is, and the download. */
export function SavePart() {
  const t = useTranslate()
  const log = useSlowTokenLog(200)
  const running = useApp((state) => isRunning(state.run))
  const model = useApp((state) => answeringModel(state.model)?.id ?? null)
  const far = useApp(remoteOf)
  const rows = log.promptIds.length + log.tokens.length
  const missing = (): string | null => {
    if (far) return t('far.inside')
    if (running) return t('trace.running')
    if (rows === 0 || model === null) return t('trace.noText')
    return log.modelId === model ? null : t('trace.otherModel')
  }
  const reason = missing()
  return (
    <section className="trace-part" aria-label={t('trace.save')}>
      <h2 className="region-title">{t('trace.save')}</h2>
      <p className="note">{t('trace.saveHint')}</p>
      {reason === null ? <Choices rows={rows} /> : <p className="trace-reason">{reason}</p>}
    </section>
  )
}

/** Sizes for a text of `rows` tokens; null until they are known. */
function useSizes(rows: number): Sizes | null {
  const session = useSession()
  const { model } = session
  const [loaded, setLoaded] = useState<{ rows: number; of: typeof model; sizes: Sizes } | null>(null)
  useEffect(() => {
    if (model === null) return
    let wanted = true
    keepSizes(model, rows).then(
      (sizes) => wanted && setLoaded({ rows, of: model, sizes }),
      (error: unknown) => wanted && session.report(error),
    )
    return () => {
      wanted = false
    }
  }, [session, model, rows])
  return loaded !== null && loaded.rows === rows && loaded.of === model ? loaded.sizes : null
}

function Choices({ rows }: { rows: number }) {
  const t = useTranslate()
  const traces = useSavedTraces()
  const parts = useSavedState((state) => state.parts)
  const saving = useSavedState((state) => state.saving.kind === 'saving')
  const sizes = useSizes(rows)
  const size = sizes === null ? null : sizeOf(parts, sizes)
  const tooLarge = size !== null && size > MAX_BYTES
  const save = () => {
    void traces.save().then((file) => file !== null && saveFile(file))
  }
  return (
    <>
      <fieldset className="trace-keep">
        <legend className="eyebrow">{t('trace.keep')}</legend>
        {KEEP_NAMES.map((one) => (
          <KeepLine key={one} one={one} size={sizes?.[one] ?? null} />
        ))}
      </fieldset>
      <p className="note numeric" data-testid="trace-size" data-bytes={size ?? undefined}>
        {size === null ? '…' : t('trace.atMost', { bytes: formatBytes(size) })}
      </p>
      {tooLarge && (
        <p className="steps-note">
          {t('trace.tooLarge', { bytes: formatBytes(size), limit: formatBytes(MAX_BYTES) })}
        </p>
      )}
      <div className="trace-actions">
        <button
          type="button"
          className="button button-primary"
          data-testid="trace-save"
          disabled={saving || tooLarge}
          onClick={save}
        >
          <Icon name="download" />
          {t('trace.saveFile')}
        </button>
      </div>
      <SaveState />
    </>
  )
}

function KeepLine({ one, size }: { one: Keep; size: number | null }) {
  const t = useTranslate()
  const traces = useSavedTraces()
  const parts = useSavedState((state) => state.parts)
  const covered = one !== 'everything' && parts.includes('everything')
  return (
    <label className="check trace-keep-line">
      <input
        type="checkbox"
        data-testid={`trace-keep-${one}`}
        checked={covered || parts.includes(one)}
        disabled={covered}
        onChange={() => traces.toggleKeep(one)}
      />
      <span>{t(`trace.keep.${one}`)}</span>
      <span className="numeric trace-keep-size">{size === null ? '…' : formatBytes(size)}</span>
    </label>
  )
}

function SaveState() {
  const t = useTranslate()
  const saving = useSavedState((state) => state.saving)
  switch (saving.kind) {
    case 'idle':
      return null
    case 'saving':
      return <ReadingBar words={t('trace.saving', { count: formatCount(saving.tokens) })} />
    case 'saved':
      return (
        <p className="note numeric" role="status" data-testid="trace-saved">
          {t('trace.saved', { name: saving.name, bytes: formatBytes(saving.bytes) })}
        </p>
      )
    case 'failed':
      return <ErrorNotice testId="error" title={t('trace.saveFailed')} error={saving.error} />
  }
}
