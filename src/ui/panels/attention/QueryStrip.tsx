import { memo, useCallback, useEffect, useRef, type KeyboardEvent } from 'react'
import { visibleText } from '../../../store/groups.ts'
import { selectTextRow } from '../../../store/textReading.ts'
import { useSession, useTranslate } from '../../context.ts'
import { formatFixed } from '../../format.ts'
import { useTexts } from '../reading/hooks.ts'
import { tokenName } from '../steps/words.ts'
import { useChosenPattern } from './hooks.ts'
import { inkLevel } from './ink.ts'

/** The text, shaded by the weights of the selected query in the chosen head. */
export function QueryStrip({ ids, row }: { ids: readonly number[]; row: number }) {
  const t = useTranslate()
  const session = useSession()
  const texts = useTexts(ids.length)
  const pattern = useChosenPattern()
  const strip = useRef<HTMLDivElement>(null)
  const select = useCallback((at: number) => selectTextRow(session, at), [session])
  useEffect(() => {
    strip.current?.querySelector('[aria-pressed="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [row, ids, texts])
  const move = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    if (by === 0 || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    event.stopPropagation()
    const to = Math.min(ids.length - 1, Math.max(0, row + by))
    select(to)
    strip.current?.querySelectorAll<HTMLElement>('button')[to]?.focus()
  }
  return (
    <div
      className="query-strip"
      ref={strip}
      role="group"
      data-arrows=""
      aria-label={t('attention.strip')}
      onKeyDown={move}
    >
      {ids.map((id, at) => {
        const weight = pattern?.size === ids.length ? (pattern.data[row * ids.length + at] ?? 0) : 0
        const name = tokenName(t, texts[at] ?? '', id)
        return (
          <StripToken
            key={at}
            at={at}
            id={id}
            text={texts[at] ?? ''}
            name={`${at}: ${name}, ${formatFixed(weight, 3)}`}
            level={inkLevel(weight)}
            ahead={at > row}
            selected={at === row}
            onSelect={select}
          />
        )
      })}
    </div>
  )
}

interface StripTokenProps {
  at: number
  id: number
  text: string
  name: string
  level: number
  ahead: boolean
  selected: boolean
  onSelect: (row: number) => void
}

const StripToken = memo(function StripToken(props: StripTokenProps) {
  const { at, id, text, name, level, ahead, selected, onSelect } = props
  return (
    <button
      type="button"
      className={ahead ? 'query-token query-ahead' : 'query-token'}
      data-testid="row-token"
      data-row={at}
      data-token-id={id}
      aria-pressed={selected}
      aria-label={name}
      title={name}
      tabIndex={selected ? 0 : -1}
      style={ahead ? undefined : { '--swatch': `var(--seq-${level})` }}
      onClick={() => onSelect(at)}
    >
      {text === '' ? <span className="strip-special">{id}</span> : visibleText(text)}
    </button>
  )
})
