import type { ErrorData } from '../../errors.ts'
import { useErrorText } from '../context.ts'

interface ErrorWordsProps {
  error: ErrorData
  /** Leaves the advice to another place. */
  part?: 'message' | 'hint'
}

/** An error within a view, in the page's language: what happened, and what to do about it. */
export function ErrorWords({ error, part }: ErrorWordsProps) {
  const { message, hint } = useErrorText()(error)
  // The stack of a bug is for its report.
  const what = message.split('\n')[0] ?? ''
  return part === undefined ? `${what} ${hint}`.trim() : part === 'hint' ? hint : what
}
