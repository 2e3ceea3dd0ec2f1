import { TokenscopeError } from '../errors.ts'

/** Passes on devices of this process; in a browser they also outlive it, in a cache of answers no network is asked for. */
const passes = new WeakMap<GPUDevice, Set<string>>()
const STORE = 'tokenscope-self-test'

/** What a pass holds for: the adapter with its driver, and the kernels' own text. */
async function identify({ adapterInfo }: GPUDevice, kernels: readonly string[]): Promise<string> {
  const { vendor, architecture, device, description } = adapterInfo
  const text = [vendor, architecture, device, description, ...[...kernels].sort()].join('\n')
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** True when these kernels have passed on this adapter before. */
export async function hasPassed(device: GPUDevice, kernels: readonly string[]): Promise<boolean> {
  const key = await identify(device, kernels)
  if (passes.get(device)?.has(key)) return true
  const store = await openStore()
  return (await store?.match(address(key))) !== undefined
}

export async function rememberPass(device: GPUDevice, kernels: readonly string[]): Promise<void> {
  const key = await identify(device, kernels)
  passes.set(device, (passes.get(device) ?? new Set<string>()).add(key))
  await (await openStore())?.put(address(key), new Response('passed'))
}

function address(key: string): string {
  return new URL(`/self-test/${key}`, globalThis.location.origin).href
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
