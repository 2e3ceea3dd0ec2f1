interface SelectFieldProps<T extends string | number> {
  label: string
  testId?: string
  value: T
  options: readonly { value: T; label: string }[]
  onChange: (value: T) => void
}

/** One of a list, with its name before it. */
export function SelectField<T extends string | number>({
  label,
  testId,
  value,
  options,
  onChange,
}: SelectFieldProps<T>) {
  return (
    <label className="edit-field">
      <span className="note">{label}</span>
      <select
        className="select"
        data-testid={testId}
        value={value}
        onChange={(event) => {
          const chosen = options[event.currentTarget.selectedIndex]
          if (chosen !== undefined) onChange(chosen.value)
        }}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </label>
  )
}
