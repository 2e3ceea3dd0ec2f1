import { useState, type DragEvent, type KeyboardEvent } from 'react'
import {
  actingScale,
  badgeOf,
  isIdle,
  SCALE_END,
  summaryOf,
  type Track,
} from '../../../state/adapterScales.ts'
import { Icon } from '../../components/Icon.tsx'
import { useTranslate } from '../../context.ts'
import { formatFixed } from '../../../maths/format.ts'
import { useAnatomy } from '../../components/reading.ts'
import { useAdaptersState, useSelectedTrack } from './hooks.ts'
import { useAdapterActions } from './useAdapterActions.ts'
import { formatNats } from '../../components/numbers.ts'

interface RowProps {
  track: Track
  index: number
  /** Id of the row being dragged. */
  dragged: string | null
  onDrag: (id: string | null) => void
}

export function AdapterRow({ track, index, dragged, onDrag }: RowProps) {
  const adapters = useAdapterActions()
  const solo = useAdaptersState((state) => state.solo)
  const selected = useSelectedTrack()?.id === track.id
  const muted = actingScale(track, solo) === 0
  return (
    <li
      className={muted ? 'track track-muted' : 'track'}
      data-testid="adapter-row"
      data-adapter-id={track.id}
      data-selected={selected}
      data-dragged={dragged === track.id}
      onDragOver={(event: DragEvent) => {
        if (dragged === null) return
        event.preventDefault()
        if (dragged !== track.id) adapters.move(dragged, index)
      }}
      onDrop={(event: DragEvent) => dragged !== null && event.preventDefault()}
    >
      <Grip track={track} index={index} onDrag={onDrag} />
      <Switches track={track} />
      <Name track={track} selected={selected} />
      <Fader track={track} />
      <EffectMeter track={track} />
      <RemoveButton track={track} />
    </li>
  )
}

/** Moves the row: dragged, or with the arrow keys. */
function Grip({ track, index, onDrag }: Pick<RowProps, 'track' | 'index' | 'onDrag'>) {
  const adapters = useAdapterActions()
  const t = useTranslate()
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : 0
    if (by === 0) return
    event.preventDefault()
    adapters.move(track.id, index + by)
  }
  return (
    <button
      type="button"
      className="grip"
      draggable
      aria-label={t('scales.move', { name: track.name, place: index + 1 })}
      title={t('scales.moveHint')}
      onKeyDown={onKeyDown}
      onDragStart={(event) => {
        event.dataTransfer.effectAllowed = 'move'
        event.dataTransfer.setData('text/plain', track.name)
        onDrag(track.id)
      }}
      onDragEnd={() => onDrag(null)}
    >
      <Icon name="grip" />
    </button>
  )
}

function Switches({ track }: { track: Track }) {
  const adapters = useAdapterActions()
  const t = useTranslate()
  const solo = useAdaptersState((state) => state.solo === track.id)
  const merged = useAdaptersState((state) => state.merged !== null)
  return (
    <span className="switches">
      <input
        type="checkbox"
        className="track-on"
        data-testid="adapter-enabled"
        aria-label={t('scales.enabled', { name: track.name })}
        title={t('scales.enabledHint')}
        checked={track.enabled}
        disabled={merged}
        onChange={(event) => adapters.setEnabled(track.id, event.currentTarget.checked)}
      />
      <button
        type="button"
        className="solo"
        data-testid="adapter-solo"
        aria-label={t('scales.solo', { name: track.name })}
        title={t('scales.soloHint')}
        aria-pressed={solo}
        disabled={merged}
        onClick={() => adapters.setSolo(solo ? null : track.id)}
      >
        S
      </button>
    </span>
  )
}

/** Name and what it is; choosing it shows its report. */
function Name({ track, selected }: { track: Track; selected: boolean }) {
  const adapters = useAdapterActions()
  const t = useTranslate()
  const anatomy = useAnatomy()
  const { rank, alpha, modules, layers } = summaryOf(track.report, anatomy)
  return (
    <div className="track-name">
      <button
        type="button"
        className="track-select one-line"
        aria-pressed={selected}
        title={t('scales.select')}
        onClick={() => adapters.select(track.id)}
      >
        {track.name}
      </button>
      <span className="tag">{badgeOf(track.report)}</span>
      {isIdle(track.report) && <span className="tag tag-warning">{t('scales.noEffect')}</span>}
      <p className="note numeric one-line">
        {t('scales.facts', { rank, alpha })} · {modules.join(' ')}
        {layers > 0 && ` · ${t('scales.layers', { count: layers })}`}
      </p>
    </div>
  )
}

/** Scale: slider from −2 to 2 with a mark at 0, and a box for any number. */
function Fader({ track }: { track: Track }) {
  const adapters = useAdapterActions()
  const t = useTranslate()
  const merged = useAdaptersState((state) => state.merged !== null)
  const [draft, setDraft] = useState<string | null>(null)
  const shown = Math.min(SCALE_END, Math.max(-SCALE_END, track.scale))
  const share = (shown + SCALE_END) / (2 * SCALE_END)
  return (
    <div className="fader row gap-1">
      <span className="fader-track">
        <input
          type="range"
          className="slider slider-signed"
          data-testid="adapter-scale"
          aria-label={t('scales.scale', { name: track.name })}
          min={-SCALE_END}
          max={SCALE_END}
          step={0.05}
          value={shown}
          disabled={merged}
          style={{ '--low': Math.min(share, 0.5), '--high': Math.max(share, 0.5) }}
          onChange={(event) => adapters.setScale(track.id, event.currentTarget.valueAsNumber)}
          onDoubleClick={() => adapters.setScale(track.id, 1)}
        />
        <span className="fader-zero" aria-hidden="true" />
      </span>
      <input
        type="text"
        className="number"
        inputMode="decimal"
        data-testid="adapter-scale-number"
        aria-label={t('scales.scaleNumber', { name: track.name })}
        value={draft ?? track.scale.toFixed(2)}
        disabled={merged}
        onChange={(event) => {
          const text = event.currentTarget.value
          setDraft(text)
          const value = Number(text.replace(',', '.').replace('−', '-'))
          if (text.trim() !== '' && Number.isFinite(value)) adapters.setScale(track.id, value)
        }}
        onBlur={() => setDraft(null)}
      />
    </div>
  )
}

/** Decades of KL the meter spans, up to 10 nats. */
const DECADES = 5

/** Measured on load at scale 1, against the base: a bar over the decades of mean KL, and both numbers. */
function EffectMeter({ track }: { track: Track }) {
  const t = useTranslate()
  const { effect } = track.report
  if (effect === null) return <span className="note">{t('scales.notMeasured')}</span>
  const { maxDeltaLogit, meanKl } = effect
  const share = meanKl <= 0 ? 0 : Math.min(1, Math.max(0, 1 + (Math.log10(meanKl) - 1) / DECADES))
  return (
    <div className="effect" title={t('scales.effectHint')}>
      <span className="effect-bar" aria-hidden="true">
        <span style={{ '--share': share }} />
      </span>
      <span className="numeric effect-numbers">
        {t('scales.effect', { logit: formatFixed(maxDeltaLogit, 2), kl: formatNats(meanKl) })}
      </span>
    </div>
  )
}

function RemoveButton({ track }: { track: Track }) {
  const adapters = useAdapterActions()
  const t = useTranslate()
  const merged = useAdaptersState((state) => state.merged !== null)
  return (
    <button
      type="button"
      className="button button-icon"
      data-testid="adapter-remove"
      aria-label={t('scales.remove', { name: track.name })}
      title={t('scales.remove', { name: track.name })}
      disabled={merged}
      onClick={() => void adapters.remove(track.id)}
    >
      <Icon name="close" />
    </button>
  )
}
