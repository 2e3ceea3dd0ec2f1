import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { readRange, streamBytes } from '../../src/formats/byteRange.ts'
import { openSource } from '../../src/sources/open.ts'
import { filesSource, mapSource } from '../../src/sources/dropped.ts'
import { nodeFolderSource } from '../../src/sources/nodeFolder.ts'
import { urlSource } from '../../src/sources/url.ts'
import type { FileSource } from '../../src/formats/tensors.ts'
import { bytesOf } from './build.ts'

const DATA = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7) % 256)

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** A server with one file; `behave` is what each test wants of it. */
let behave: Handler
let requests: string[] = []
const server = createServer((request, response) => {
  requests.push(`${request.method} ${request.headers.range ?? 'whole'}`)
  behave(request, response)
})
let base: URL

/** Bytes asked for, `[begin, end)`, or null for the whole file. */
function rangeOf(request: IncomingMessage): [number, number] | null {
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  return match ? [Number(match[1]), match[2] ? Number(match[2]) + 1 : DATA.length] : null
}

const good: Handler = (request, response) => {
  const range = rangeOf(request)
  response.setHeader('etag', '"one"')
  if (range) response.setHeader('content-range', `bytes ${range[0]}-${range[1] - 1}/${DATA.length}`)
  const body = range ? DATA.subarray(range[0], range[1]) : DATA
  response.writeHead(range ? 206 : 200, {
    'content-length': body.length,
    'content-type': 'application/octet-stream',
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

const source = (): FileSource => urlSource(base, { retryMs: 1 })
const read = (begin = 0, end = DATA.length): Promise<Uint8Array> =>
  readRange(source(), 'model.safetensors', begin, end)

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/folder/`)
})
afterAll(() => void server.close())
afterEach(() => {
  requests = []
})

describe('a folder on a web server', () => {
  test('size, presence, ranges', async () => {
    behave = good
    expect(await source().has('model.safetensors')).toBe(true)
    expect(await source().size('model.safetensors')).toBe(DATA.length)
    expect(await read(10, 20)).toEqual(DATA.slice(10, 20))
    expect(await read()).toEqual(DATA)
  })

  test('a server that ignores ranges still gives the right bytes', async () => {
    behave = (request, response) => {
      delete request.headers.range
      good(request, response)
    }
    expect(await read(50_000, 50_010)).toEqual(DATA.slice(50_000, 50_010))
  })

  test('a server without HEAD is asked with GET', async () => {
    behave = (request, response) =>
      request.method === 'HEAD' ? response.writeHead(405).end() : good(request, response)
    expect(await source().size('model.safetensors')).toBe(DATA.length)
  })

  test.each([0, 7, 8, 500, DATA.length - 1])(
    'a connection cut at byte %i is resumed from there',
    async (cut) => {
      let cuts = 0
      behave = (request, response) => {
        if (request.method === 'HEAD' || cuts > 0) return good(request, response)
        cuts++
        response.writeHead(206, { 'content-length': DATA.length, etag: '"one"' })
        response.write(DATA.subarray(0, cut), () => response.destroy())
      }
      expect(await read()).toEqual(DATA)
      expect(requests.at(-1)).toMatch(/^GET bytes=\d+-99999$/)
    },
  )

  test('a connection that is always cut gives up, typed, naming the byte', async () => {
    behave = (request, response) => {
      if (request.method === 'HEAD') return good(request, response)
      response.writeHead(206, { 'content-length': DATA.length })
      response.flushHeaders()
      setTimeout(() => response.destroy(), 1)
    }
    await expect(read()).rejects.toMatchObject({ code: 'network', details: { field: 'bytes', got: 0 } })
    expect(requests.filter((request) => request.startsWith('GET')).length).toBe(4)
  })

  test('parts of two versions are never joined', async () => {
    let gets = 0
    behave = (request, response) => {
      if (request.method === 'HEAD' || gets++ > 0) {
        const setHeader = response.setHeader.bind(response)
        response.setHeader = (name, value) => setHeader(name, name === 'etag' ? '"two"' : value)
        return good(request, response)
      }
      response.writeHead(206, { 'content-length': DATA.length, etag: '"one"' })
      response.write(DATA.subarray(0, 1000), () => response.destroy())
    }
    await expect(read()).rejects.toMatchObject({ code: 'network', details: { field: 'version' } })
  })

  test('a server that sends another range than asked is refused', async () => {
    behave = (request, response) => {
      if (request.method === 'HEAD') return good(request, response)
      response.writeHead(206, { 'content-range': 'bytes 0-9/100000' })
      response.end(DATA.subarray(0, 10))
    }
    await expect(read(10, 20)).rejects.toMatchObject({ code: 'network' })
  })

  test.each([
    {
      what: '404',
      status: 404,
      type: 'text/plain',
      expected: { has: false, code: 'network', field: 'status' },
    },
    {
      what: 'a page for everything (single-page host)',
      status: 200,
      type: 'text/html; charset=utf-8',
      expected: { has: false, code: 'network', field: 'status' },
    },
  ])('$what', async ({ status, type, expected }) => {
    behave = (_, response) => void response.writeHead(status, { 'content-type': type }).end('<!doctype html>')
    expect(await source().has('config.json')).toBe(expected.has)
    await expect(source().read('config.json', { maxBytes: 100 })).rejects.toMatchObject({
      code: expected.code,
      details: { file: 'config.json', field: expected.field },
    })
  })

  test('403 is an error even when only asked whether the file is there', async () => {
    behave = (_, response) => void response.writeHead(403).end()
    await expect(source().has('config.json')).rejects.toMatchObject({
      code: 'network',
      details: { got: 403 },
    })
  })

  test('a page instead of the data is named', async () => {
    behave = (request, response) => {
      if (request.method === 'HEAD') return good(request, response)
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>')
    }
    await expect(read()).rejects.toMatchObject({
      code: 'bad-file',
      message: expect.stringContaining('web page'),
    })
  })

  test('a host that cannot be reached', async () => {
    const gone = urlSource(new URL('http://127.0.0.1:9/folder/'), { retryMs: 1 })
    await expect(gone.has('config.json')).rejects.toMatchObject({ code: 'network' })
  })

  test('a file over the limit is not fetched', async () => {
    behave = good
    await expect(source().read('big.json', { maxBytes: 1000 })).rejects.toMatchObject({ code: 'bad-file' })
    expect(requests).toEqual(['HEAD whole'])
  })

  test('an abort while bytes arrive', async () => {
    behave = (request, response) => {
      if (request.method === 'HEAD') return good(request, response)
      response.writeHead(206, { 'content-length': DATA.length })
      response.write(DATA.subarray(0, 1000))
    }
    const controller = new AbortController()
    const reading = (async () => {
      const { signal } = controller
      for await (const chunk of streamBytes(source(), 'model.safetensors', 0, DATA.length, { signal })) {
        expect(chunk.length).toBeGreaterThan(0)
        setTimeout(() => controller.abort(), 5)
      }
    })()
    await expect(reading).rejects.toMatchObject({ code: 'aborted' })
  })

  test('names that leave the folder are never requested', async () => {
    for (const name of ['../secret', '/etc/passwd', 'a/../../b', 'https://evil/x', 'a\\b', '']) {
      await expect(source().has(name), name).rejects.toMatchObject({ code: 'bad-file' })
    }
    expect(requests).toEqual([])
  })
})

describe('files in memory', () => {
  test('a chosen folder is found through its paths; the shallowest config.json decides', async () => {
    const file = (path: string): File => {
      const created = new File([path], path.split('/').at(-1) ?? '')
      Object.defineProperty(created, 'webkitRelativePath', { value: path })
      return created
    }
    const chosen = filesSource([
      file('m/old/config.json'),
      file('m/config.json'),
      file('m/model.safetensors'),
    ])
    expect(chosen.label).toBe('m')
    expect(await chosen.list()).toEqual(['old/config.json', 'config.json', 'model.safetensors'])
    expect(Buffer.from(await chosen.read('config.json', { maxBytes: 100 })).toString()).toBe('m/config.json')
  })

  test('blobs and byte arrays stream their ranges', async () => {
    const both = mapSource(
      new Map<string, Blob | Uint8Array>([
        ['blob', new Blob([DATA])],
        ['bytes', DATA],
      ]),
    )
    for (const name of ['blob', 'bytes']) {
      expect(await readRange(both, name, 99, 70_000)).toEqual(DATA.slice(99, 70_000))
      await expect(readRange(both, name, 0, DATA.length + 1)).rejects.toMatchObject({ code: 'bad-file' })
    }
    await expect(both.read('none', { maxBytes: 1 })).rejects.toMatchObject({ code: 'bad-file' })
  })

  test('no files', () => {
    expect(() => filesSource([])).toThrow(expect.objectContaining({ code: 'bad-argument' }))
  })
})

describe('openSource', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tokenscope-sources-'))
  const modelsUrl = pathToFileURL(join(folder, 'models.json'))
  const options = { modelsUrl }
  writeFileSync(
    join(folder, 'models.json'),
    JSON.stringify({ models: [{ id: 'tiny' }, { id: 'moved', path: 'elsewhere' }] }),
  )
  afterAll(() => rmSync(folder, { recursive: true }))

  test.each([
    { text: 'https://example.org/models/x', label: 'https://example.org/models/x/' },
    { text: 'https://example.org/models/x/config.json?token=secret', label: 'https://example.org/models/x/' },
    { text: 'HuggingFaceTB/SmolLM2-135M', label: 'HuggingFaceTB/SmolLM2-135M' },
    { text: 'HuggingFaceTB/SmolLM2-135M@v1.0', label: 'HuggingFaceTB/SmolLM2-135M@v1.0' },
    { text: 'https://huggingface.co/HuggingFaceTB/SmolLM2-135M', label: 'HuggingFaceTB/SmolLM2-135M' },
    {
      text: 'https://huggingface.co/HuggingFaceTB/SmolLM2-135M/tree/v1.0',
      label: 'HuggingFaceTB/SmolLM2-135M@v1.0',
    },
    { text: 'HuggingFaceTB/SmolLM2-135M@main/gguf/model-Q8_0.gguf', label: 'HuggingFaceTB/SmolLM2-135M' },
    {
      text: 'https://hf.co/HuggingFaceTB/SmolLM2-135M/blob/v1.0/x.gguf',
      label: 'HuggingFaceTB/SmolLM2-135M@v1.0',
    },
    { text: folder, label: folder },
  ])('$text', async ({ text, label }) => {
    expect((await openSource(text, options)).label).toBe(label)
  })

  test('ids resolve beside models.json', async () => {
    expect((await openSource('tiny', options)).label).toBe(`${folder}/models/tiny/`)
    expect((await openSource('moved', options)).label).toBe(`${folder}/elsewhere/`)
  })

  test('an unknown id names the known ones', async () => {
    await expect(openSource('huge', options)).rejects.toMatchObject({
      code: 'bad-argument',
      message: expect.stringContaining('tiny, moved'),
    })
  })

  test.each([
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:text/plain,x',
    'ftp://host/x',
    'https://h/a/%2e%2e%2f/b',
    'a/b/c',
    'a/..',
    '',
  ])('%s is refused', async (text) => {
    await expect(openSource(text, options)).rejects.toMatchObject({ code: 'bad-argument' })
  })

  test('a folder on disk: missing files, folders and limits', async () => {
    const disk = nodeFolderSource(folder)
    expect(await disk.list()).toEqual(['models.json'])
    expect(await disk.has('none')).toBe(false)
    await expect(disk.read('none', { maxBytes: 10 })).rejects.toMatchObject({ code: 'bad-file' })
    await expect(disk.read('models.json', { maxBytes: 10 })).rejects.toMatchObject({ code: 'bad-file' })
    await expect(disk.has('../x')).rejects.toMatchObject({ code: 'bad-file' })
    expect(await readRange(disk, 'models.json', 1, 9)).toEqual(bytesOf('"models"'))
  })
})
