import { TokenscopeError } from '../errors.ts'
import type { SavedTrack } from './adapterMemory.ts'
import { actingScale, type AdapterOrigin, type Track } from './adapterScales.ts'
import { isOnHub } from './hubNames.ts'
import { percentDecoded } from '../sources/percentDecoded.ts'

const ITEM = /^([?@]?)([^*]+)\*(-?\d+(?:\.\d+)?)$/

/** A name without the signs that part items. */
const spell = (name: string): string => encodeURIComponent(name).replaceAll('*', '%2A')

/** A row that acts or is to act; of one that is not loaded there is no id. */
export type LinkedTrack = SavedTrack & Partial<Pick<Track, 'id'>>

/**
 * The adapters that act, as a link carries them: `bard*0.8,@owner%2Fname*1,?my-lora*1`. Those that come with the page stand by their
 * id, those of the hub by their name there; all others cannot be sent along and are named, behind a question mark. Null while none
 * acts.
 */
export function formatAdapters(tracks: readonly LinkedTrack[], solo: string | null): string | null {
  const items = tracks.flatMap(({ id = '', name, scale, enabled, origin }) => {
    const acting = actingScale({ id, scale, enabled }, solo)
    return acting === 0 ? [] : [`${reference(name, origin)}*${Number(acting.toFixed(4))}`]
  })
  return items.length === 0 ? null : items.join(',')
}

function reference(name: string, origin: AdapterOrigin): string {
  if (origin.kind === 'listed') return spell(origin.id)
  return origin.kind === 'address' && isOnHub(origin.address)
    ? `@${spell(origin.address)}`
    : `?${spell(name)}`
}

/**
 * Reads what {@link formatAdapters} wrote; `listed` has the names of the adapters that come with the page by their ids. What
 * is not among them is a row that waits for its files; unreadable items are passed over.
 */
export function parseAdapters(text: string, listed: ReadonlyMap<string, string>): SavedTrack[] {
  return text.split(',').flatMap((item): SavedTrack[] => {
    const [, sign, encodedId, scale] = ITEM.exec(item) ?? []
    if (encodedId === undefined) return []
    const id = percentDecoded(encodedId)
    return [
      {
        ...named(id, sign === '' ? listed.get(id) : undefined, sign === '@'),
        scale: Number(scale),
        enabled: true,
      },
    ]
  })
}

/** A link names no address but the hub's: opening it must not ask anybody else for anything. */
function named(
  id: string,
  listedName: string | undefined,
  onHub: boolean,
): Pick<SavedTrack, 'name' | 'origin'> {
  if (listedName !== undefined) return { name: listedName, origin: { kind: 'listed', id } }
  if (!onHub || !isOnHub(id)) return { name: id, origin: { kind: 'files' } }
  return { name: nameOfAddress(id), origin: { kind: 'address', address: id } }
}

/** What an adapter is called that is read from an address. */
export const nameOfAddress = (address: string): string =>
  address.replace(/\/+$/, '').split('/').at(-1) ?? address

/** Adapters that a link names and cannot carry. */
export function missingAdapters(missing: readonly SavedTrack[]): TokenscopeError {
  const names = missing.map(({ name }) => name).join(', ')
  return new TokenscopeError('unsupported', `The link was made with adapters it cannot carry: ${names}.`, {
    hint: 'Drop their files here; until then texts are written without them.',
    details: { adapters: names },
  })
}
