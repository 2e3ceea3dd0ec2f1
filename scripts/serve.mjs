import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream'

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.ts': 'text/plain; charset=utf-8',
  '.wgsl': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
}

/**
 * The byte range a request asks for.
 * @param {string | undefined} header `Range`, one range only; anything else is answered whole, as the standard allows
 * @param {number} size bytes of the file
 * @returns {{ begin: number, end: number } | 'whole' | 'unsatisfiable'} end exclusive
 */
export function parseRange(header, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (!match || (match[1] === '' && match[2] === '')) return 'whole'
  const [, first, last] = match
  if (first === '') {
    const begin = Math.max(0, size - Number(last))
    return begin < size ? { begin, end: size } : 'unsatisfiable'
  }
  const begin = Number(first)
  const end = last === '' ? size : Math.min(Number(last) + 1, size)
  if (last !== '' && Number(last) < begin) return 'whole'
  return begin < size ? { begin, end } : 'unsatisfiable'
}

/** @param {string} folder @param {string} path @returns the file's path and facts, or null when it is not to be served */
async function findFile(folder, path) {
  const file = resolve(join(folder, path.endsWith('/') ? `${path}index.html` : path))
  if (!file.startsWith(resolve(folder) + sep)) return null
  try {
    const facts = await stat(file)
    return facts.isFile() ? { file, size: facts.size, modified: facts.mtime } : null
  } catch {
    return null // absent or unreadable: 404 either way
  }
}

/** @param {string | undefined} url @param {string} base @returns the path below `base`, or null outside it or malformed */
function pathBelow(url, base) {
  try {
    const path = decodeURIComponent(new URL(url ?? '/', 'http://localhost').pathname)
    return path.startsWith(base) && !path.includes('\0') ? `/${path.slice(base.length)}` : null
  } catch {
    return null
  }
}

/** @param {string} folder @param {string} base */
function answer(folder, base) {
  return async (request, response) => {
    const path = pathBelow(request.url, base)
    const found = path === null ? null : await findFile(folder, path)
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return fail(response, 405, 'method not allowed')
    if (!found) return fail(response, 404, 'not found')
    const range = parseRange(request.headers.range, found.size)
    if (range === 'unsatisfiable') {
      response.setHeader('Content-Range', `bytes */${found.size}`)
      return fail(response, 416, 'range not satisfiable')
    }
    const { begin, end } = range === 'whole' ? { begin: 0, end: found.size } : range
    if (range !== 'whole') response.setHeader('Content-Range', `bytes ${begin}-${end - 1}/${found.size}`)
    response.writeHead(range === 'whole' ? 200 : 206, {
      'Content-Type': TYPES[extname(found.file)] ?? 'application/octet-stream',
      'Content-Length': end - begin,
      'Accept-Ranges': 'bytes',
      'Last-Modified': found.modified.toUTCString(),
      // Files are rebuilt under the same names while developing, so the browser must ask every time.
      'Cache-Control': 'no-cache',
      'X-Content-Type-Options': 'nosniff',
    })
    if (request.method === 'HEAD' || end === begin) return response.end()
    pipeline(createReadStream(found.file, { start: begin, end: end - 1 }), response, () => response.destroy())
  }
}

function fail(response, status, text) {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' })
  response.end(`${status} ${text}\n`)
}

/**
 * Serves a folder as a plain static host would: no fallback page, no special headers.
 * @param {string} folder
 * @param {{ port?: number, base?: string }} [options] port 0 takes a free one; base is the path it is mounted at, `/…/`
 * @returns {Promise<{ url: string, close: () => Promise<void> }>} rejects with `EADDRINUSE` when the port is taken
 */
export function serve(folder, { port = 0, base = '/' } = {}) {
  const handle = answer(folder, base)
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  return new Promise((done, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      const close = () =>
        new Promise((closed) => {
          server.close(() => closed())
          server.closeAllConnections()
        })
      done({ url: `http://localhost:${address.port}${base}`, close })
    })
  })
}
