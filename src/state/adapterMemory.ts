import type { AdapterOrigin, ScalesSpan, Track } from './adapterScales.ts'
import { readLocal, readTab, writeLocal, writeTab } from './storage.ts'

const TRACKS_KEY = 'tokenscope.adapters.1'
const SPANS_KEY = 'tokenscope.scales.1'

/** What of a row outlives a reload. */
export type SavedTrack = Pick<Track, 'name' | 'scale' | 'enabled' | 'origin'>

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseOrigin(value: unknown): AdapterOrigin | null {
  if (!isRecord(value)) return null
  const { kind, id, address } = value
  if (kind === 'listed' && typeof id === 'string') return { kind, id }
  if (kind === 'address' && typeof address === 'string') return { kind, address }
  return kind === 'files' ? { kind } : null
}

/** Rows of an earlier visit; a foreign or damaged entry is passed over. */
export function parseTracks(saved: unknown): SavedTrack[] {
  if (!Array.isArray(saved)) return []
  return saved.flatMap((entry: unknown): SavedTrack[] => {
    if (!isRecord(entry)) return []
    const { name, scale, enabled } = entry
    const origin = parseOrigin(entry['origin'])
    if (origin === null || typeof name !== 'string') return []
    return [
      {
        name,
        origin,
        scale: typeof scale === 'number' && Number.isFinite(scale) ? scale : 1,
        enabled: enabled !== false,
      },
    ]
  })
}

export function readTracks(): SavedTrack[] {
  return parseTracks(readLocal(TRACKS_KEY))
}

export function writeTracks(tracks: readonly SavedTrack[]): void {
  const saved = tracks.map(({ name, scale, enabled, origin }) => ({ name, scale, enabled, origin }))
  writeLocal(TRACKS_KEY, saved)
}

/** Scales behind this tab's text, kept beside it: the length says whether it is still the same text. */
export interface SavedSpans {
  tokens: number
  spans: readonly ScalesSpan[]
  scored: ScalesSpan['scales'] | null
}

function areScales(value: unknown): value is ScalesSpan['scales'] {
  return (
    Array.isArray(value) &&
    value.every(
      (part: unknown) =>
        isRecord(part) && typeof part['name'] === 'string' && typeof part['scale'] === 'number',
    )
  )
}

export function parseSpans(saved: unknown): SavedSpans | null {
  if (!isRecord(saved) || typeof saved['tokens'] !== 'number' || !Array.isArray(saved['spans'])) return null
  const spans = (saved['spans'] as unknown[]).flatMap((span): ScalesSpan[] =>
    isRecord(span) && typeof span['from'] === 'number' && areScales(span['scales'])
      ? [{ from: span['from'], scales: span['scales'] }]
      : [],
  )
  if (spans.length !== saved['spans'].length) return null
  return { tokens: saved['tokens'], spans, scored: areScales(saved['scored']) ? saved['scored'] : null }
}

export function readSpans(): SavedSpans | null {
  return parseSpans(readTab(SPANS_KEY))
}

export function writeSpans(saved: SavedSpans): void {
  writeTab(SPANS_KEY, saved)
}
