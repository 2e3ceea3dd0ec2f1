import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseRange, serve } from '../../scripts/serve.mjs'

let folder: string
let server: Awaited<ReturnType<typeof serve>>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'serve-'))
  await writeFile(join(folder, 'index.html'), '<p>page</p>')
  await writeFile(join(folder, 'model.safetensors'), '0123456789')
  await writeFile(join(folder, 'config.json'), '{}')
  server = await serve(folder, { base: '/deep/sub/' })
})

afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

/** Status of a path sent as it is: `fetch` would tidy it first. */
function statusOf(path: string): Promise<number | undefined> {
  const { hostname, port } = new URL(server.url)
  return new Promise((done, reject) => {
    const sent = request({ hostname, port, path }, (response) => {
      response.resume()
      done(response.statusCode)
    })
    sent.on('error', reject).end()
  })
}

describe('the static server', () => {
  test.each([
    ['', 'text/html; charset=utf-8'],
    ['config.json', 'application/json; charset=utf-8'],
    ['model.safetensors', 'application/octet-stream'],
  ])('serves %s as %s', async (path, type) => {
    const response = await fetch(server.url + path)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe(type)
  })

  test.each([
    '/deep/sub/nothing.json',
    '/deep/sub/../../etc/passwd',
    '/deep/sub/%2e%2e/x',
    '/deep/sub/%zz',
    '/',
  ])('answers 404 for %s and never the page in its place', async (path) => {
    expect(await statusOf(path)).toBe(404)
  })

  test('serves byte ranges', async () => {
    const response = await fetch(`${server.url}model.safetensors`, { headers: { range: 'bytes=2-5' } })
    expect(response.status).toBe(206)
    expect(response.headers.get('content-range')).toBe('bytes 2-5/10')
    expect(await response.text()).toBe('2345')
  })
})

test.each([
  [undefined, 'whole'],
  ['bytes=0-', { begin: 0, end: 10 }],
  ['bytes=3-3', { begin: 3, end: 4 }],
  ['bytes=8-99', { begin: 8, end: 10 }],
  ['bytes=-3', { begin: 7, end: 10 }],
  ['bytes=-99', { begin: 0, end: 10 }],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=5-2', 'whole'],
  ['bytes=0-1,3-4', 'whole'],
  ['lines=1-2', 'whole'],
])('range %s of ten bytes', (header, expected) => {
  expect(parseRange(header, 10)).toEqual(expected)
})
