import { memo, useCallback, type KeyboardEvent } from 'react'
import { visibleText } from '../../../state/characterGroups.ts'
import { selectRow } from '../../../state/selection.ts'
import { useSession, useTranslate } from '../../context.ts'
import { formatFixed } from '../../../maths/format.ts'
import { useTexts } from '../../components/reading.ts'
import { maskAt } from '../../draw/sight.ts'
import { tokenName } from '../../components/labels.ts'
import { useAttentionState, useQueryWeights, useSight } from './hooks.ts'
import { inkLevel } from '../../draw/ink.ts'

/** Left and right move the selected token; the focus follows once it is in the page. */
export function useBarKeys(count: number, row: number): (event: KeyboardEvent<HTMLElement>) => void {
  const session = useSession()
  return (event) => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    if (by === 0 || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    event.stopPropagation()
    const to = Math.min(count - 1, Math.max(0, row + by))
    const bar = event.currentTarget
    selectRow(session, to)
    requestAnimationFrame(() => bar.querySelector<HTMLElement>(`[data-row="${to}"]`)?.focus())
  }
}

interface BarTokensProps {
  ids: readonly number[]
  /** The selected token. */
  row: number
  /** Positions in the page. */
  shown: readonly number[]
  /** Where each token begins in a line of its own, in CSS pixels; null in flowing text. */
  starts: Float64Array | null
}

/** Tokens as buttons, shaded by their weights with the selected one. */
export function BarTokens({ ids, row, shown, starts }: BarTokensProps) {
  const t = useTranslate()
  const session = useSession()
  const texts = useTexts(ids.length)
  const weights = useQueryWeights(ids, row)
  const direction = useAttentionState((state) => state.direction)
  const mask = useSight()
  const select = useCallback((at: number) => selectRow(session, at), [session])
  return shown.map((at) => {
    const [id = 0, text = '', weight = 0] = [ids[at], texts[at], weights?.[at]]
    return (
      <BarToken
        key={at}
        at={at}
        id={id}
        text={text}
        name={`${at}: ${tokenName(t, text, id)}, ${formatFixed(weight, 3)}`}
        level={inkLevel(weight)}
        // The mask leaves no weight between these two.
        masked={
          maskAt(mask, ...(direction === 'keys' ? ([row, at] as const) : ([at, row] as const))) !== null
        }
        selected={at === row}
        left={starts?.[at] ?? null}
        onSelect={select}
      />
    )
  })
}

interface BarTokenProps {
  at: number
  id: number
  text: string
  name: string
  level: number
  masked: boolean
  selected: boolean
  /** Where it stands in a line of its own, in CSS pixels; null in flowing text. */
  left: number | null
  onSelect: (row: number) => void
}

const BarToken = memo(function BarToken(props: BarTokenProps) {
  const { at, id, text, name, level, masked, selected, left, onSelect } = props
  return (
    <button
      type="button"
      className={masked ? 'query-token query-ahead' : 'query-token'}
      data-testid="row-token"
      data-row={at}
      data-token-id={id}
      aria-pressed={selected}
      aria-label={name}
      title={name}
      tabIndex={selected ? 0 : -1}
      style={{
        ...(masked ? {} : { '--swatch': `var(--seq-${level})` }),
        ...(left === null ? {} : { left }),
      }}
      onClick={() => onSelect(at)}
    >
      {text === '' ? <span className="token-bar-special">{id}</span> : visibleText(text)}
    </button>
  )
})
