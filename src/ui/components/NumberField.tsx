import { useState } from 'react'

interface NumberFieldProps {
  label: string
  /** A whole number from 0. */
  value: number
  onChange: (value: number) => void
}

/** A position in a box; what is no position while it is being typed reverts on leaving. */
export function NumberField({ label, value, onChange }: NumberFieldProps) {
  const [draft, setDraft] = useState<string | null>(null)
  return (
    <input
      type="text"
      inputMode="numeric"
      className="number edit-number"
      aria-label={label}
      title={label}
      value={draft ?? String(value)}
      onChange={(event) => {
        const text = event.currentTarget.value
        setDraft(text)
        if (/^\d{1,6}$/.test(text)) onChange(Number(text))
      }}
      onBlur={() => setDraft(null)}
    />
  )
}
