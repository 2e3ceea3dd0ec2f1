import { clampSetting, DEFAULT_SETTINGS, SETTING_NAMES, type SettingName, type Settings } from './settings.ts'

/** What a link can carry. The prompt only ever stands in the hash: a query would be sent to the host. */
export interface LinkState {
  model: string | null
  prompt: string | null
  settings: Partial<Settings>
  /** Name of the view; null for the first one. */
  view: string | null
  /** Index of the pinned generated token. */
  token: number | null
  /** False when the link asks not to generate by itself (`run=0`). */
  run: boolean
  /** False when special tokens written out in the prompt are letters (`special=0`). */
  parseSpecial: boolean
  /** What the views keep in it, by key: see linkParts.ts. */
  parts: ReadonlyMap<string, string>
  /** Keys whose values were no usable numbers. */
  ignored: string[]
}

/** The view that a link without one opens. */
export const FIRST_VIEW = 'write'

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

/** Characters of a prompt that an address still carries: browsers cut or refuse much longer ones. */
export const LONGEST_PROMPT = 8000

const OWN_KEYS = new Set([
  'model',
  'prompt',
  'view',
  'token',
  'run',
  'special',
  ...Object.values(SETTING_KEYS),
])

/** Reads `#model=…&prompt=…&seed=…&view=…`; `?model=` and `?seed=` stand in for what the hash leaves out. */
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
  const token = fromHash.get('token')
  const index = token !== null && /^\d{1,7}$/.test(token) ? Number(token) : null
  if (token !== null && index === null) ignored.push('token')
  return {
    model: read('model') || null,
    prompt: fromHash.get('prompt'),
    settings,
    view: fromHash.get('view') || null,
    token: index,
    run: fromHash.get('run') !== '0',
    parseSpecial: fromHash.get('special') !== '0',
    parts: new Map([...fromHash].filter(([key]) => !OWN_KEYS.has(key))),
    ignored,
  }
}

export interface Linked {
  model: string | null
  prompt: string
  settings: Settings
  parseSpecial?: boolean
  view?: string
  token?: number | null
  parts?: ReadonlyMap<string, string>
}

/** The hash that reproduces this state: settings at their defaults are left out, the seed never is. */
export function formatLink(linked: Linked): string {
  const { model, prompt, settings, view, token, parseSpecial = true, parts = new Map() } = linked
  const hash = new URLSearchParams()
  if (model !== null) hash.set('model', model)
  if (prompt !== '' && prompt.length <= LONGEST_PROMPT) hash.set('prompt', prompt)
  if (!parseSpecial) hash.set('special', '0')
  for (const name of SETTING_NAMES) {
    const value = settings[name]
    if (name === 'seed' || value !== DEFAULT_SETTINGS[name]) hash.set(SETTING_KEYS[name], String(value))
  }
  if (view !== undefined && view !== FIRST_VIEW) hash.set('view', view)
  if (token !== undefined && token !== null) hash.set('token', String(token))
  for (const [name, text] of parts) hash.set(name, text)
  return `#${hash.toString()}`
}
