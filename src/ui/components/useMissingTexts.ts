import { useEffect, useState } from 'react'
import { useSession } from '../context.ts'

/** Texts of tokens that no run captured, looked up once each; those still on their way are missing. */
export function useMissingTexts(
  ids: readonly number[],
  contextIds: readonly number[],
): ReadonlyMap<number, string> {
  const session = useSession()
  const [texts, setTexts] = useState<ReadonlyMap<number, string>>(new Map())
  const missing = ids.filter((id) => !texts.has(id)).join(' ')
  useEffect(() => {
    if (missing === '') return
    let current = true
    const wanted = missing.split(' ').map(Number)
    Promise.all(wanted.map((id) => session.lookUpText(contextIds, id))).then(
      (loaded) => {
        if (current)
          setTexts((old) => new Map([...old, ...wanted.map((id, i) => [id, loaded[i] ?? ''] as const)]))
      },
      (error: unknown) => current && session.report(error),
    )
    return () => {
      current = false
    }
  }, [missing, session, contextIds])
  return texts
}
