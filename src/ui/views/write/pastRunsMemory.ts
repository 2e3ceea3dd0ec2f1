import type { Arrangement } from '../../../state/adapterArrangement.ts'
import { parseSpans, parseTracks } from '../../../state/adapterMemory.ts'
import type { TextScalesState } from '../../../state/adapterText.ts'
import type { Settings } from '../../../state/settings.ts'
import { parseSavedText, readTab, writeTab } from '../../../state/storage.ts'
import { sameIds } from '../../../state/textIdentity.ts'
import type { TokenLogSnapshot } from '../../../state/tokenLog.ts'

const KEY = 'tokenscope.runs.1'
/** Runs kept; older ones are forgotten. */
export const MAX_RUNS = 40
/** Characters of JSON of all of them; the text on the page has a limit of its own. */
const MAX_CHARACTERS = 1_000_000

/** A text with everything it was written under. */
export interface SavedRun extends Pick<TextScalesState, 'spans' | 'scored'> {
  /** Milliseconds since 1970, when it ended. */
  at: number
  prompt: string
  /** As a link spells it; null for dropped files. */
  modelId: string | null
  settings: Settings
  /** Null for the empty page. */
  log: TokenLogSnapshot | null
  adapters: Arrangement
  /** As the list of edits keeps them. */
  edits: object[]
}

/** True for the same tokens, written under the same adapters. */
export function isSameRun(a: SavedRun, b: SavedRun): boolean {
  const ids = ({ log }: SavedRun) =>
    log === null ? [] : [...log.promptIds, ...log.tokens.map(({ id }) => id)]
  const names = ({ spans }: SavedRun) =>
    JSON.stringify(spans.map(({ from, scales }) => [from, scales.map(({ name, scale }) => [name, scale])]))
  return a.log?.modelId === b.log?.modelId && sameIds(ids(a), ids(b)) && names(a) === names(b)
}

function parseRun(saved: unknown): SavedRun[] {
  const text = parseSavedText(saved)
  if (text === null) return []
  const { at, spans, scored, adapters, edits } = saved as Record<keyof SavedRun, unknown>
  const scales = parseSpans({ tokens: text.log.tokens.length, spans, scored })
  const { tracks, solo } = (adapters ?? {}) as Record<keyof Arrangement, unknown>
  if (typeof at !== 'number' || scales === null) return []
  return [
    {
      ...text,
      at,
      settings: text.log.settings,
      spans: scales.spans,
      scored: scales.scored,
      adapters: { tracks: parseTracks(tracks), solo: typeof solo === 'string' ? solo : null },
      edits: Array.isArray(edits) ? edits : [],
    },
  ]
}

/** Runs of this tab, newest first; what another version wrote is passed over. */
export function readPastRuns(): SavedRun[] {
  const saved = readTab(KEY)
  return Array.isArray(saved) ? saved.slice(0, MAX_RUNS).flatMap(parseRun) : []
}

/** Keeps as many of the newest as there is room for, and returns those. */
export function writePastRuns<Run extends SavedRun>(runs: readonly Run[]): Run[] {
  const kept: Run[] = []
  const texts: object[] = []
  let characters = 0
  for (const run of runs.slice(0, MAX_RUNS)) {
    const { at, prompt, modelId, log, spans, scored, adapters, edits } = run
    const { solo } = adapters
    // Files have no place in JSON; where they came from does.
    const tracks = adapters.tracks.map(({ name, scale, enabled, origin }) => ({
      name,
      scale,
      enabled,
      origin,
    }))
    const text = { at, prompt, modelId, log, spans, scored, adapters: { tracks, solo }, edits }
    characters += JSON.stringify(text).length
    if (characters > MAX_CHARACTERS && kept.length > 0) break
    kept.push(run)
    texts.push(text)
  }
  writeTab(KEY, texts)
  return kept
}
