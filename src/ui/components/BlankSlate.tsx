import type { ReactNode } from 'react'

interface BlankSlateProps {
  title: string
  /** What to do about it. */
  children?: ReactNode
  testId?: string
  /** `alert` where something went wrong. */
  role?: 'status' | 'alert'
}

/** A place that has nothing to show: what is missing, and the way to it. */
export function BlankSlate({ title, children, testId, role = 'status' }: BlankSlateProps) {
  return (
    <div className="blank-slate" role={role} data-testid={testId}>
      <p className="blank-slate-title">{title}</p>
      {children}
    </div>
  )
}
