import { zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { openSource } from '../../src/sources/open.ts'

const modelsUrl = new URL('https://example.org/models.json')
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const file = (bytes: Uint8Array, name = 'adapter.zip'): File => new File([bytes.slice()], name)

describe('a dropped zip archive', () => {
  it('is the folder inside it', async () => {
    const packed = zipSync({
      'run/adapter_config.json': text('{"r":2}'),
      'run/adapter_model.safetensors': text('x'),
      'notes.pdf': text('-'),
    })
    const source = await openSource([file(packed)], { modelsUrl })
    expect((await source.list())?.toSorted()).toEqual(['adapter_config.json', 'adapter_model.safetensors'])
    expect(new TextDecoder().decode(await source.read('adapter_config.json', { maxBytes: 100 }))).toBe(
      '{"r":2}',
    )
  })

  it('is refused when it is none', async () => {
    await expect(openSource([file(text('not an archive'))], { modelsUrl })).rejects.toMatchObject({
      code: 'bad-file',
    })
  })

  it('is refused when it unpacks to more than fits', async () => {
    const bomb = zipSync({ 'a.safetensors': new Uint8Array(1 << 20) })
    // The size an entry claims stands in the central directory: make it claim 3 GiB.
    const view = new DataView(bomb.buffer, bomb.byteOffset)
    for (let at = 0; at + 4 < bomb.length; at++) {
      if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 3 * 1024 ** 3, true)
    }
    await expect(openSource([file(bomb)], { modelsUrl })).rejects.toMatchObject({ code: 'limit' })
  })

  it('hides names that leave the folder', async () => {
    const packed = zipSync({ '../evil.json': text('{}'), 'config.json': text('{}') })
    const source = await openSource([file(packed)], { modelsUrl })
    expect(await source.list()).toEqual(['config.json'])
  })
})
