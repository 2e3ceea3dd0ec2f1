// Keeps the page for days without a connection. `FILES` and `VERSION` stand before this text, written by the build.
// What carries a hash in its name is taken from the cache; all else is asked for first, so that a new version is there at once.
const CACHE = `tokenscope-page-${VERSION}`
const isHashed = ({ pathname }) => pathname.startsWith(new URL('assets/', registration.scope).pathname)

// What was read in ranges lies in the browser's own cache as parts, which no other cache takes.
const afresh = (address) => new Request(address, { cache: 'reload' })

addEventListener('install', (event) => {
  const requests = FILES.map((file) => (file.startsWith('assets/') ? file : afresh(file)))
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(requests)))
})

addEventListener('activate', (event) => {
  const stale = (name) => name.startsWith('tokenscope-page-') && name !== CACHE
  event.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter(stale).map((name) => caches.delete(name)))),
  )
})

// The page tells which of its own model files it has loaded.
addEventListener('message', (event) => {
  const { data } = event
  if (!Array.isArray(data?.keep)) return
  const keep = async () => {
    const cache = await caches.open(CACHE)
    for (const address of data.keep) {
      if (await cache.match(address)) continue
      const response = await fetch(afresh(address))
      if (response.ok) await cache.put(address, response)
    }
  }
  // Without a connection there is nothing to keep now; the next visit tries again.
  event.waitUntil(keep().catch(() => undefined))
})

addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  const isOwn = request.url.startsWith(registration.scope)
  if (!isOwn || (request.method !== 'GET' && request.method !== 'HEAD')) return
  event.respondWith(isHashed(url) ? fromCache(request) : fromNetwork(request))
})

async function fromCache(request) {
  return (await caches.match(request)) ?? fetch(request)
}

async function fromNetwork(request) {
  try {
    return await fetch(request)
  } catch (error) {
    const kept = await findKept(request)
    if (kept) return kept
    throw error
  }
}

/** What the cache has of a request when no server answers: a page for every address of it, a part of a file, or that it is not there. */
async function findKept(request) {
  const cache = await caches.open(CACHE)
  if (request.mode === 'navigate') return cache.match('./')
  const kept = await cache.match(request.url, { ignoreMethod: true, ignoreSearch: true })
  if (kept) return request.method === 'HEAD' ? headOf(kept) : rangeOf(kept, request.headers.get('range'))
  const folder = request.url.slice(0, request.url.lastIndexOf('/') + 1)
  const beside = (await cache.keys()).some(
    ({ url }) => url.startsWith(folder) && folder !== registration.scope,
  )
  return beside ? new Response(null, { status: 404 }) : undefined
}

async function headOf(kept) {
  const { size } = await kept.blob()
  return new Response(null, { headers: { 'content-length': String(size) } })
}

async function rangeOf(kept, range) {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? []
  if (first === undefined) return kept
  const whole = await kept.blob()
  const begin = Number(first)
  const end = last === '' ? whole.size : Math.min(Number(last) + 1, whole.size)
  if (begin >= whole.size) return new Response(null, { status: 416 })
  const headers = {
    'content-range': `bytes ${begin}-${end - 1}/${whole.size}`,
    'content-length': String(end - begin),
  }
  return new Response(whole.slice(begin, end), { status: 206, headers })
}
