import { useEffect, useState } from 'react'
import { useSession } from '../context.ts'
import { copyText } from './copyText.ts'

/** Milliseconds a button says that it has copied. */
const COPIED_MS = 1600

/** Copies a text for a button, which says for a moment that it did; `hint` says what else there is where the browser refuses. */
export function useCopied(): [copied: boolean, copy: (text: string, hint: string) => void] {
  const session = useSession()
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), COPIED_MS)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = (text: string, hint: string): void => {
    copyText(text, hint).then(
      () => setCopied(true),
      (error: unknown) => session.report(error),
    )
  }
  return [copied, copy]
}
