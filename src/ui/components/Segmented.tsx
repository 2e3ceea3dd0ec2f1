import { useId } from 'react'

interface SegmentedProps<T extends string> {
  label: string
  value: T
  choices: readonly { value: T; label: string }[]
  onChange: (value: T) => void
  /** Shows the label before the choices; otherwise only assistive technology reads it. */
  labelled?: boolean
}

/** A few choices of which one holds: radio buttons that look like one control. */
export function Segmented<T extends string>(props: SegmentedProps<T>) {
  const { label, value, choices, onChange, labelled = false } = props
  const name = useId()
  return (
    <fieldset className="segmented">
      <legend className={labelled ? 'segmented-label' : 'visually-hidden'}>{label}</legend>
      <span className="segmented-track">
        {choices.map((choice) => (
          <label key={choice.value} className="segment">
            <input
              type="radio"
              name={name}
              checked={choice.value === value}
              onChange={() => onChange(choice.value)}
            />
            <span>{choice.label}</span>
          </label>
        ))}
      </span>
    </fieldset>
  )
}
