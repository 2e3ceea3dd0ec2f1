import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Content that need not exist as a whole: `read` makes any stretch of it. */
export interface Synthetic {
  size: number
  sha256: string
  read(begin: number, end: number): Uint8Array
}

export type Content = Uint8Array | string | Synthetic

/** What a server does wrong with one request. */
export type Fault =
  | { status: number; retryAfter?: string; code?: string }
  /** The connection ends after so many bytes of the body. */
  | { cutAfter: number }
  /** The byte at this position of the file is flipped. */
  | { flip: number }
  /** So many bytes at a time, with a pause between. */
  | { trickle: number; pauseMs: number }
  | { ignoreRange: true }
  | { etag: string }
  /** A well-formed body that ends so many bytes early. */
  | { short: number }
  /** A login page with status 200. */
  | { page: true }
  /** Says nothing for ever. */
  | { hang: true }

export interface Asked {
  method: string
  /** Path with query. */
  path: string
  /** `[begin, end)`, null for the whole. */
  range: [number, number | null] | null
  /** Whether the second origin was asked, to which the hub sends for large files. */
  cdn: boolean
  authorization: string | null
  origin: string | null
}

export interface RepoOptions {
  /** Asks for a token whose holder has accepted the licence. */
  gated?: boolean
  /** Not even its name is told without a token. */
  private?: boolean
  license?: string
  baseModel?: string
  tags?: readonly string[]
  revisions?: Readonly<Record<string, string>>
  /** Members of the model info beside those that every one has. */
  info?: Readonly<Record<string, unknown>>
}

interface StoredFile {
  size: number
  sha256: string
  /** Git's name of the blob. */
  oid: string
  lfs: boolean
  read(begin: number, end: number): Uint8Array
}

interface Repo extends RepoOptions {
  id: string
  commit: string
  files: Map<string, StoredFile>
}

const PIECE = 1024 * 1024
const LFS_FROM = 64 * 1024
const EXPOSED =
  'X-Repo-Commit,X-Error-Code,X-Error-Message,ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag,Retry-After'

const sha = (kind: 'sha1' | 'sha256', ...parts: (string | Uint8Array)[]): string =>
  parts.reduce((hash, part) => hash.update(part), createHash(kind)).digest('hex')

function storedFile(name: string, content: Content): StoredFile {
  const isSynthetic = typeof content === 'object' && !(content instanceof Uint8Array)
  const bytes = isSynthetic ? null : typeof content === 'string' ? Buffer.from(content) : content
  const size = isSynthetic ? content.size : bytes!.byteLength
  return {
    size,
    sha256: isSynthetic ? content.sha256 : sha('sha256', bytes!),
    oid: sha('sha1', `blob ${size}\0`, bytes ?? name),
    lfs: isSynthetic || size >= LFS_FROM || /\.(safetensors|gguf)$/.test(name),
    read: (begin, end) => (isSynthetic ? content.read(begin, end) : bytes!.subarray(begin, end)),
  }
}

function parseRange({ headers }: IncomingMessage): Asked['range'] {
  const match = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '')
  return match ? [Number(match[1]), match[2] ? Number(match[2]) + 1 : null] : null
}

/**
 * A hub as Hugging Face's documents itself: model info, tree and search, files by revision, large ones on another origin behind a
 * redirect. Two servers on loopback.
 */
export class FakeHub {
  readonly asked: Asked[] = []
  /** What goes wrong with a request; undefined: nothing. Set anew by each test. */
  fault: (request: Asked, nth: number) => Fault | undefined = () => undefined
  /** The token that opens gated and private repositories. */
  token = 'hf_good'
  /** Files listed on one page of the tree. */
  pageSize = 1000
  /** Whether the model info tells sizes and hashes (`blobs=true`). */
  blobs = true
  readonly #repos = new Map<string, Repo>()
  readonly #servers: Server[] = []
  url = ''
  cdnUrl = ''

  static async start(): Promise<FakeHub> {
    const hub = new FakeHub()
    const listen = async (cdn: boolean): Promise<string> => {
      const server = createServer((request, response) => {
        hub.#answer(request, response, cdn).catch(() => response.destroy())
      })
      hub.#servers.push(server)
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    }
    hub.url = await listen(false)
    hub.cdnUrl = await listen(true)
    return hub
  }

  repo(id: string, files: Readonly<Record<string, Content>>, options: RepoOptions = {}): Repo {
    const stored = new Map(
      Object.entries(files).map(([name, content]) => [name, storedFile(name, content)] as const),
    )
    const commit = sha('sha1', id, ...[...stored].map(([name, { oid }]) => `${name}${oid}`))
    const repo = { ...options, id, commit, files: stored }
    this.#repos.set(id, repo)
    return repo
  }

  /** Forgets requests and faults. */
  reset(): void {
    this.asked.length = 0
    this.fault = () => undefined
    this.pageSize = 1000
    this.blobs = true
  }

  async close(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections()
      await new Promise<void>((done) => server.close(() => done()))
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse, cdn: boolean): Promise<void> {
    const { method = 'GET', url: path = '/', headers } = request
    response.setHeader('access-control-allow-origin', headers.origin ?? '*')
    response.setHeader('access-control-expose-headers', EXPOSED)
    if (method === 'OPTIONS') {
      response.setHeader('access-control-allow-headers', 'authorization,range')
      response.writeHead(204).end()
      return
    }
    const { authorization = null, origin = null } = headers
    const asked: Asked = { method, path, range: parseRange(request), cdn, authorization, origin }
    this.asked.push(asked)
    const fault = this.fault(asked, this.asked.length)
    if (fault && 'hang' in fault) return
    if (fault && 'status' in fault) {
      if (fault.retryAfter !== undefined) response.setHeader('retry-after', fault.retryAfter)
      if (fault.code !== undefined) response.setHeader('x-error-code', fault.code)
      response.writeHead(fault.status, { 'content-type': 'application/json' }).end('{"error":"fault"}')
      return
    }
    if (fault && 'page' in fault) {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Sign in</title>')
      return
    }
    const { pathname, searchParams } = new URL(path, this.url)
    const at = decodeURIComponent(pathname)
    if (cdn) return this.#blob(asked, response, at.slice(1), fault)
    if (at === '/api/models') return this.#search(response, searchParams)
    const info = /^\/api\/models\/([^/]+\/[^/]+)(?:\/(revision|tree)\/([^?]+))?$/.exec(at)
    if (info?.[1]) return this.#api(asked, response, searchParams, [info[1], info[2], info[3]])
    const file = /^\/([^/]+\/[^/]+)\/(resolve|raw)\/([^/]+)\/(.+)$/.exec(at)
    if (file) return this.#file(asked, response, file, fault)
    this.#refuse(response, 404, 'EntryNotFound')
  }

  #refuse(response: ServerResponse, status: number, code: string): void {
    response.writeHead(status, { 'content-type': 'application/json', 'x-error-code': code })
    response.end(JSON.stringify({ error: code }))
  }

  #json(response: ServerResponse, value: unknown): void {
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(value))
  }

  /** The repository and its commit, or null once refused. */
  #open(asked: Asked, response: ServerResponse, id: string, revision: string, content: boolean): Repo | null {
    const repo = this.#repos.get(id)
    const admitted = asked.authorization === `Bearer ${this.token}`
    if (asked.authorization !== null && !admitted) this.#refuse(response, 401, 'InvalidToken')
    else if (!repo || (repo.private && !admitted))
      this.#refuse(response, admitted ? 404 : 401, 'RepoNotFound')
    else if (revision !== 'main' && revision !== repo.commit && !(revision in (repo.revisions ?? {})))
      this.#refuse(response, 404, 'RevisionNotFound')
    else if (content && repo.gated && !admitted) this.#refuse(response, 401, 'GatedRepo')
    else return repo
    return null
  }

  #info(repo: Repo, blobs: boolean): Record<string, unknown> {
    const { id, commit, files, license, baseModel, gated, tags = [], info } = repo
    return {
      id,
      modelId: id,
      sha: commit,
      private: repo.private ?? false,
      gated: gated ? 'manual' : false,
      tags: [...tags, ...(license ? [`license:${license}`] : [])],
      downloads: 1000,
      likes: 10,
      cardData: { ...(license ? { license } : {}), ...(baseModel ? { base_model: baseModel } : {}) },
      siblings: [...files].map(([rfilename, { size, sha256, oid, lfs }]) => ({
        rfilename,
        ...(blobs ? { size, blobId: oid, ...(lfs ? { lfs: { sha256, size, pointerSize: 134 } } : {}) } : {}),
      })),
      ...info,
    }
  }

  #search(response: ServerResponse, query: URLSearchParams): void {
    const words = (query.get('search') ?? '').toLowerCase()
    const filters = query.getAll('filter')
    const result = [...this.#repos.values()].filter(
      ({ id, tags = [], private: hidden }) =>
        !hidden && id.toLowerCase().includes(words) && filters.every((filter) => tags.includes(filter)),
    )
    const limit = Number(query.get('limit') ?? 20)
    this.#json(
      response,
      result.slice(0, limit).map((repo) => this.#info(repo, false)),
    )
  }

  #api(
    asked: Asked,
    response: ServerResponse,
    query: URLSearchParams,
    [id, kind, revision = 'main']: [string, string | undefined, string | undefined],
  ): void {
    const repo = this.#open(asked, response, id, revision, false)
    if (!repo) return
    if (kind !== 'tree') return this.#json(response, this.#info(repo, this.blobs && query.has('blobs')))
    const all = [...repo.files].map(([path, { size, oid, sha256, lfs }]) => ({
      type: 'file',
      path,
      size,
      oid,
      ...(lfs ? { lfs: { oid: sha256, size, pointerSize: 134 } } : {}),
    }))
    const from = Number(query.get('cursor') ?? 0)
    if (from + this.pageSize < all.length) {
      query.set('cursor', String(from + this.pageSize))
      const next = `${this.url}/api/models/${id}/tree/${revision}?${query.toString()}`
      response.setHeader('link', `<${next}>; rel="next"`)
    }
    this.#json(response, all.slice(from, from + this.pageSize))
  }

  #file(
    asked: Asked,
    response: ServerResponse,
    [, id = '', kind, revision = '', name = '']: string[],
    fault: Fault | undefined,
  ): void {
    const repo = this.#open(asked, response, id, revision, true)
    if (!repo) return
    const file = repo.files.get(name)
    if (!file) return this.#refuse(response, 404, 'EntryNotFound')
    response.setHeader('x-repo-commit', repo.commit)
    if (!file.lfs) return this.#send(asked, response, file, { etag: `"${file.oid}"`, fault })
    if (kind === 'raw') {
      const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${file.sha256}\nsize ${file.size}\n`
      response.writeHead(200, { 'content-type': 'text/plain' }).end(pointer)
      return
    }
    response.writeHead(302, {
      location: `${this.cdnUrl}/${id}/${name}?sig=${file.sha256.slice(0, 8)}`,
      'x-linked-size': String(file.size),
      'x-linked-etag': `"${file.sha256}"`,
    })
    response.end()
  }

  #blob(asked: Asked, response: ServerResponse, place: string, fault: Fault | undefined): void {
    const [owner, name, ...path] = place.split('/')
    const file = this.#repos.get(`${owner}/${name}`)?.files.get(path.join('/'))
    if (!file) return this.#refuse(response, 404, 'NoSuchKey')
    this.#send(asked, response, file, { etag: `"${file.sha256}"`, fault })
  }

  #send(
    { method, range }: Asked,
    response: ServerResponse,
    file: StoredFile,
    { etag, fault }: { etag: string; fault: Fault | undefined },
  ): void {
    const ranged = range !== null && !(fault && 'ignoreRange' in fault)
    if (ranged && range[0] >= file.size) {
      response.writeHead(416, { 'content-range': `bytes */${file.size}` }).end()
      return
    }
    const begin = ranged ? range[0] : 0
    const end = ranged ? Math.min(range[1] ?? file.size, file.size) : file.size
    const missing = fault && 'short' in fault ? fault.short : 0
    if (ranged) response.setHeader('content-range', `bytes ${begin}-${end - 1}/${file.size}`)
    response.writeHead(ranged ? 206 : 200, {
      'content-type': 'application/octet-stream',
      'content-length': end - begin - missing,
      'accept-ranges': 'bytes',
      etag: fault && 'etag' in fault ? fault.etag : etag,
    })
    if (method === 'HEAD') response.end()
    else void this.#stream(response, file, { begin, end: end - missing, fault })
  }

  /** Piece by piece, as fast as it is taken. */
  async #stream(
    response: ServerResponse,
    file: StoredFile,
    { begin, end, fault }: { begin: number; end: number; fault: Fault | undefined },
  ): Promise<void> {
    const cut = fault && 'cutAfter' in fault ? begin + fault.cutAfter : Infinity
    const step = fault && 'trickle' in fault ? fault.trickle : PIECE
    for (let at = begin; at < Math.min(end, cut); at += step) {
      const stop = Math.min(at + step, end, cut)
      const bytes = Uint8Array.from(file.read(at, stop))
      if (fault && 'flip' in fault && fault.flip >= at && fault.flip < stop) bytes[fault.flip - at]! ^= 1
      if (response.destroyed) return
      if (!response.write(bytes))
        await new Promise<void>((done) => response.once('drain', done).once('close', done))
      if (fault && 'trickle' in fault) await new Promise((done) => setTimeout(done, fault.pauseMs))
    }
    if (end <= cut) response.end()
    else response.destroy()
  }
}
