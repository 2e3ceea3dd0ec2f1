import { useEffect, useRef, type KeyboardEvent } from 'react'
import { visibleText } from '../../../state/characterGroups.ts'
import type { SavedTrace } from '../../../trace/types.ts'
import { useTranslate } from '../../context.ts'
import { probabilityLevel } from '../../draw/palette.ts'
import { formatProbability } from '../../../maths/format.ts'
import { tokenName } from '../../components/labels.ts'
import { useSavedState, useSavedTraces } from './hooks.ts'

const MOVES: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowUp: -1,
  ArrowRight: 1,
  ArrowDown: 1,
  Home: -Infinity,
  End: Infinity,
}

/** The text, coloured by what the model thought of each token; the first was predicted by nothing. */
export function TraceTokens({ trace }: { trace: SavedTrace }) {
  const t = useTranslate()
  const traces = useSavedTraces()
  const row = useSavedState((state) => state.row)
  const bar = useRef<HTMLDivElement>(null)
  useEffect(() => {
    bar.current?.querySelector('[aria-pressed="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [row, trace])
  const onKeyDown = (event: KeyboardEvent) => {
    const move = MOVES[event.key]
    if (move === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    event.stopPropagation()
    const to = Math.min(trace.ids.length - 1, Math.max(0, row + move))
    traces.selectRow(to)
    bar.current?.querySelector<HTMLElement>(`[data-row="${to}"]`)?.focus()
  }
  return (
    <div
      ref={bar}
      className="query-bar trace-tokens"
      role="group"
      data-arrows=""
      aria-label={t('trace.text')}
      onKeyDown={onKeyDown}
    >
      {trace.ids.map((id, at) => {
        const text = trace.texts[at] ?? ''
        const logprob = trace.predictions[at - 1]?.next?.logprob
        const kind = t(at < trace.promptLength ? 'trace.prompt' : 'trace.generated')
        const share = logprob === undefined ? '' : `, ${formatProbability(Math.exp(logprob))}`
        return (
          <button
            key={at}
            type="button"
            className={at < trace.promptLength ? 'query-token trace-prompt' : 'query-token'}
            data-testid="trace-token"
            data-row={at}
            data-token-id={id}
            data-logprob={logprob}
            aria-pressed={at === row}
            aria-label={`${at}: ${tokenName(t, text, id)}, ${kind}${share}`}
            tabIndex={at === row ? 0 : -1}
            style={
              logprob === undefined ? undefined : { '--swatch': `var(--seq-${probabilityLevel(logprob)})` }
            }
            onClick={() => traces.selectRow(at)}
          >
            {text === '' ? `<${id}>` : visibleText(text)}
          </button>
        )
      })}
    </div>
  )
}
