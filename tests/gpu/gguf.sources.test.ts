import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { identify } from '../../src/engine/identify.ts'
import { writeGguf } from '../../src/formats/gguf/write.ts'
import type { ModelSource } from '../../src/index.ts'
import { number } from '../formats/ggufBuild.ts'
import { maxDifference } from '../nmse.ts'
import { asGguf } from './ggufOfFolder.ts'
import { readJson, TINY, withModel } from './modelFixtures.ts'

const PART = (n: number): string => `tiny-0000${n}-of-00003.gguf`
const folder = mkdtempSync(join(tmpdir(), 'tokenscope-gguf-'))
const files = new Map<string, Uint8Array<ArrayBuffer>>()
/** `name first-last` of every request. */
const ranges: string[] = []
let server: Server
let address = ''

/** A file in one piece, and the same in three parts. */
async function writeFiles(): Promise<void> {
  const config = readJson(join(TINY, 'llama', 'config.json')) as Record<string, unknown>
  const { fields, tensors } = await asGguf(join(TINY, 'llama'), config, 'llama')
  files.set('tiny.gguf', new Uint8Array(writeGguf(fields, tensors)))
  const cuts = [0, 3, 7, tensors.length]
  for (const n of [1, 2, 3]) {
    const split = new Map([
      ['split.no', number('uint16', n - 1)],
      ['split.count', number('uint16', 3)],
      ['split.tensors.count', number('int32', tensors.length)],
    ])
    const metadata = n === 1 ? new Map([...fields, ...split]) : split
    files.set(PART(n), new Uint8Array(writeGguf(metadata, tensors.slice(cuts[n - 1], cuts[n]))))
  }
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes)
}

beforeAll(async () => {
  await writeFiles()
  server = createServer(({ url = '', method, headers }, response) => {
    const name = decodeURIComponent(url.split('/').at(-1) ?? '')
    const bytes = files.get(name)
    if (!bytes) return void response.writeHead(404).end()
    const [, first, last] = /^bytes=(\d+)-(\d+)?$/.exec(headers.range ?? '') ?? []
    ranges.push(`${method} ${name} ${first ?? ''}-${last ?? ''}`)
    const [begin, end] = [Number(first ?? 0), Math.min(Number(last ?? Infinity) + 1, bytes.length)]
    const length = { 'content-length': end - begin, 'accept-ranges': 'bytes' }
    const range = { 'content-range': `bytes ${begin}-${end - 1}/${bytes.length}` }
    response.writeHead(
      first === undefined ? 200 : 206,
      first === undefined ? length : { ...length, ...range },
    )
    response.end(method === 'HEAD' ? undefined : bytes.subarray(begin, end))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models`
})

afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

const file = (name: string): File => new File([files.get(name) ?? ''], name)
const parts = [1, 2, 3].map(PART)
const zip = (names: readonly string[], under: string): File => {
  const entries = names.map((name) => [`${under}${name}`, files.get(name)!] as const)
  return new File([zipSync(Object.fromEntries(entries))], 'model.zip')
}

const SOURCES: Record<string, () => ModelSource> = {
  'a path': () => join(folder, 'tiny.gguf'),
  'a path of the first part': () => join(folder, PART(1)),
  'an address': () => `${address}/tiny.gguf`,
  'an address with a query': () => `${address}/tiny.gguf?download=true`,
  'the address of the first part': () => `${address}/${PART(1)}`,
  'a dropped file': () => [file('tiny.gguf')],
  'dropped parts, in any order': () => [file(PART(2)), file(PART(3)), file(PART(1))],
  'a zip': () => [zip(['tiny.gguf'], '')],
  'a zip of parts in a folder': () => [zip(parts, 'some/folder/')],
  'a map': () => new Map([['model.gguf', files.get('tiny.gguf')!]]),
}

test('a GGUF file is one model wherever it comes from', async () => {
  const { ids } = readJson(join(TINY, 'llama', 'expected.json')) as { ids: number[] }
  let expected: Float32Array | null = null
  for (const [what, source] of Object.entries(SOURCES)) {
    const chosen = source()
    if (Array.isArray(chosen)) expect(await identify(chosen as File[]), what).toBe('model')
    await withModel(chosen, {}, async (model) => {
      const { data } = await model.logits(ids)
      expected ??= data
      expect(maxDifference(data, expected), what).toBe(0)
    })
  }
})

test('an address is read in ranges: the header, then the weights', async () => {
  ranges.length = 0
  await withModel(`${address}/tiny.gguf`, {}, async (model) => {
    expect(model.info.hasTokenizer).toBe(false)
  })
  const reads = ranges.filter((range) => range.startsWith('GET'))
  expect(reads.length).toBeGreaterThan(0)
  expect(reads.filter((range) => !/ \d+-\d+$/.test(range))).toEqual([])
})

test.each([
  ['a part without its others', () => [file(PART(1)), file(PART(3))], 'missing'],
  ['the address of a part without its others', () => `${address}/other-00001-of-00002.gguf`, ''],
  ['a file cut off', () => [new File([files.get('tiny.gguf')!.slice(0, -100)], 'tiny.gguf')], 'size'],
  ['two models at once', () => [file('tiny.gguf'), new File(['GGUF'], 'other.gguf')], 'one GGUF model'],
] as const)('%s is refused', async (_, source, message) => {
  const error: unknown = await withModel(source() as ModelSource, {}, async () => undefined).catch(
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({
    name: 'TokenscopeError',
    message: expect.stringContaining(message) as string,
  })
})
