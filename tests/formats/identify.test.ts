import { zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { identify, type FileKind } from '../../src/engine/identify.ts'
import { zipNames } from '../../src/sources/zipNames.ts'
import { MAGIC } from '../../src/trace/layout.ts'

const bytes = (size: number): Uint8Array<ArrayBuffer> => new Uint8Array(size).fill(7)
const named = (name: string, content: BlobPart = ''): File => new File([content], name)
const zip = (entries: readonly string[], name = 'x.zip', comment = ''): File => {
  const packed = zipSync(Object.fromEntries(entries.map((entry) => [entry, bytes(300)])))
  // The length of the comment stands in the last two bytes.
  new DataView(packed.buffer, packed.byteOffset).setUint16(packed.length - 2, comment.length, true)
  return new File([packed, comment], name)
}
const inFolder = (path: string): File => {
  const file = named(path.slice(path.lastIndexOf('/') + 1))
  Object.defineProperty(file, 'webkitRelativePath', { value: path })
  return file
}

const CASES: [string, File[], FileKind][] = [
  ['an adapter, loose', [named('adapter_config.json'), named('adapter_model.safetensors')], 'adapter'],
  ['its weights alone', [named('adapter_model.bin')], 'adapter'],
  ['an adapter in a folder', [inFolder('run/adapter_config.json'), inFolder('run/README.md')], 'adapter'],
  [
    'an adapter in an archive',
    [zip(['run/adapter_config.json', 'run/adapter_model.safetensors'])],
    'adapter',
  ],
  [
    'an archive with a comment',
    [zip(['adapter_config.json'], 'A.ZIP', 'PK\u0005\u0006 made by hand')],
    'adapter',
  ],
  ['a model, loose', [named('config.json'), named('model.safetensors')], 'model'],
  ['one file of many weights', [named('model-00001-of-00002.safetensors')], 'model'],
  ['a GGUF file', [named('tiny.Q4_K_M.gguf')], 'model'],
  ['a model in an archive', [zip(['m/config.json', 'm/model.safetensors', 'm/tokenizer.json'])], 'model'],
  ['weights that loading refuses', [named('pytorch_model.bin')], 'model'],
  ['a trace by its first bytes', [named('renamed.dat', Uint8Array.of(...MAGIC, 2, 0))], 'trace'],
  ['a trace by its ending, even a broken one', [named('a.TOKENSCOPE', 'x')], 'trace'],
  ['an archive of other things', [zip(['photo.png', 'notes/adapter_config.json.txt'])], 'unknown'],
  ['no archive', [named('broken.zip', 'no archive')], 'unknown'],
  ['something else', [named('photo.png'), named('tokenizer_notes.txt')], 'unknown'],
  ['nothing', [], 'unknown'],
]

test.each(CASES)('%s', async (_, files, kind) => {
  expect(await identify(files)).toBe(kind)
})

describe('the names in an archive', () => {
  const full = zip(['a.json', 'deep/er/ü.safetensors'])

  test('are read from its end alone', async () => {
    const big = new File([bytes(1 << 20), full], 'x.zip')
    const read: number[] = []
    const slice = full.slice.bind(full)
    Object.defineProperty(full, 'slice', {
      value: (begin: number, end: number) => {
        read.push(end - begin)
        return slice(begin, end)
      },
    })
    expect(await zipNames(full)).toEqual(['a.json', 'deep/er/ü.safetensors'])
    expect(read).toHaveLength(2)
    // Offsets are from the archive's own beginning: bytes before it are no archive of ours.
    expect(await zipNames(big)).toBeNull()
  })

  test('cut anywhere, there are none', async () => {
    for (let end = 0; end < full.size; end += 5) expect(await zipNames(full.slice(0, end))).toBeNull()
  })

  test('damaged anywhere, it ends well', async () => {
    const sound = new Uint8Array(await full.arrayBuffer())
    for (let at = sound.length - 200; at < sound.length; at++) {
      const damaged = sound.slice()
      damaged[at] = (damaged[at] ?? 0) ^ 0xff
      const names = await zipNames(new Blob([damaged]))
      if (names !== null) expect(names.length).toBeLessThanOrEqual(2)
    }
  })
})
