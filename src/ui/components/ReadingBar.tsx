import { useTranslate } from '../context.ts'

interface ReadingBarProps {
  /** Null: under way, how far is not known. */
  done: number | null
  total: number
  /** What is read, and how far. */
  words: string
  onCancel?: () => void
}

/** Work that takes its time: a bar, its numbers in words, and a way to end it. */
export function ReadingBar({ done, total, words, onCancel }: ReadingBarProps) {
  const t = useTranslate()
  return (
    <div
      className="reading-bar"
      role="status"
      data-testid="reading"
      data-done={done ?? undefined}
      data-total={total}
    >
      <progress value={done ?? undefined} max={Math.max(1, total)} aria-label={words} />
      <span className="note numeric">{words}</span>
      {onCancel && (
        <button type="button" className="button button-small" data-testid="reading-cancel" onClick={onCancel}>
          {t('reading.cancel')}
        </button>
      )}
    </div>
  )
}
