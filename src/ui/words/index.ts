import type { ErrorData } from '../../errors.ts'
import type { Language } from '../../state/app.ts'
import { en, type Messages, type MessageKey } from './en.ts'

export type { MessageKey } from './en.ts'

const catalogues: Partial<Record<Language, Partial<Messages>>> = { en }

type Values = Readonly<Record<string, string | number>>

/** `{count} token(s)` is one token or several. */
const fillPlain = (message: string, values: Values): string =>
  message.replace(/\{(\w+)\}(?:( \w+)\(s\))?/g, (match, name: string, noun?: string) => {
    const value = String(values[name] ?? match)
    return noun === undefined ? value : `${value}${noun}${value === '1' ? '' : 's'}`
  })
let fillKorean = fillPlain
let koreanError = <T extends ErrorData>(error: T): T => error

/** Puts values into a message; in Korean, which has been loaded, the particles behind them fit. */
export function fill(language: Language, message: string, values: Values): string {
  return (language === 'ko' ? fillKorean : fillPlain)(message, values)
}
/** True once a view other than the first has been asked for. */
let viewsWanted = false
let version = 0
const listeners = new Set<() => void>()

function put(language: Language, words: Partial<Messages>): void {
  catalogues[language] = words
  version += 1
  for (const listener of listeners) listener()
}

async function loadEnglishViews(): Promise<void> {
  const { viewsEn } = await import('./views.en.ts')
  if (catalogues.en === en) put('en', { ...en, ...viewsEn })
}

/** An error in a language, whose words have been loaded; unusual ones stay as they were said. */
export function errorText<T extends ErrorData>(language: Language, error: T): T {
  return language === 'ko' ? koreanError(error) : error
}

/** Fetches the words of a language; the page starts with few English ones. Rejects when they cannot be had. */
export async function loadLanguage(language: Language): Promise<void> {
  if (language === 'en') return viewsWanted ? loadEnglishViews() : undefined
  if (catalogues.ko !== undefined) return
  const loaded = await import('./ko.ts')
  fillKorean = loaded.fillKorean
  koreanError = loaded.koreanError
  put('ko', loaded.ko)
}

/** Fetches the words of the views that do not open with the page; of Korean they are there already. */
export async function loadViewMessages(): Promise<void> {
  viewsWanted = true
  if (catalogues.ko === undefined) await loadEnglishViews()
}

/** Changes whenever words have arrived; for `useSyncExternalStore`. */
export const wordsVersion = (): number => version

export function subscribeToWords(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export const LANGUAGES: readonly { code: Language; name: string }[] = [
  { code: 'en', name: 'English' },
  { code: 'ko', name: '한국어' },
]

export type Translate = (key: MessageKey, values?: Values) => string

/** The words of one language, which has been loaded; `{name}` in a message takes `values.name`. Empty while a word is on the way. */
export function translator(language: Language): Translate {
  return (key, values = {}) => {
    const words = catalogues[language] ?? catalogues.en
    return fill(language, words?.[key] ?? '', values)
  }
}

/** The language of a visitor who has chosen none. */
export function preferredLanguage(languages: readonly string[]): Language {
  return languages[0]?.toLowerCase().startsWith('ko') === true ? 'ko' : 'en'
}
