import { TokenscopeError } from '../errors.ts'

/** Passes of this process; in a browser they also outlive it, in a cache of answers that nobody asks for over the network. */
const passes = new Set<string>()
const STORE = 'tokenscope-self-test'
const address = (key: string): string => new URL(`self-test/${key}`, globalThis.location.href).href

/** True when a test of this identity (adapter and kernels) has passed here before. */
export async function hasPassed(identity: string): Promise<boolean> {
  const key = await digest(identity)
  if (passes.has(key)) return true
  const store = await openStore()
  return (await store?.match(address(key))) !== undefined
}

export async function rememberPass(identity: string): Promise<void> {
  const key = await digest(identity)
  passes.add(key)
  await (await openStore())?.put(address(key), new Response('passed'))
}

/** Null outside browsers, and where the person's settings forbid storage: then the test runs again in each tab. */
async function openStore(): Promise<Cache | null> {
  if (!('caches' in globalThis)) return null
  try {
    return await caches.open(STORE)
  } catch (cause) {
    if (cause instanceof DOMException) return null
    throw new TokenscopeError('storage', 'The browser’s storage failed.', { cause })
  }
}

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
