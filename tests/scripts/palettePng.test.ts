import { crc32, deflateSync, inflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { toPalette } from '../../scripts/palettePng.mjs'
import { randomSource } from '../random.ts'

const SIGNATURE = '89504e470d0a1a0a'

function chunk(kind: string, bytes: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(kind, 'latin1'), bytes])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(bytes.length)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

/** A PNG whose rows take each filter in turn. */
function pngOf(width: number, pixels: readonly (readonly number[])[]): Buffer {
  const height = pixels.length / width
  const raw = pixels.flat()
  const line = 3 * width
  const at = (y: number, x: number): number => (y < 0 || x < 0 ? 0 : raw[y * line + x]!)
  const packed: number[] = []
  for (let y = 0; y < height; y++) {
    const filter = y % 5
    packed.push(filter)
    for (let x = 0; x < line; x++) {
      const [left, up, corner] = [at(y, x - 3), at(y - 1, x), x < 3 ? 0 : at(y - 1, x - 3)]
      const nearest = [left, up, corner].toSorted((a, b) => {
        const away = (value: number): number => Math.abs(left + up - corner - value)
        return away(a) - away(b)
      })[0]!
      packed.push((at(y, x) - [0, left, up, (left + up) >> 1, nearest][filter]!) & 255)
    }
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from(SIGNATURE, 'hex')
  const data = deflateSync(Uint8Array.from(packed))
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))])
}

/** Pixels of a PNG with a palette, whose rows have no filter. */
function pixelsOf(png: Buffer, width: number): number[][] {
  const find = (kind: string): Buffer => {
    const at = png.indexOf(kind, 8, 'latin1')
    return png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4))
  }
  const [palette, lines] = [find('PLTE'), inflateSync(find('IDAT'))]
  return [...lines].flatMap((index, i) =>
    i % (width + 1) === 0 ? [] : [[...palette.subarray(3 * index, 3 * index + 3)]],
  )
}

const WIDTH = 17
const random = randomSource(3)
const pictureOf = (colors: number): number[][] => {
  const palette = Array.from({ length: colors }, () => [0, 0, 0].map(() => random.integer(256)))
  return Array.from({ length: WIDTH * 40 }, (_, i) => palette[i < colors ? i : random.integer(colors)]!)
}

test('a picture of few colours is the same in a palette', () => {
  for (const colors of [1, 2, 256]) {
    const pixels = pictureOf(colors)
    expect(pixelsOf(toPalette(pngOf(WIDTH, pixels)), WIDTH)).toEqual(pixels)
  }
})

test('a picture of many colours comes close', () => {
  const pixels = pictureOf(400)
  const shown = pixelsOf(toPalette(pngOf(WIDTH, pixels)), WIDTH)
  const errors = shown.map((color, i) =>
    Math.max(...color.map((value, at) => Math.abs(value - pixels[i]![at]!))),
  )
  expect(errors.filter((error) => error === 0).length).toBeGreaterThan(WIDTH)
  expect(Math.max(...errors)).toBeLessThan(64)
})

test('what is no such picture is refused', () => {
  const png = pngOf(1, [[1, 2, 3]])
  png[24] = 16
  expect(() => toPalette(png)).toThrow('eight bits a channel')
})
