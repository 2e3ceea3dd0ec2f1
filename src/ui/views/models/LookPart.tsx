import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'
import type { SourceReport } from '../../../api/source.ts'
import { DEFAULT_HUB } from '../../../state/models.ts'
import { allowOrigin } from '../../../state/origins.ts'
import { formatBytes, formatCount, formatMagnitude } from '../../../maths/format.ts'
import { useSession, useTranslate } from '../../context.ts'
import { Download } from './Download.tsx'
import { useModels, useModelsState } from './hooks.ts'
import { Verdict } from './Verdict.tsx'

/** What a source holds and whether it will run, before anything large is downloaded. */
export function LookPart() {
  const t = useTranslate()
  const look = useModelsState((state) => state.look)
  switch (look.kind) {
    case 'none':
      return null
    case 'looking':
      return (
        <section className="models-part" aria-busy="true">
          <ReadingBar words={t('models.looking', { name: look.source })} />
        </section>
      )
    case 'failed':
      return <Failed />
    case 'seen':
      return <Seen source={look.source} report={look.report} />
  }
}

function Failed() {
  const models = useModels()
  const t = useTranslate()
  const look = useModelsState((state) => state.look)
  if (look.kind !== 'failed') return null
  const { source, error } = look
  const { origin } = error.details
  const asksForToken = error.details['got'] === 401 || error.details['got'] === 403
  return (
    <section className="models-part" aria-label={source}>
      <h2 className="models-name">{source}</h2>
      <ErrorNotice testId="models-error" error={error} />
      {asksForToken && <TokenField source={source} />}
      {typeof origin === 'string' && (
        <button
          type="button"
          className="button button-primary"
          data-testid="origin-allow"
          onClick={() => allowOrigin(origin, 'model', source)}
        >
          {t('models.allow', { origin })}
        </button>
      )}
      <button type="button" className="button" onClick={() => void models.look(source)}>
        {t('models.again')}
      </button>
    </section>
  )
}

/** A token of the hub, held in memory. */
function TokenField({ source }: { source: string }) {
  const models = useModels()
  const session = useSession()
  const t = useTranslate()
  const host = new URL(session.hub.endpoint ?? DEFAULT_HUB).host
  return (
    <form
      className="models-field"
      onSubmit={(event) => {
        event.preventDefault()
        const token = new FormData(event.currentTarget).get('token')
        event.currentTarget.reset()
        if (typeof token !== 'string') return
        models.setToken(token.trim())
        void models.look(source)
      }}
    >
      <label className="eyebrow" htmlFor="hub-token">
        {t('models.token')}
      </label>
      <span className="models-row">
        <input
          id="hub-token"
          name="token"
          type="password"
          className="input"
          data-testid="hub-token"
          autoComplete="off"
        />
        <button type="submit" className="button">
          {t('models.tokenUse')}
        </button>
      </span>
      <span className="note">{t('models.tokenNote', { host })}</span>
    </form>
  )
}

function Seen({ source, report }: { source: string; report: SourceReport }) {
  const t = useTranslate()
  return (
    <section className="models-part" aria-label={report.id} data-testid="models-look">
      <h2 className="models-name">{report.id}</h2>
      <FileChoice source={source} report={report} />
      {report.kind === 'adapter' ? (
        <p>{t('models.isAdapter')}</p>
      ) : (
        <>
          <Verdict report={report} />
          <Facts report={report} />
          <Download source={source} report={report} />
        </>
      )}
      <Files report={report} />
    </section>
  )
}

/** Another of several GGUF files of the same model. */
function FileChoice({ source, report: { file, choices, files } }: { source: string; report: SourceReport }) {
  const models = useModels()
  const t = useTranslate()
  if (file === null || choices.length < 2) return null
  const sizeOf = (name: string): string => {
    const bytes = files.find((one) => one.name === name)?.bytes
    return bytes ? ` (${formatBytes(bytes)})` : ''
  }
  const base = source.replace(/\/[^/@]+\.gguf$/i, '')
  return (
    <label className="models-file cluster gap-2">
      <span className="eyebrow">{t('models.file')}</span>
      <select
        className="select"
        data-testid="hub-file"
        value={file}
        onChange={({ currentTarget }) => void models.look(`${base}/${currentTarget.value}`)}
      >
        {choices.map((name) => (
          <option key={name} value={name}>
            {name}
            {sizeOf(name)}
          </option>
        ))}
      </select>
    </label>
  )
}

function Facts({ report }: { report: SourceReport }) {
  const t = useTranslate()
  const speed = useModelsState((state) => state.lastSpeed)
  const rows: [string, string][] = [
    [t('models.fact.architecture'), report.architecture],
    [t('models.fact.parameters'), formatMagnitude(report.parameters)],
    [t('models.fact.weights'), report.weights],
    [t('models.fact.context'), t('models.fact.contextValue', { count: formatCount(report.context) })],
    [t('models.fact.license'), report.license ?? t('models.fact.unknown')],
    [t('models.fact.bytes'), formatBytes(report.bytes)],
  ]
  if (speed !== null && report.bytes > 0) {
    const seconds = report.bytes / speed
    const time =
      seconds < 90
        ? t('models.seconds', { count: Math.max(1, Math.round(seconds)) })
        : seconds < 5400
          ? t('models.minutes', { count: Math.round(seconds / 60) })
          : t('models.hours', { count: (seconds / 3600).toFixed(1) })
    rows.push([t('models.fact.time'), `${time} ${t('models.timeAt', { speed: formatBytes(speed) })}`])
  }
  if (report.baseModels.length > 0) rows.push([t('models.fact.base'), report.baseModels.join(', ')])
  if (report.commit !== null) rows.push([t('models.fact.commit'), report.commit.slice(0, 10)])
  return (
    <dl className="models-facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt className="eyebrow">{name}</dt>
          <dd className="numeric">{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function Files({ report: { files } }: { report: SourceReport }) {
  const t = useTranslate()
  const needed = files.filter((file) => file.needed).length
  return (
    <details className="models-files">
      <summary>{t('models.files', { count: files.length, needed })}</summary>
      <ul>
        {files.map(({ name, bytes, needed: reads }) => (
          <li key={name} data-needed={reads}>
            <span>{name}</span>
            <span className="numeric">{bytes === null ? '' : formatBytes(bytes)}</span>
          </li>
        ))}
      </ul>
    </details>
  )
}
