import type { KeyboardEvent, ReactNode } from 'react'

interface TokenListboxProps {
  /** What the ids of its options begin with. */
  id: string
  label: string
  testId: string
  /** Row of the chosen token. */
  selected: number | null
  rows: number
  /** Tokens are coloured by how surprising they are. */
  surprisal?: boolean
  onChoose: (row: number | null) => void
  onHover?: (row: number | null) => void
  /** Options that carry `data-row`. */
  children: ReactNode
}

/** A text of which one token is chosen, by a click or by the arrow keys. */
export function TokenListbox(props: TokenListboxProps) {
  const { id, label, testId, selected, rows, surprisal = false, onChoose, onHover, children } = props
  return (
    <div
      className="stream score-stream"
      data-colour={surprisal ? 'surprisal' : undefined}
      data-arrows=""
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-activedescendant={selected === null ? undefined : `${id}-${selected}`}
      data-testid={testId}
      onKeyDown={(event) => moveChoice(event, selected, rows, onChoose)}
      onPointerOver={(event) => event.pointerType === 'mouse' && onHover?.(rowAt(event.target))}
      onPointerLeave={() => onHover?.(null)}
      onClick={(event) => {
        const row = rowAt(event.target)
        onChoose(row === selected ? null : row)
      }}
    >
      {children}
    </div>
  )
}

function rowAt(target: EventTarget): number | null {
  const row = target instanceof Element ? target.closest('[data-row]')?.getAttribute('data-row') : null
  return row === null || row === undefined ? null : Number(row)
}

function moveChoice(
  event: KeyboardEvent,
  selected: number | null,
  rows: number,
  choose: (row: number) => void,
): void {
  const at = selected ?? -1
  const moves: Readonly<Record<string, number>> = {
    ArrowRight: at + 1,
    ArrowLeft: selected === null ? rows - 1 : at - 1,
    Home: 0,
    End: rows - 1,
  }
  const to = moves[event.key]
  if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  choose(Math.min(rows - 1, Math.max(0, to)))
}
