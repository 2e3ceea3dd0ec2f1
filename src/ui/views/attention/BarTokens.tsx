import { useCallback, type KeyboardEvent } from 'react'
import { selectRow } from '../../../state/selection.ts'
import { useSession, useTranslate } from '../../context.ts'
import { formatFixed } from '../../../maths/format.ts'
import { useTexts } from '../../components/reading.ts'
import { maskAt } from '../../draw/sight.ts'
import { TokenButton } from '../../components/TokenButton.tsx'
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
    // The mask leaves no weight between these two.
    const masked =
      maskAt(mask, ...(direction === 'keys' ? ([row, at] as const) : ([at, row] as const))) !== null
    const name = `${at}: ${tokenName(t, text, id)}, ${formatFixed(weight, 3)}`
    return (
      <TokenButton
        key={at}
        className={masked ? 'query-token query-ahead' : 'query-token'}
        row={at}
        {...{ id, text, name }}
        title={name}
        level={masked ? null : inkLevel(weight)}
        selected={at === row}
        left={starts?.[at] ?? null}
        onSelect={select}
      />
    )
  })
}
