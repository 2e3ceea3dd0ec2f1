import { toErrorData, TokenscopeError } from '../errors.ts'
import { DEFAULT_PREFERENCES, type Preferences } from './app.ts'
import type { TokenLogSnapshot } from './tokenLog.ts'

const PREFERENCES_KEY = 'tokenscope.preferences.1'
const TEXT_KEY = 'tokenscope.text.1'
/** Characters of JSON kept per tab: browsers allow about five million for everything of an origin. */
const TEXT_LIMIT = 3_000_000

export interface SavedText {
  prompt: string
  modelId: string | null
  log: TokenLogSnapshot
}

/** Reads a JSON value; null when nothing usable is there. A browser may forbid storage altogether. */
function read(storage: () => Storage, key: string): unknown {
  try {
    const text = storage().getItem(key)
    return text === null ? null : JSON.parse(text)
  } catch (cause) {
    reportStorage(new TokenscopeError('storage', `Could not read ${key}.`, { cause }))
    return null
  }
}

function write(storage: () => Storage, key: string, value: unknown): void {
  try {
    storage().setItem(key, JSON.stringify(value))
  } catch (cause) {
    reportStorage(new TokenscopeError('storage', `Could not keep ${key}.`, { cause }))
  }
}

/** Values kept for every visit of this browser. */
export const readLocal = (key: string): unknown => read(() => localStorage, key)
export const writeLocal = (key: string, value: unknown): void => write(() => localStorage, key, value)

/** Values kept for this tab. */
export const readTab = (key: string): unknown => read(() => sessionStorage, key)
export const writeTab = (key: string, value: unknown): void => write(() => sessionStorage, key, value)

let lastProblem: TokenscopeError | null = null

/** Losing a preference must not disturb the person; the latest problem stays readable for a report. */
function reportStorage(problem: TokenscopeError): void {
  lastProblem = problem
}

export function storageProblem(): string | null {
  return lastProblem === null ? null : toErrorData(lastProblem).message
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], fallback: T): T {
  return allowed.find((word) => word === value) ?? fallback
}

/** Preferences of an earlier visit over the defaults, field by field: a stale or foreign value is not believed. */
export function parsePreferences(saved: unknown, defaults: Preferences = DEFAULT_PREFERENCES): Preferences {
  if (!isRecord(saved)) return defaults
  const layout = isRecord(saved['layout']) ? saved['layout'] : {}
  const flag = (value: unknown, fallback: boolean) => (typeof value === 'boolean' ? value : fallback)
  const width = (value: unknown, fallback: number) =>
    typeof value === 'number' && value >= 160 && value <= 900 ? value : fallback
  return {
    theme: oneOf(saved['theme'], ['auto', 'light', 'dark'], defaults.theme),
    language: oneOf(saved['language'], ['en', 'ko'], defaults.language),
    colouring: oneOf(saved['colouring'], ['probability', 'surprisal', 'off'], defaults.colouring),
    values: flag(saved['values'], defaults.values),
    filtered: flag(saved['filtered'], defaults.filtered),
    parseSpecial: flag(saved['parseSpecial'], defaults.parseSpecial),
    layout: {
      leftWidth: width(layout['leftWidth'], defaults.layout.leftWidth),
      rightWidth: width(layout['rightWidth'], defaults.layout.rightWidth),
      leftOpen: flag(layout['leftOpen'], defaults.layout.leftOpen),
      rightOpen: flag(layout['rightOpen'], defaults.layout.rightOpen),
      navOpen: flag(layout['navOpen'], defaults.layout.navOpen),
      stripOpen: flag(layout['stripOpen'], defaults.layout.stripOpen),
    },
  }
}

export function readPreferences(defaults: Preferences): Preferences {
  return parsePreferences(
    read(() => localStorage, PREFERENCES_KEY),
    defaults,
  )
}

export function writePreferences(preferences: Preferences): void {
  write(() => localStorage, PREFERENCES_KEY, preferences)
}

/** Checks the fields the page relies on; a text saved by another version is dropped. */
export function parseSavedText(saved: unknown): SavedText | null {
  if (!isRecord(saved) || typeof saved['prompt'] !== 'string' || !isRecord(saved['log'])) return null
  const { modelId, log } = saved as unknown as SavedText
  const arrays = [log.promptIds, log.promptTexts, log.tokens, log.endIds]
  if (!arrays.every(Array.isArray) || !isRecord(log.settings)) return null
  const wellFormed = log.tokens.every(
    (token) => Number.isInteger(token.id) && typeof token.text === 'string' && Array.isArray(token.top),
  )
  if (!wellFormed) return null
  return { prompt: saved['prompt'], modelId: typeof modelId === 'string' ? modelId : null, log }
}

export function readText(): SavedText | null {
  return parseSavedText(read(() => sessionStorage, TEXT_KEY))
}

/** Keeps the text of this tab; of a very long one the alternatives are given up first. */
export function writeText(saved: SavedText): void {
  const full = JSON.stringify(saved)
  const kept =
    full.length <= TEXT_LIMIT
      ? saved
      : {
          ...saved,
          log: { ...saved.log, tokens: saved.log.tokens.map((token) => ({ ...token, top: [] })) },
        }
  write(() => sessionStorage, TEXT_KEY, kept)
}
