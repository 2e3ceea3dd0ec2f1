import { createContext, useContext, useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { useStore, type StoreApi } from 'zustand'
import { invariant, type ErrorData } from '../errors.ts'
import { isRunning, type AppState } from '../state/app.ts'
import type { Session } from '../state/session.ts'
import type { TokenLog } from '../state/tokenLog.ts'
import { errorText, subscribeToWords, translator, wordsVersion, type Translate } from './words/index.ts'

export const SessionContext = createContext<Session | null>(null)

export function useSession(): Session {
  const session = useContext(SessionContext)
  invariant(session !== null, 'a panel is shown outside the page')
  return session
}

/** A slice of the small state; select primitives or objects kept in the store, never fresh ones. */
export function useApp<T>(select: (state: AppState) => T): T {
  return useStore(useSession().app, select)
}

export function useTranslate(): Translate {
  const language = useApp((state) => state.language)
  const version = useSyncExternalStore(subscribeToWords, wordsVersion)
  // A new function for new words: what was rendered before they came is rendered again.
  return useMemo(() => (version < 0 ? () => '' : translator(language)), [language, version])
}

/** Says an error in the page's language, as far as its words are known there. */
export function useErrorText(): <T extends ErrorData>(error: T) => T {
  const language = useApp((state) => state.language)
  useSyncExternalStore(subscribeToWords, wordsVersion)
  return (error) => errorText(language, error)
}

/** True once the page has come to rest for the first time: what is of use only then is fetched then. */
export function useSettled(): boolean {
  const rests = useApp(
    ({ model, run }) => model.kind !== 'empty' && model.kind !== 'loading' && !isRunning(run),
  )
  const [isSettled, setSettled] = useState(false)
  if (rests && !isSettled) setSettled(true)
  return isSettled
}

/** The log, re-rendering at most once per frame. */
export function useTokenLog(): TokenLog {
  const { log } = useSession()
  useSyncExternalStore(log.subscribe, log.getVersion)
  return log
}

/** The log for readers of numbers: re-rendering at most every `interval` milliseconds, the last change included. */
export function useSlowTokenLog(interval: number): TokenLog {
  const { log } = useSession()
  const [, setSeen] = useState(0)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null
    const show = () => {
      timer = null
      setSeen(log.getVersion())
    }
    const unsubscribe = log.subscribe(() => {
      timer ??= setTimeout(show, interval)
    })
    return () => {
      unsubscribe()
      if (timer !== null) clearTimeout(timer)
    }
  }, [log, interval])
  return log
}

/** True while a media query holds. */
export function useMedia(query: string): boolean {
  const list = useMemo(() => matchMedia(query), [query])
  return useSyncExternalStore(
    (listener) => {
      list.addEventListener('change', listener)
      return () => list.removeEventListener('change', listener)
    },
    () => list.matches,
  )
}

/** One column with a bottom bar; the same number stands in shell.css. */
export const NARROW = '(max-width: 700px)'

/** Room for one side region only. */
export const TIGHT = '(max-width: 1000px)'

/** Hooks for what a page has one of: the thing itself, and a slice of its state; select primitives or objects kept in it. */
export function hooksOf<S extends { readonly state: StoreApi<unknown> }>(
  of: (session: Session) => S,
): readonly [use: () => S, useState: <T>(select: (state: ReturnType<S['state']['getState']>) => T) => T] {
  const use = (): S => of(useSession())
  return [use, (select) => useStore(use().state as StoreApi<ReturnType<S['state']['getState']>>, select)]
}
