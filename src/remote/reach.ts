import { TokenscopeError } from '../errors.ts'

const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/
const PRIVATE =
  /^(10(\.\d+){3}|192\.168(\.\d+){2}|172\.(1[6-9]|2\d|3[01])(\.\d+){2}|.*\.local|\[f[cd][0-9a-f:]*\])$/

type NetworkPlace = 'loopback' | 'local'

/** Whether an address names this machine or the network around it. */
export function placeOf(url: string): NetworkPlace | null {
  const { hostname } = new URL(url)
  if (LOOPBACK.test(hostname)) return 'loopback'
  return PRIVATE.test(hostname) ? 'local' : null
}

/** What to declare to a browser that asks a person before a public page reaches a private address. */
export function addressSpace(url: string): NetworkPlace | null {
  const page = globalThis.location as Location | undefined
  if (!page || !globalThis.isSecureContext) return null
  return placeOf(page.href.startsWith('http') ? page.href : url) === null ? placeOf(url) : null
}

const ALLOW =
  'Allow this page’s origin: llama.cpp --cors-origins, vLLM --allowed-origins, Ollama OLLAMA_ORIGINS, LM Studio its CORS switch.'

/** Says why a browser reached nothing at an address; null outside a browser, where the error itself says it. */
export async function explainUnreachable(url: string): Promise<TokenscopeError | null> {
  const page = globalThis.location as Location | undefined
  if (!page?.href.startsWith('http')) return null
  const { host } = new URL(url)
  const fault = (why: string, message: string, hint: string): TokenscopeError =>
    new TokenscopeError('network', message, { hint, details: { url, why } })
  if (page.protocol === 'https:' && url.startsWith('http:') && placeOf(url) === null) {
    return fault(
      'mixed-content',
      `A page from https may not reach ${host} over http.`,
      'Serve the engine over https, or open this page from the engine’s own machine.',
    )
  }
  try {
    // Without a key or a text: only whether an engine answers. In this mode a browser takes no other word on redirects.
    await fetch(`${new URL(url).origin}/v1/models`, { mode: 'no-cors', credentials: 'omit' })
    return fault('cors', `${host} answers, but does not allow pages of ${page.origin}.`, ALLOW)
  } catch {
    return fault(
      'unreachable',
      `Nothing answers at ${host}, or the browser was not allowed to ask.`,
      'Start the engine, check host and port, and allow access to the local network if the browser asks.',
    )
  }
}
