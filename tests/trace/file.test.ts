import { expect, test } from 'vitest'
import { TokenscopeError } from '../../src/errors.ts'
import { openTrace } from '../../src/index.ts'
import { VERSION } from '../../src/trace/layout.ts'
import { crc32, deflate, fromPlanes, inflate, toPlanes } from '../../src/trace/pack.ts'
import { writeTrace } from '../../src/trace/write.ts'
import { randomSource } from '../random.ts'
import { sampleContent, withFields, withHeader } from './content.ts'

const bitsOf = (data: Float32Array): number[] => [
  ...new Uint32Array(data.buffer, data.byteOffset, data.length),
]

const content = sampleContent()
const file = await writeTrace(content)

test('a run comes back as it was saved, tensors bit for bit', async () => {
  for (const source of [file, new Blob([file as Uint8Array<ArrayBuffer>])]) {
    const trace = await openTrace(source)
    const { tensors, steps, ...plain } = content
    expect(trace).toMatchObject({ ...plain, version: VERSION, bytes: file.length })
    expect(trace.steps).toMatchObject(steps)
    for (const [step, { shape, data }] of tensors) {
      const read = await trace.tensor(step)
      expect(read.shape).toEqual(shape)
      expect(bitsOf(read.data), step).toEqual(bitsOf(data))
    }
  }
})

test('statistics are those of the tensors; a step that was not kept has none', async () => {
  const trace = await openTrace(file)
  const statsOf = (name: string) => trace.steps.find((step) => step.name === name)?.stats
  expect(statsOf('embed')).toMatchObject({ elements: 8, nan: 1, infinite: 2, max: Math.fround(0.1) })
  expect(statsOf('layers.0.attn.probs')).toMatchObject({ elements: 32, norm: 0, nan: 0 })
  expect(statsOf('logits')).toBeNull()
  await expect(trace.tensor('logits')).rejects.toMatchObject({ code: 'bad-argument' })
})

test('checksum, planes and deflate', async () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
  const bytes = Uint8Array.from({ length: 4000 }, (_, i) => (i * i) & 255)
  expect(fromPlanes(toPlanes(bytes))).toEqual(bytes)
  const packed = await deflate(bytes)
  const where = { file: 'f', field: 'x' }
  expect(await inflate(packed, 4000, where)).toEqual(bytes)
  for (const size of [0, 3999, 4001]) {
    await expect(inflate(packed, size, where)).rejects.toMatchObject({ code: 'bad-file' })
  }
})

/** A file changed by one word of its prelude. */
function withWord(at: number, word: number): Uint8Array {
  const bytes = file.slice()
  new DataView(bytes.buffer).setUint32(at, word, true)
  return bytes
}

const flipped = (at: number): Uint8Array => file.with(at, file[at]! ^ 1)
type Entry = Record<string, unknown>
const tensorField = (change: (entry: Entry) => void) =>
  withFields(file, (header) => change((header['tensors'] as Entry[])[1]!))

const MALFORMED: [what: string, bytes: () => Uint8Array | Promise<Uint8Array>, message: RegExp][] = [
  ['empty', () => new Uint8Array(), /is empty/],
  ['another kind', () => new TextEncoder().encode('{"not": "a trace"}'), /something else/],
  ['a web page', () => new TextEncoder().encode('<!doctype html>'), /a web page/],
  ['cut in the prelude', () => file.slice(0, 20), /size is 20 bytes/],
  ['cut in the header', () => file.slice(0, 100), /size is 100 bytes, expected at least/],
  ['cut in a tensor', () => file.slice(0, -1), /expected at least/],
  ['longer than its header says', () => new Uint8Array([...file, 0]), /as its header says/],
  ['a newer version', () => withWord(8, VERSION + 1), /version is 3/],
  ['version 0', () => withWord(8, 0), /version is 0/],
  ['a huge header', () => withWord(16, 0xffffffff), /header size/],
  ['a header that unpacks to more', () => withWord(16, 10), /the header is more/],
  ['a header that unpacks to less', () => withWord(16, 100_000), /the header is \d+ bytes/],
  ['a damaged header', () => flipped(60), /the header is damaged/],
  ['a damaged tensor', () => flipped(file.length - 1), /layers\.0\.attn\.probs is damaged/],
  ['no JSON', () => withHeader(file, (text) => text.slice(0, -1)), /expected/],
  ['a missing part', () => withFields(file, (header) => delete header['model']), /header|object/],
  ['too few texts', () => withFields(file, (header) => (header['texts'] = [])), /texts is a list/],
  [
    'ids outside the vocabulary',
    () => withFields(file, (header) => (header['ids'] = [1, 5, 5, 8])),
    /ids\[3\]/,
  ],
  [
    'a prompt longer than the text',
    () => withFields(file, (header) => (header['promptLength'] = 5)),
    /0 to 4/,
  ],
  [
    'a step twice',
    () =>
      withFields(file, (header) => {
        const steps = header['steps'] as Entry[]
        steps.push(steps[0]!)
      }),
    /every step once/,
  ],
  ['a tensor of no step', () => tensorField((entry) => (entry['step'] = 'nowhere')), /not "nowhere"/],
  ['another shape than its step', () => tensorField((entry) => (entry['shape'] = [4, 2, 32])), /4 × 2 × 32/],
  ['a bomb', () => tensorField((entry) => (entry['shape'] = [1 << 10, 512])), /stored bytes can unpack to/],
  [
    'a tensor beyond the limit',
    () => tensorField((entry) => (entry['shape'] = [1 << 20, 1 << 12])),
    /at most/,
  ],
  ['a negative size', () => tensorField((entry) => (entry['shape'] = [-4, 64])), /whole number/],
  ['an unknown coding', () => tensorField((entry) => (entry['coding'] = 'zip')), /"raw" or "planes"/],
  ['other stored lengths', () => tensorField((entry) => (entry['bytes'] = 5)), /5|as its header says/],
  ['a wrong checksum', () => tensorField((entry) => (entry['crc'] = 0)), /layers\.0\.resid is damaged/],
  [
    'statistics of another size',
    () => tensorField((entry) => ((entry['stats'] as Entry)['elements'] = 3)),
    /256 to 256/,
  ],
]

test.each(MALFORMED)('refused by name: %s', async (_, bytes, message) => {
  const error: unknown = await openTrace(await bytes()).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(TokenscopeError)
  expect(error).toMatchObject({ code: 'bad-file' })
  expect((error as TokenscopeError).message).toMatch(message)
  expect((error as TokenscopeError).hint).not.toBe('')
})

test('a tensor whose data unpack to another length is refused when it is read', async () => {
  const wrong = await withFields(file, (header) => {
    for (const key of ['tensors', 'steps']) {
      for (const entry of header[key] as Entry[]) {
        if ((entry['step'] ?? entry['name']) !== 'layers.0.resid') continue
        const holder = key === 'tensors' ? entry : (entry['output'] as Entry)
        holder['shape'] = [4, 63]
        if (key === 'steps') (entry['axes'] as Entry[])[1]!['size'] = 63
        if (key === 'tensors') (entry['stats'] as Entry)['elements'] = 252
      }
    }
  })
  const trace = await openTrace(wrong)
  await expect(trace.tensor('layers.0.resid')).rejects.toMatchObject({ code: 'bad-file' })
})

test('random damage is refused with a typed error, or leaves every number as it was', async () => {
  const random = randomSource(11)
  let refused = 0
  const rounds = 400
  for (let round = 0; round < rounds; round++) {
    let bytes = file.slice()
    for (let edit = 0; edit <= random.integer(3); edit++) {
      const at = random.integer(bytes.length)
      if (random.uniform() < 0.6) bytes[at] = random.integer(256)
      else if (random.uniform() < 0.5) bytes = bytes.slice(0, at)
      else bytes = new Uint8Array([...bytes.subarray(0, at), random.integer(256), ...bytes.subarray(at)])
      if (bytes.length === 0) break
    }
    try {
      const trace = await openTrace(bytes)
      for (const [step, { data }] of content.tensors)
        expect(bitsOf((await trace.tensor(step)).data)).toEqual(bitsOf(data))
    } catch (error) {
      expect(error).toMatchObject({ name: 'TokenscopeError', code: 'bad-file' })
      refused += 1
    }
  }
  expect(refused).toBeGreaterThan(rounds * 0.9)
})

test('a header of random JSON is refused with a typed error', async () => {
  const random = randomSource(5)
  const values = [null, -1, 1.5, 1e300, 'NaN', '', [], {}, [[]], true, 2 ** 31]
  const paths = ['model', 'ids', 'texts', 'promptLength', 'settings', 'mix', 'edits', 'tokens']
  paths.push('predictions', 'steps', 'tensors')
  for (let round = 0; round < 300; round++) {
    const bytes = await withFields(file, (header) => {
      let holder = header
      let key: string | number = paths[random.integer(paths.length)]!
      while (random.uniform() < 0.6 && typeof holder[key] === 'object' && holder[key] !== null) {
        holder = holder[key] as Record<string, unknown>
        const keys = Object.keys(holder)
        if (keys.length === 0) break
        key = keys[random.integer(keys.length)]!
      }
      holder[key] = values[random.integer(values.length)]
    })
    const result: unknown = await openTrace(bytes).catch((error: unknown) => error)
    if (result instanceof Error) expect(result).toMatchObject({ name: 'TokenscopeError', code: 'bad-file' })
  }
})
