import type { LoadProgress, ModelInfo } from '../../api/model.ts'
import { statusOf, type ModelPhase } from '../../state/app.ts'
import { useApp, useSession, useTranslate } from '../context.ts'
import { later } from '../views/later.tsx'
import { formatBytes, formatCount, formatMagnitude, formatMyriads } from '../../maths/format.ts'

const EngineBadge = later(async () => (await import('../views/elsewhere/EngineBadge.tsx')).EngineBadge)

/** One line on the model: its state, what it runs on, and whether it computes, for the text or for something else. */
export function ModelStatus() {
  const t = useTranslate()
  const model = useApp((state) => state.model)
  const word = useApp((state) => statusOf(state.model, state.run))
  const busy = useApp((state) => state.working && state.model.kind === 'ready')
  return (
    <div className="status row" role="status" data-testid="model-status" data-state={word} data-busy={busy}>
      <span className="status-word">
        <span className="status-dot" aria-hidden="true" />
        {t(busy && word === 'ready' ? 'status.working' : `status.${word}`)}
      </span>
      {model.kind === 'loading' ? (
        <Progress phase={model} />
      ) : (
        'info' in model &&
        model.info !== null &&
        (model.info.remote ? <EngineBadge /> : <Badge info={model.info} />)
      )}
    </div>
  )
}

function Badge({ info }: { info: ModelInfo }) {
  const t = useTranslate()
  const shape = t('model.shape', { layers: info.layers, heads: info.heads, vocab: formatCount(info.vocab) })
  const { parameters } = info
  const magnitude = useApp((state) => (state.language === 'ko' ? formatMyriads : formatMagnitude))
  const parts: [string, string, string][] = [
    ['backend', t('model.backend'), info.backend],
    ['variant', t('model.variant'), info.variant.name],
    ['weights', t('model.weights'), info.weights],
  ]
  return (
    <span className="badge" title={`${info.architecture} · ${shape}`}>
      <span className="badge-part">{t('model.parameters', { count: magnitude(parameters) })}</span>
      {parts.map(([name, label, value]) => (
        <span key={name} className={`badge-part badge-${name}`} title={label}>
          <span className="visually-hidden">{label} </span>
          {value}
        </span>
      ))}
      {info.warnings.length > 0 && (
        <span className="badge-part badge-warning" title={info.warnings.join('\n')}>
          {t('model.warnings', { count: info.warnings.length })}
        </span>
      )}
    </span>
  )
}

/** Speed and time left, once enough has come in to say. */
function estimate({ stage, bytesDone, bytesTotal }: LoadProgress, elapsedMs: number) {
  if (stage !== 'weights' || bytesDone === 0 || elapsedMs < 300) return null
  const perSecond = (bytesDone * 1000) / elapsedMs
  return { perSecond, secondsLeft: Math.ceil(Math.max(0, bytesTotal - bytesDone) / perSecond) }
}

function Progress({ phase }: { phase: Extract<ModelPhase, { kind: 'loading' }> }) {
  const session = useSession()
  const t = useTranslate()
  const { stage, bytesDone, bytesTotal } = phase.progress
  const share = bytesTotal > 0 ? bytesDone / bytesTotal : null
  const pace = estimate(phase.progress, phase.elapsed)
  return (
    <span className="progress row">
      <span
        className={share === null ? 'progress-bar progress-unknown' : 'progress-bar'}
        role="progressbar"
        aria-label={t('progress.label', { name: phase.label })}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={share === null ? undefined : Math.round(share * 100)}
        style={{ '--share': share ?? 0 }}
      />
      <span className="progress-stage">{t(`stage.${stage}`)}</span>
      {bytesTotal > 0 && (
        <span className="numeric">
          {formatBytes(bytesDone)} / {formatBytes(bytesTotal)}
        </span>
      )}
      {pace !== null && <span className="numeric progress-pace">{formatBytes(pace.perSecond)}/s</span>}
      {pace !== null && pace.secondsLeft > 0 && (
        <span className="numeric progress-pace">{t('progress.left', { seconds: pace.secondsLeft })}</span>
      )}
      <button type="button" className="button button-quiet" onClick={() => session.cancelLoad()}>
        {t('progress.cancel')}
      </button>
    </span>
  )
}
