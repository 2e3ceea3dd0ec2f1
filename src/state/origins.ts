import { TokenscopeError } from '../errors.ts'
import { readTab, writeTab } from './storage.ts'

/** Origins that a person has allowed in this tab; `policy.js` reads them before anything else of the page runs. */
const KEY = 'tokenscope.origins'

/** What every document of the page may ask; the same list stands in `policy.js`. */
const ALWAYS = /^(https:\/\/([\w-]+\.)*(huggingface\.co|hf\.co)|http:\/\/(localhost|127\.0\.0\.1)(:\d+)?)$/

function named(): string[] {
  const saved = readTab(KEY)
  const hub = new URLSearchParams(location.search).get('hub')
  const addresses = [hub, ...(Array.isArray(saved) ? saved : [])]
  return addresses.flatMap((address: unknown) =>
    typeof address === 'string' && URL.canParse(address) ? [new URL(address).origin] : [],
  )
}

/** The origin of an address that this document may not ask; null where it may, and for what is no address. */
export function closedOrigin(address: string): string | null {
  if (!/^https?:/i.test(address) || !URL.canParse(address) || !import.meta.env.PROD) return null
  const { origin } = new URL(address)
  const open = origin === location.origin || ALWAYS.test(origin) || named().includes(origin)
  return open ? null : origin
}

/** @throws `network`, with the origin, for an address that this document may not ask. */
export function checkOpen(address: string): void {
  const origin = closedOrigin(address)
  if (origin === null) return
  throw new TokenscopeError('network', `This page has not been allowed to ask ${origin} yet.`, {
    hint: 'A page asks only whom it has named when it was opened. Allow it, and the page opens anew.',
    details: { field: 'origin', got: origin, origin },
  })
}

/** Opens the page anew as one that may ask this origin too, as long as the tab lives; its link names what is to be opened then. */
export function allowOrigin(origin: string, part: 'model' | 'engine', value: string): void {
  const saved = readTab(KEY)
  writeTab(KEY, [...new Set([...(Array.isArray(saved) ? (saved as unknown[]) : []), origin])])
  const hash = new URLSearchParams(location.hash.slice(1))
  hash.set(part, value)
  history.replaceState(history.state, '', `#${hash.toString()}`)
  location.reload()
}
