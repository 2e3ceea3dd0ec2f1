import type { ReactNode } from 'react'
import { Icon, type IconName } from './Icon.tsx'

interface TransportButtonProps {
  icon: IconName
  label: string
  /** The key that does the same; shown on hover. */
  hint: string
  testId: string
  disabled?: boolean
  pressed?: boolean
  onClick: () => void
}

export function TransportButton(props: TransportButtonProps) {
  const { icon, label, hint, testId, disabled = false, pressed, onClick } = props
  return (
    <button
      type="button"
      className="button button-icon"
      data-testid={testId}
      aria-label={label}
      aria-pressed={pressed}
      title={`${label} (${hint})`}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  )
}

interface ScrubberProps {
  label: string
  testId: string
  /** Index of the place, and how many there are. */
  value: number
  count: number
  /** What a screen reader says instead of the number. */
  valueText: string
  /** Marks along the track, as shares 0…1. */
  ticks: readonly { at: number; kind: 'layer' | 'break' | 'prompt' }[]
  onChange: (value: number) => void
  children?: ReactNode
}

/** A range over places in an order, with marks along its track. */
export function Scrubber({ label, testId, value, count, valueText, ticks, onChange }: ScrubberProps) {
  const share = count > 1 ? value / (count - 1) : 0
  return (
    <div className="scrubber">
      <div className="scrubber-ticks" aria-hidden="true">
        {ticks.map(({ at, kind }) => (
          <span key={`${kind}${at}`} className={`tick tick-${kind}`} style={{ '--at': at }} />
        ))}
      </div>
      <input
        type="range"
        className="slider"
        data-testid={testId}
        aria-label={label}
        aria-valuetext={valueText}
        min={0}
        max={Math.max(0, count - 1)}
        step={1}
        value={Math.max(0, value)}
        disabled={count === 0}
        style={{ '--share': share }}
        onChange={(event) => onChange(event.currentTarget.valueAsNumber)}
      />
    </div>
  )
}
