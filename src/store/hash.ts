import { clampSetting, DEFAULT_SETTINGS, SETTING_NAMES, type SettingName, type Settings } from './settings.ts'

/** What a link can carry. The prompt only ever stands in the hash: a query would be sent to the host. */
export interface LinkState {
  model: string | null
  prompt: string | null
  settings: Partial<Settings>
  /** False when the link asks not to generate by itself (`run=0`). */
  run: boolean
  /** Keys whose values were no usable numbers. */
  ignored: string[]
}

/** Spelling of each setting in a link, the same words as the test ids of its controls. */
export const SETTING_KEYS: Readonly<Record<SettingName, string>> = {
  temperature: 'temperature',
  topK: 'top-k',
  topP: 'top-p',
  minP: 'min-p',
  repetitionPenalty: 'repetition',
  seed: 'seed',
  maxTokens: 'max-tokens',
}

/** Reads `#model=…&prompt=…&seed=…`; `?model=` and `?seed=` stand in for what the hash leaves out. */
export function parseLink(hash: string, query = ''): LinkState {
  const fromHash = new URLSearchParams(hash.replace(/^#/, ''))
  const fromQuery = new URLSearchParams(query)
  const read = (key: string) =>
    fromHash.get(key) ?? (key === 'model' || key === 'seed' ? fromQuery.get(key) : null)

  const settings: Partial<Settings> = {}
  const ignored: string[] = []
  for (const name of SETTING_NAMES) {
    const text = read(SETTING_KEYS[name])
    if (text === null) continue
    const value = text.trim() === '' ? null : clampSetting(name, Number(text))
    if (value === null) ignored.push(SETTING_KEYS[name])
    else settings[name] = value
  }
  return {
    model: read('model') || null,
    prompt: fromHash.get('prompt'),
    settings,
    run: fromHash.get('run') !== '0',
    ignored,
  }
}

/** The hash that reproduces this state: settings at their defaults are left out, the seed never is. */
export function formatLink(state: { model: string | null; prompt: string; settings: Settings }): string {
  const parts = new URLSearchParams()
  if (state.model !== null) parts.set('model', state.model)
  if (state.prompt !== '') parts.set('prompt', state.prompt)
  for (const name of SETTING_NAMES) {
    const value = state.settings[name]
    if (name === 'seed' || value !== DEFAULT_SETTINGS[name]) parts.set(SETTING_KEYS[name], String(value))
  }
  return `#${parts.toString()}`
}
