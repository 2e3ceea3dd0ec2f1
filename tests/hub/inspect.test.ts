import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { InspectSourceOptions, SourceReport } from '../../src/api/source.ts'
import type { ModelSource } from '../../src/api/load.ts'
import { inspectSourceFrom } from '../../src/engine/inspectSource.ts'
import { memoryLimit } from '../../src/engine/fit.ts'
import { texts, tinyGguf } from '../formats/ggufBuild.ts'
import { FakeHub } from './fakeHub.ts'
import { configOf, elementsOf, ONE_BILLION, syntheticWeights } from './syntheticModel.ts'

const LLAMA = resolve(import.meta.dirname, '../fixtures/models/llama')
const GIB = 1024 ** 3
const LIMITS = { maxBufferSize: 2 * GIB, maxStorageBufferBindingSize: 2 * GIB, memoryBytes: 6 * GIB }

let hub: FakeHub
const folder = mkdtempSync(join(tmpdir(), 'tokenscope-inspect-'))
writeFileSync(join(folder, 'models.json'), JSON.stringify({ models: [{ id: 'tiny', path: LLAMA }] }))
const modelsUrl = pathToFileURL(join(folder, 'models.json'))

beforeAll(async () => {
  hub = await FakeHub.start()
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await hub.close()
})
afterEach(() => hub.reset())

const inspect = (source: ModelSource, options: InspectSourceOptions = {}): Promise<SourceReport> =>
  inspectSourceFrom(source, { hub: { endpoint: hub.url }, limits: LIMITS, ...options }, modelsUrl)

const tinyFiles = (): Record<string, Uint8Array> => ({
  'config.json': readFileSync(join(LLAMA, 'config.json')),
  'model.safetensors': readFileSync(join(LLAMA, 'model.safetensors')),
})

/** Bytes of content that was asked for; large files are asked for twice, since the hub sends on to another origin. */
const bytesAsked = (): number =>
  hub.asked
    .filter(({ cdn, path }) => cdn || !/(safetensors|gguf)$/.test(path))
    .reduce((sum, { range }) => sum + (range?.[1] ? range[1] - range[0] : 100_000), 0)

describe('a model of 2 GB', () => {
  const files = {
    'config.json': configOf(ONE_BILLION),
    'generation_config.json': '{}',
    'tokenizer.json': '{}'.padEnd(9_000_000),
    'model.safetensors': syntheticWeights(ONE_BILLION),
    'pytorch_model.bin': syntheticWeights(ONE_BILLION),
    'onnx/model.onnx': 'no',
    'README.md': 'text',
  }

  test('is judged by less than 2 MB, with what keeping it would download', async () => {
    const { commit } = hub.repo('big/llama', files, { license: 'llama3.2', baseModel: 'big/base' })
    const report = await inspect('big/llama')
    expect(bytesAsked()).toBeLessThan(2_000_000)
    expect(hub.asked.length).toBeLessThan(12)
    expect(report).toMatchObject({
      id: 'big/llama',
      source: 'big/llama',
      kind: 'model',
      commit,
      modelType: 'llama',
      architecture: 'LlamaForCausalLM',
      parameters: elementsOf(ONE_BILLION),
      license: 'llama3.2',
      baseModels: ['big/base'],
      weights: 'bf16',
      context: 8192,
      gated: false,
      fit: { fits: true, verdict: 'fits' },
    })
    const needed = report.files.filter((file) => file.needed).map(({ name }) => name)
    expect(needed.toSorted()).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
    ])
    expect(report.bytes).toBe(
      report.files.reduce((sum, { needed: reads, bytes }) => sum + (reads ? bytes! : 0), 0),
    )
    expect(report.fit.gpuBytes).toBeGreaterThan(2 * elementsOf(ONE_BILLION))
  })

  test.each([
    { memory: 3, verdict: 'fits', load: { weights: 'auto', contextLength: 4096 } },
    { memory: 2, verdict: 'fits-q4_0', load: { weights: 'q4_0', contextLength: 4096 } },
    { memory: 0.8, verdict: 'shorter-context', load: { weights: 'q4_0', contextLength: 2048 } },
    { memory: 0.4, verdict: 'does-not-fit', load: null },
  ])('with $memory GiB: $verdict', async ({ memory, verdict, load }) => {
    hub.repo('big/llama', files)
    const { fit } = await inspect('big/llama', { limits: { ...LIMITS, memoryBytes: memory * GIB } })
    expect(fit.verdict).toBe(verdict)
    expect(fit.fits).toBe(verdict === 'fits')
    expect(fit.why).toMatch(/\d (GB|MB)/)
    if (load === null) expect(fit.load).toBeNull()
    else expect(fit.load).toMatchObject(load)
  })

  test('keys and values are weighed in the format asked for', async () => {
    hub.repo('big/llama', files)
    const fitOf = async (kvCache: 'f32' | 'f16' | 'q8_0') =>
      (await inspect('big/llama', { limits: LIMITS, contextLength: 4096, kvCache })).fit
    const [full, half, packed] = [await fitOf('f32'), await fitOf('f16'), await fitOf('q8_0')]
    // Rows of 64 in q8_0 are two blocks of 32 and a half each.
    expect((full.gpuBytes - packed.gpuBytes) / (full.gpuBytes - half.gpuBytes)).toBeCloseTo(
      (4 - 1.0625) / (4 - 2),
      9,
    )
    expect(half.options.every(({ kvCache }) => kvCache === 'f16')).toBe(true)
  })

  test('a cache that no buffer of the adapter holds is told before loading', async () => {
    hub.repo('big/llama', files)
    const limits = { ...LIMITS, maxBufferSize: 16 * 1024 ** 2 }
    const { fit } = await inspect('big/llama', { limits, contextLength: 8192 })
    expect(fit).toMatchObject({ fits: false, verdict: 'shorter-context' })
  })
})

describe('sources of every kind', () => {
  const expected = { modelType: 'llama', architecture: 'LlamaForCausalLM', kind: 'model' }

  test('a hub id, a revision, a link', async () => {
    hub.repo('tiny/llama', tinyFiles(), { revisions: { 'v1.0': 'x' } })
    for (const source of ['tiny/llama', 'tiny/llama@v1.0', `${hub.url}/tiny/llama/tree/v1.0`])
      expect(await inspect(source), source).toMatchObject(expected)
  })

  test('files, a Map, a folder on disk, an id', async () => {
    const files = Object.entries(tinyFiles())
    const dropped = files.map(([name, bytes]) => new File([Buffer.from(bytes)], name))
    for (const source of [dropped, new Map(files), LLAMA, 'tiny'])
      expect(await inspect(source)).toMatchObject({ ...expected, fit: { fits: true } })
  })

  test('a folder address without a listing, and without an API', async () => {
    hub.repo('tiny/llama', tinyFiles())
    const report = await inspect(`${hub.cdnUrl}/tiny/llama/`)
    expect(report).toMatchObject({ ...expected, license: null })
    expect(report.files.map(({ name }) => name)).toEqual(['config.json', 'model.safetensors'])
    hub.fault = ({ path }) => (path.startsWith('/api/') ? { status: 404 } : undefined)
    expect(await inspect('tiny/llama')).toMatchObject({ ...expected, commit: null })
  })

  test('sizes come from the tree, page by page, where the info has none', async () => {
    hub.repo('tiny/llama', { ...tinyFiles(), 'a.txt': 'a', 'b.txt': 'b' })
    hub.blobs = false
    hub.pageSize = 2
    expect((await inspect('tiny/llama')).files).toHaveLength(4)
  })

  test('an adapter names its base', async () => {
    hub.repo('some/adapter', {
      'adapter_config.json': JSON.stringify({ base_model_name_or_path: 'tiny/llama' }),
      'adapter_model.safetensors': 'x',
    })
    expect(await inspect('some/adapter')).toMatchObject({
      kind: 'adapter',
      baseModels: ['tiny/llama'],
      fit: { fits: false, verdict: 'unsupported' },
    })
  })

  test('an architecture that is not built: told what it is, and that it does not run', async () => {
    const config = { ...(JSON.parse(configOf(ONE_BILLION)) as object), model_type: 'mystery' }
    hub.repo('some/mystery', {
      'config.json': JSON.stringify(config),
      'model.safetensors': tinyFiles()['model.safetensors']!,
    })
    const report = await inspect('some/mystery')
    expect(report).toMatchObject({ modelType: 'mystery', fit: { fits: false, verdict: 'unsupported' } })
    expect(report.fit.why).toContain('mystery')
  })
})

test('every architecture is judged', async () => {
  const models = resolve(import.meta.dirname, '../fixtures/models')
  for (const name of readdirSync(models)) {
    if (!existsSync(join(models, name, 'config.json'))) continue
    const { fit, parameters } = await inspect(join(models, name))
    expect(parameters, name).toBeGreaterThan(0)
    if (fit.verdict !== 'unsupported') expect(fit.fits && fit.gpuBytes > 0, name).toBe(true)
  }
})

describe('GGUF', () => {
  /** A model with so many tokens, rows of the embedding being fewer. */
  const gguf = (tokens = 8): Uint8Array => {
    const spelling = Array.from({ length: tokens }, (_, i) => `token-${i}`.padEnd(tokens > 1000 ? 200 : 1))
    return tinyGguf({ fields: { 'tokenizer.ggml.tokens': texts(spelling) } })
  }

  test('of several files the best one is chosen, others by name', async () => {
    hub.repo('tiny/gguf', {
      'config.json': '{}',
      'model-BF16.gguf': gguf(),
      'model-Q4_K_M.gguf': gguf(),
      'model-Q8_0.gguf': gguf(),
      'mmproj-F16.gguf': 'x',
    })
    const report = await inspect('tiny/gguf')
    expect(report).toMatchObject({ file: 'model-Q8_0.gguf', source: 'tiny/gguf/model-Q8_0.gguf' })
    expect(report.choices).toHaveLength(3)
    expect(report.files.filter((file) => file.needed).map(({ name }) => name)).toContain('model-Q8_0.gguf')
    const other = await inspect('tiny/gguf/model-BF16.gguf')
    expect(other).toMatchObject({ file: 'model-BF16.gguf', modelType: 'llama' })
  })

  test('a vocabulary longer than what is read leaves the verdict standing', async () => {
    hub.repo('tiny/wide', { 'model-Q8_0.gguf': gguf(9000) })
    const report = await inspect('tiny/wide')
    expect(bytesAsked()).toBeLessThan(2_000_000)
    expect(report).toMatchObject({ modelType: 'llama', weights: 'q8_0', fit: { fits: true } })
  })
})

describe('what the hub refuses', () => {
  test.each([
    { what: 'a model that is not there', id: 'no/body', code: 'network', got: 401 },
    { what: 'a revision that is not there', id: 'tiny/llama@v9', code: 'network', got: 404 },
    { what: 'a gated model', id: 'tiny/gated', code: 'network', got: 401 },
  ])('$what', async ({ id, code, got }) => {
    hub.repo('tiny/llama', tinyFiles())
    hub.repo('tiny/gated', tinyFiles(), { gated: true })
    await expect(inspect(id)).rejects.toMatchObject({ code, details: { got } })
  })

  test('a token opens a gated model and goes to the endpoint alone', async () => {
    hub.repo('tiny/gated', tinyFiles(), { gated: true })
    const report = await inspect('tiny/gated', { hub: { endpoint: hub.url, token: hub.token } })
    expect(report).toMatchObject({ gated: true, modelType: 'llama' })
    const atCdn = hub.asked.filter(({ cdn }) => cdn)
    expect(atCdn.length).toBeGreaterThan(0)
    expect(atCdn.every(({ authorization }) => authorization === null)).toBe(true)
    await expect(inspect('tiny/gated', { hub: { endpoint: hub.url, token: 'bad' } })).rejects.toMatchObject({
      code: 'network',
      details: { got: 401 },
    })
  })

  test('a busy hub is asked again after the pause it names; one that names an hour is not', async () => {
    hub.repo('tiny/llama', tinyFiles())
    hub.fault = (_, nth) =>
      nth === 1 ? { status: 429, retryAfter: '0' } : nth === 3 ? { status: 503 } : undefined
    expect(await inspect('tiny/llama')).toMatchObject({ modelType: 'llama' })
    hub.fault = () => ({ status: 429, retryAfter: '3600' })
    const before = hub.asked.length
    await expect(inspect('tiny/llama')).rejects.toMatchObject({
      code: 'network',
      details: { got: 429, retryAfterMs: 3_600_000 },
    })
    expect(hub.asked.length).toBe(before + 1)
  })

  test('a login page in place of the API', async () => {
    hub.fault = () => ({ page: true })
    await expect(inspect('tiny/llama')).rejects.toMatchObject({ code: 'network' })
  })

  test('an endpoint that is no address', async () => {
    await expect(inspect('tiny/llama', { hub: { endpoint: 'ftp://x' } })).rejects.toMatchObject({
      code: 'bad-argument',
    })
  })
})

test.each([
  { userAgent: 'iPhone', expected: 1.5e9 },
  { userAgent: 'Macintosh', maxTouchPoints: 5, expected: 1.5e9 },
  { userAgent: 'Macintosh', maxTouchPoints: 0, expected: 0.6 * 8 * GIB },
  { userAgent: 'Android', deviceMemory: 4, expected: 0.4 * 4 * GIB },
  { userAgent: 'X11', deviceMemory: 2, expected: 0.6 * 2 * GIB },
])('memory of $userAgent', ({ expected, ...browser }) => {
  expect(memoryLimit(browser)).toBe(Math.round(expected))
})
