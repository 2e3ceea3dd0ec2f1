import { TokenscopeError } from '../errors.ts'
import type { SavedTrack } from './adapterMemory.ts'
import { actingScale, type AdapterOrigin, type Track } from './adapterScales.ts'
import { isOnHub } from './hubNames.ts'

const ITEM = /^([?@]?)([^*]+)\*(-?\d+(?:\.\d+)?)$/

/** A name without the signs that part items. */
const spell = (name: string): string => encodeURIComponent(name).replaceAll('*', '%2A')

function whoOf(name: string, origin: AdapterOrigin): string {
  if (origin.kind === 'listed') return spell(origin.id)
  return origin.kind === 'address' && isOnHub(origin.address)
    ? `@${spell(origin.address)}`
    : `?${spell(name)}`
}

/** A row that acts or is to act; of one that is not loaded there is no id. */
export type LinkedTrack = SavedTrack & Partial<Pick<Track, 'id'>>

/**
 * The adapters that act, as a link carries them: `bard*0.8,@owner/name*1,?my-lora*1`. Those that come with the page stand by their
 * id, those of the hub by their name there; all others cannot be sent along and are named, behind a question mark. Null while none acts.
 */
export function formatAdapters(tracks: readonly LinkedTrack[], solo: string | null): string | null {
  const items = tracks.flatMap(({ id = '', name, scale, enabled, origin }) => {
    const acting = actingScale({ id, scale, enabled }, solo)
    const who = whoOf(name, origin)
    return acting === 0 ? [] : [`${who}*${Number(acting.toFixed(4))}`]
  })
  return items.length === 0 ? null : items.join(',')
}

/**
 * Reads what {@link formatAdapters} wrote; `known` are the adapters that come with the page. What
 * is not among them is a row that waits for its files; unreadable items are passed over.
 */
export function parseAdapters(text: string, known: readonly { id: string; name: string }[]): SavedTrack[] {
  const listed = new Map(known.map(({ id, name }) => [id, name]))
  return text.split(',').flatMap((item): SavedTrack[] => {
    const [, kind, spelled, scale] = ITEM.exec(item) ?? []
    if (spelled === undefined) return []
    const id = /%(?![\da-f]{2})/i.test(spelled) ? spelled : decodeURIComponent(spelled)
    const row = { scale: Number(scale), enabled: true }
    if (kind === '@' && isOnHub(id))
      return [{ ...row, name: id.split('/').at(-1) ?? id, origin: { kind: 'address', address: id } }]
    const name = kind === '' ? listed.get(id) : undefined
    const origin = name === undefined ? ({ kind: 'files' } as const) : ({ kind: 'listed', id } as const)
    return [{ ...row, name: name ?? id, origin }]
  })
}

/** Adapters that a link names and cannot carry. */
export function missingAdapters(missing: readonly SavedTrack[]): TokenscopeError {
  const names = missing.map(({ name }) => name).join(', ')
  return new TokenscopeError('unsupported', `The link was made with adapters it cannot carry: ${names}.`, {
    hint: 'Drop their files here; until then texts are written without them.',
    details: { adapters: names },
  })
}
