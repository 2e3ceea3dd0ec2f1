import type { ReactNode } from 'react'
import { useTranslate } from '../context.ts'

interface ReadingBarProps {
  /** Null: under way, how far is not known. */
  done?: number | null
  total?: number
  /** What is under way, and how far. */
  words: string
  /** What is under way, where the words are numbers alone. */
  label?: string
  onCancel?: () => void
  testId?: string
  /** Other ways to go on than to cancel. */
  children?: ReactNode
}

/** Work that takes its time: a bar, its numbers in words, and a way to end it. */
export function ReadingBar(props: ReadingBarProps) {
  const { done = null, total = 0, words, label = words, onCancel, testId, children } = props
  const t = useTranslate()
  return (
    <div
      className="reading-bar"
      role="status"
      data-testid={testId}
      data-done={done ?? undefined}
      data-total={total}
    >
      <progress value={done ?? undefined} max={Math.max(1, total)} aria-label={label} />
      <span className="note numeric">{words}</span>
      {onCancel && (
        <button type="button" className="button button-small" data-testid="reading-cancel" onClick={onCancel}>
          {t('reading.cancel')}
        </button>
      )}
      {children}
    </div>
  )
}
