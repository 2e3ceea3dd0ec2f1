import { memo, useEffect, useRef, type CSSProperties, type RefObject } from 'react'
import { visibleText } from '../../state/characterGroups.ts'

interface TokenButtonProps {
  className: string
  row: number
  id: number
  text: string
  /** Position and text in words. */
  name: string
  selected: boolean
  title?: string
  /** Step of the palette behind it; null: none. */
  level?: number | null
  /** Where it stands in a line of its own, in CSS pixels; null in flowing text. */
  left?: number | null
  onSelect: (row: number) => void
}

/** A token of a text that is chosen by a click; Tab reaches the chosen one. */
export const TokenButton = memo(function TokenButton(props: TokenButtonProps) {
  const { className, row, id, text, name, selected, title, level = null, left = null, onSelect } = props
  const style: CSSProperties = {
    ...(level === null ? {} : { '--swatch': `var(--seq-${level})` }),
    ...(left === null ? {} : { left }),
  }
  return (
    <button
      type="button"
      className={className}
      data-testid="row-token"
      data-row={row}
      data-token-id={id}
      aria-pressed={selected}
      aria-label={name}
      title={title}
      tabIndex={selected ? 0 : -1}
      style={style}
      onClick={() => onSelect(row)}
    >
      {text === '' ? <span className="token-bar-special">{id}</span> : visibleText(text)}
    </button>
  )
})

/** Scrolls so far that the chosen token of a bar is on show, whenever one of `causes` has changed. */
export function useChosenInView(
  inline: ScrollLogicalPosition,
  ...causes: readonly [row: number, ids: readonly number[], texts: readonly string[]]
): RefObject<HTMLDivElement | null> {
  const bar = useRef<HTMLDivElement>(null)
  const [row, ids, texts] = causes
  useEffect(() => {
    bar.current?.querySelector('[aria-pressed="true"]')?.scrollIntoView({ block: 'nearest', inline })
  }, [inline, row, ids, texts])
  return bar
}
