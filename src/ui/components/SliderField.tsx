import { useId, useState, type ReactNode } from 'react'

interface SliderFieldProps {
  label: string
  sliderLabel: string
  hint: string
  /** Shows the hint below, for who cannot point at the name. */
  explained?: boolean
  testId: string
  value: number
  min: number
  max: number
  step: number
  digits: number
  /** Said instead of the number where the setting does nothing. */
  remark: string | null
  onChange: (value: number) => void
  /** False leaves only the number box, for values without a meaningful scale. */
  slider?: boolean
  action?: ReactNode
}

/** A number with a slider for the useful range and a box for any allowed value. */
export function SliderField(props: SliderFieldProps) {
  const {
    label,
    sliderLabel,
    hint,
    testId,
    value,
    min,
    max,
    step,
    remark,
    onChange,
    slider = true,
    explained = false,
    action,
  } = props
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id} className="field-label" title={hint}>
        {label}
      </label>
      {remark !== null && <span className="field-remark">{remark}</span>}
      {action}
      <NumberBox {...props} id={id} hint={hint} />
      {slider && (
        <input
          type="range"
          className="slider"
          aria-label={sliderLabel}
          data-for={testId}
          min={min}
          max={max}
          step={step}
          value={Math.min(max, Math.max(min, value))}
          style={{ '--share': (Math.min(max, Math.max(min, value)) - min) / (max - min) }}
          onChange={(event) => onChange(event.currentTarget.valueAsNumber)}
        />
      )}
      {explained && <p className="field-hint note">{hint}</p>}
    </div>
  )
}

/** Keeps what is being typed; each readable number takes effect at once, an unreadable one reverts on Enter or on leaving. */
function NumberBox({ id, hint, testId, value, digits, onChange }: SliderFieldProps & { id: string }) {
  const [draft, setDraft] = useState<string | null>(null)
  const shown = digits === 0 ? String(value) : value.toFixed(Math.max(digits, decimals(value)))
  return (
    <input
      id={id}
      className="number"
      type="text"
      inputMode={digits === 0 ? 'numeric' : 'decimal'}
      role="spinbutton"
      aria-valuenow={value}
      title={hint}
      data-testid={testId}
      value={draft ?? shown}
      onChange={(event) => {
        const text = event.currentTarget.value
        setDraft(text)
        const number = Number(text.replace(',', '.'))
        if (text.trim() !== '' && Number.isFinite(number)) onChange(number)
      }}
      onBlur={() => setDraft(null)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') setDraft(null)
      }}
    />
  )
}

function decimals(value: number): number {
  return Math.min(4, String(value).split('.')[1]?.length ?? 0)
}
