import type { ReactNode } from 'react'
import type { ErrorData } from '../../errors.ts'
import { ErrorWords } from './ErrorWords.tsx'

interface ErrorNoticeProps {
  error: ErrorData
  /** What failed, before the reason. */
  title?: string
  testId?: string
  /** Ways on. */
  children?: ReactNode
}

/** An error within a view: what failed and why, what to do about it, and the ways on. */
export function ErrorNotice({ error, title, testId, children }: ErrorNoticeProps) {
  return (
    <p className="error-notice" role="alert" data-testid={testId} data-code={error.code}>
      {title !== undefined && `${title}: `}
      <ErrorWords error={error} /> {children}
    </p>
  )
}
