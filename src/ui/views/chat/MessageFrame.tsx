import type { ReactNode } from 'react'

interface MessageFrameProps {
  role: string
  /** Buttons and facts beside the role. */
  head?: ReactNode
  live?: boolean
  children: ReactNode
}

/** One message: its role, what can be done with it, what it says. */
export function MessageFrame({ role, head, live = false, children }: MessageFrameProps) {
  return (
    <article
      className="chat-message"
      data-testid="chat-message"
      data-role={role}
      aria-busy={live || undefined}
    >
      <header className="chat-message-head row">
        <span className="chat-role">{role}</span>
        {head}
      </header>
      <div className="chat-body">{children}</div>
    </article>
  )
}
