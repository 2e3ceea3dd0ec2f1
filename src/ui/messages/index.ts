import type { Language } from '../../store/app.ts'
import { en, type Catalogue, type MessageKey } from './en.ts'
import { ko } from './ko.ts'

export type { MessageKey } from './en.ts'

const CATALOGUES: Readonly<Record<Language, Catalogue>> = { en, ko }

export const LANGUAGES: readonly { code: Language; name: string }[] = [
  { code: 'en', name: 'English' },
  { code: 'ko', name: '한국어' },
]

export type Translate = (key: MessageKey, values?: Readonly<Record<string, string | number>>) => string

/** The words of one language; `{name}` in a message takes `values.name`. */
export function translator(language: Language): Translate {
  const catalogue = CATALOGUES[language]
  return (key, values = {}) =>
    catalogue[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}

/** The language of a visitor who has chosen none. */
export function preferredLanguage(languages: readonly string[]): Language {
  return languages[0]?.toLowerCase().startsWith('ko') === true ? 'ko' : 'en'
}
