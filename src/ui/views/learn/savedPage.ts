import type { AppState } from '../../../state/app.ts'
import type { Session } from '../../../state/session.ts'
import { clampSetting, DEFAULT_SETTINGS, SETTING_NAMES, type Settings } from '../../../state/settings.ts'
import { parsePreferences, parseSavedText } from '../../../state/storage.ts'
import type { TokenLogSnapshot } from '../../../state/tokenLog.ts'
import { editsOf } from '../edits/store.ts'

/** What a page is given back after a lesson; kept for the tab, so that a reload in the middle of one loses nothing. */
export interface SavedPage extends Pick<
  AppState,
  'layout' | 'prompt' | 'settings' | 'modelId' | 'pinned' | 'promptRow'
> {
  /** As {@link Edits.saved} gives them. */
  edits: unknown
  /** Null where nothing was written. */
  log: TokenLogSnapshot | null
}

export function savePage(session: Session): SavedPage {
  const { layout, prompt, settings, modelId, pinned, promptRow } = session.app.getState()
  const log = session.log.snapshot()
  // Arrays of a log are changed in place.
  const copy = log && { ...log, tokens: [...log.tokens] }
  return { layout, prompt, settings, modelId, pinned, promptRow, edits: editsOf(session).saved, log: copy }
}

/** Without the alternatives of every token: a tab keeps only so many characters. */
export function forTab(page: SavedPage): SavedPage {
  const { log } = page
  return { ...page, log: log && { ...log, tokens: log.tokens.map((token) => ({ ...token, top: [] })) } }
}

/** Null for what is no page of before. */
export function parseSavedPage(saved: unknown): SavedPage | null {
  if (typeof saved !== 'object' || saved === null) return null
  const { prompt, modelId, edits = [], ...rest } = saved as Partial<SavedPage>
  if (typeof prompt !== 'string') return null
  const place = (value: unknown): number | null => (Number.isInteger(value) ? Number(value) : null)
  return {
    layout: parsePreferences({ layout: rest.layout }).layout,
    prompt,
    settings: parseSettings(rest.settings),
    modelId: typeof modelId === 'string' ? modelId : null,
    pinned: place(rest.pinned),
    promptRow: place(rest.promptRow),
    edits,
    log: parseSavedText({ prompt, modelId, log: rest.log })?.log ?? null,
  }
}

function parseSettings(saved: Partial<Settings> = {}): Settings {
  const known = SETTING_NAMES.map((name) => [name, clampSetting(name, Number(saved[name]))] as const)
  return { ...DEFAULT_SETTINGS, ...Object.fromEntries(known.filter(([, value]) => value !== null)) }
}
