import type { HubOptions } from '../api/load.ts'
import type { HubFind } from '../api/source.ts'
import { throwIfAborted, TokenscopeError } from '../errors.ts'
import { DEFAULT_ENDPOINT } from './hubAddress.ts'
import { pause, retryAfter } from './url.ts'

/** A file of a repository. */
export interface HubFile {
  readonly name: string
  readonly bytes: number
  /** Of the content, in hex; null for what lies in Git itself. */
  readonly sha256: string | null
  /** Git's name of the content: the SHA-1 of its header and bytes. Of a file in LFS that of the pointer. */
  readonly oid: string | null
}

/** What the hub says of a model at a commit. */
export interface HubRepository {
  readonly id: string
  readonly commit: string
  /** Its files are given to those who have accepted its licence. */
  readonly gated: boolean
  readonly license: string | null
  /** Ids of the models that it was made from. */
  readonly baseModels: readonly string[]
  readonly tags: readonly string[]
  readonly files: readonly HubFile[]
  /** As the hub counted them, null when it did not. */
  readonly parameters: number | null
}

export interface HubRequest {
  readonly hub?: HubOptions | undefined
  readonly signal?: AbortSignal | undefined
  /** Pause before the first retry. */
  readonly retryMs?: number | undefined
}

const MAX_RETRIES = 3
const MAX_PAUSE_MS = 60_000
const SILENCE_MS = 30_000
const MAX_TREE_PAGES = 100

type Json = Readonly<Record<string, unknown>>

const record = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
const count = (value: unknown): number | null =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
const texts = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string')

/** The endpoint's origin and path without a slash at the end. @throws `bad-argument` for what is no http(s) address. */
export function endpointOf(hub: HubOptions | undefined): string {
  const endpoint = hub?.endpoint ?? DEFAULT_ENDPOINT
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.search === '')
    return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
  throw new TokenscopeError(
    'bad-argument',
    `The hub's address '${endpoint.slice(0, 200)}' is no http(s) address.`,
    {
      hint: `Give its origin, such as ${DEFAULT_ENDPOINT}.`,
      details: { field: 'hub.endpoint', got: endpoint.slice(0, 200), expected: 'http or https' },
    },
  )
}

/** The token as a header. It goes to the endpoint alone: browsers and Node drop it where a redirect leads to another origin. */
export function authorization(hub: HubOptions | undefined): Record<string, string> {
  return hub?.token ? { Authorization: `Bearer ${hub.token}` } : {}
}

/** What a refusal means, and what helps. */
export function refusalHint(id: string, hub: HubOptions | undefined): (status: number) => string {
  const place = endpointOf(hub)
  return (status) => {
    switch (status) {
      case 401:
        return hub?.token
          ? 'The token is not accepted, or may not read this model: give another one.'
          : `It asks for a token, or is not there. Make one at ${place}/settings/tokens; it is kept in memory only.`
      case 403:
        return `Accept its terms at ${place}/${id}, and give a token of that account; it is kept in memory only.`
      case 404:
        return 'Check owner/name, the revision and the file.'
      case 429:
        return 'The hub has been asked too often from here: try again later, or give a token.'
      default:
        return 'The hub is in trouble: try again later.'
    }
  }
}

function refusal(what: string, id: string, response: Response, hub: HubOptions | undefined): TokenscopeError {
  const { status, headers } = response
  const reason = headers.get('x-error-code')
  const named = reason === null ? `status ${status}` : `${status}, ${reason}`
  const wait = retryAfter(response)
  return new TokenscopeError('network', `${what} was refused (${named}).`, {
    hint: refusalHint(id, hub)(status),
    details: {
      field: 'status',
      got: status,
      expected: 200,
      ...(reason === null ? {} : { reason }),
      ...(wait > 0 ? { retryAfterMs: wait } : {}),
    },
  })
}

interface Ask extends HubRequest {
  readonly what: string
  readonly id: string
}

/** One request of the API, repeated when the hub is busy or the connection breaks. */
async function ask(url: string, { hub, signal, retryMs = 300, what, id }: Ask): Promise<Response> {
  for (let tries = 0; ; tries++) {
    throwIfAborted(signal)
    let wait = retryMs * (tries + 1)
    let failure: TokenscopeError
    try {
      const patience = AbortSignal.timeout(SILENCE_MS)
      const response = await fetch(url, {
        headers: authorization(hub),
        referrerPolicy: 'no-referrer',
        signal: signal ? AbortSignal.any([signal, patience]) : patience,
      })
      if (response.ok) return response
      failure = refusal(what, id, response, hub)
      if (response.status !== 429 && response.status < 500) throw failure
      wait = Math.max(wait, retryAfter(response))
    } catch (cause) {
      throwIfAborted(signal)
      if (cause instanceof TokenscopeError) throw cause
      failure = new TokenscopeError('network', `${what}: ${new URL(url).host} could not be reached.`, {
        hint: 'Check the connection. Models that were kept open without it.',
        details: { field: 'address', got: new URL(url).host },
        cause,
      })
    }
    if (tries === MAX_RETRIES || wait > MAX_PAUSE_MS) throw failure
    await pause(wait, signal)
  }
}

async function json(url: string, request: Ask): Promise<{ value: unknown; response: Response }> {
  const response = await ask(url, request)
  try {
    return { value: await response.json(), response }
  } catch (cause) {
    throwIfAborted(request.signal)
    throw new TokenscopeError('network', `${request.what}: the answer is no JSON.`, {
      hint: 'A login page or a proxy may stand before the hub: check its address.',
      details: { field: 'answer', got: response.headers.get('content-type'), expected: 'JSON' },
      cause,
    })
  }
}

function fileOf(name: string, size: unknown, oid: unknown, lfs: Json): HubFile | null {
  const bytes = count(lfs['size']) ?? count(size)
  if (bytes === null) return null
  const sha256 = text(lfs['sha256']) ?? text(lfs['oid'])
  return { name, bytes, sha256: sha256?.replace(/^sha256:/, '') ?? null, oid: text(oid) }
}

/** Files of the model info; null where it does not say how large they are. */
function siblings(info: Json): HubFile[] | null {
  const files = list(info['siblings']).map((entry) => {
    const { rfilename, size, blobId, lfs } = record(entry)
    return fileOf(text(rfilename) ?? '', size, blobId, record(lfs))
  })
  return files.every((file) => file !== null) ? files : null
}

/** All pages of the tree. */
async function readTree(url: string, request: Ask): Promise<HubFile[]> {
  const files: HubFile[] = []
  const endpoint = new URL(url).origin
  for (let next: string | undefined = url, pages = 0; next && pages < MAX_TREE_PAGES; pages++) {
    const { value, response } = await json(next, request)
    for (const entry of list(value)) {
      const { type, path, size, oid, lfs } = record(entry)
      const file = type === 'file' ? fileOf(text(path) ?? '', size, oid, record(lfs)) : null
      if (file) files.push(file)
    }
    const link = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
    // A page of another origin is none of this hub's.
    next = link !== undefined && new URL(link, url).origin === endpoint ? new URL(link, url).href : undefined
  }
  return files
}

/**
 * What the hub says of a model at a revision: two requests at most, or one for each thousand files.
 * @throws `network` (with `details.got`, the status), `aborted`.
 */
export async function readRepository(
  id: string,
  revision: string,
  request: HubRequest,
): Promise<HubRepository> {
  const endpoint = endpointOf(request.hub)
  const what = `${id}${revision === 'main' ? '' : `@${revision}`}`
  const asked = { ...request, id, what }
  const at = encodeURIComponent(revision)
  const info = record((await json(`${endpoint}/api/models/${id}/revision/${at}?blobs=true`, asked)).value)
  const commit = text(info['sha']) ?? revision
  const tree = `${endpoint}/api/models/${id}/tree/${encodeURIComponent(commit)}?recursive=true`
  const files = siblings(info) ?? (await readTree(tree, asked))
  const card = record(info['cardData'])
  const { gated } = info
  return {
    id: text(info['id']) ?? id,
    commit,
    gated: gated !== undefined && gated !== false && gated !== null,
    license: licenseOf(card, texts(info['tags'])),
    baseModels: texts(card['base_model']),
    tags: texts(info['tags']),
    files,
    parameters: count(record(info['safetensors'])['total']) ?? count(record(info['gguf'])['total']),
  }
}

function licenseOf(card: Json, tags: readonly string[]): string | null {
  const said = text(card['license_name']) ?? texts(card['license'])[0]
  return said ?? tags.find((tag) => tag.startsWith('license:'))?.slice('license:'.length) ?? null
}

/** Models of the hub by name, or with a tag such as `base_model:adapter:owner/name`; those fetched most come first. */
export async function searchHub(
  words: string,
  { filter = [], limit = 20, ...request }: HubRequest & { filter?: readonly string[]; limit?: number },
): Promise<HubFind[]> {
  const query = new URLSearchParams({
    search: words,
    limit: String(limit),
    sort: 'downloads',
    direction: '-1',
  })
  for (const tag of filter) query.append('filter', tag)
  const url = `${endpointOf(request.hub)}/api/models?${query.toString()}`
  const { value } = await json(url, { ...request, id: '', what: 'The search' })
  return list(value).flatMap((entry) => {
    const { id, modelId, gated, downloads, tags, cardData } = record(entry)
    const name = text(id) ?? text(modelId)
    if (name === null) return []
    return {
      id: name,
      gated: gated !== undefined && gated !== false && gated !== null,
      license: licenseOf(record(cardData), texts(tags)),
      downloads: count(downloads),
      tags: texts(tags),
    }
  })
}
