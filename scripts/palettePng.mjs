import { crc32, deflateSync, inflateSync } from 'node:zlib'

/** Colours of a palette, and those of them that the commonest colours of a picture keep for themselves. */
const COLORS = 256
const COMMONEST = 64

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** Chunks of a PNG: its kind and its bytes each. */
function* chunksOf(png) {
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = png.readUInt32BE(at)
    yield { kind: png.toString('latin1', at + 4, at + 8), bytes: png.subarray(at + 8, at + 8 + length) }
    at += length + 12
  }
}

function chunk(kind, bytes) {
  const body = Buffer.concat([Buffer.from(kind, 'latin1'), bytes])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(bytes.length)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

/** What a filter of a PNG predicts a byte to be, from those to the left, above, and above to the left. */
function predicted(filter, left, up, corner) {
  if (filter === 1) return left
  if (filter === 2) return up
  if (filter === 3) return (left + up) >> 1
  if (filter !== 4) return 0
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)]
  return a <= b && a <= c ? left : b <= c ? up : corner
}

/** Pixels as 0xrrggbb, row by row, of a PNG of eight bits a channel as browsers write it. */
function decode(png) {
  const chunks = [...chunksOf(png)]
  const head = chunks[0].bytes
  const [width, height] = [head.readUInt32BE(0), head.readUInt32BE(4)]
  const channels = { 2: 3, 6: 4 }[head[9]]
  if (head[8] !== 8 || channels === undefined || head[12] !== 0)
    throw new Error('a picture is no PNG of eight bits a channel without interlacing')
  const packed = inflateSync(
    Buffer.concat(chunks.flatMap(({ kind, bytes }) => (kind === 'IDAT' ? [bytes] : []))),
  )
  const line = width * channels
  const raw = new Uint8Array(line * height)
  for (let y = 0; y < height; y++) {
    const filter = packed[y * (line + 1)]
    for (let x = 0; x < line; x++) {
      const at = y * line + x
      const left = x < channels ? 0 : raw[at - channels]
      const up = y === 0 ? 0 : raw[at - line]
      const corner = x < channels || y === 0 ? 0 : raw[at - line - channels]
      raw[at] = packed[y * (line + 1) + 1 + x] + predicted(filter, left, up, corner)
    }
  }
  const pixels = Uint32Array.from({ length: width * height }, (_, i) => {
    const at = i * channels
    return (raw[at] << 16) | (raw[at + 1] << 8) | raw[at + 2]
  })
  return { width, height, pixels }
}

const channelsOf = (color) => [color >> 16, (color >> 8) & 255, color & 255]

/** Parts colours into boxes of like ones (Heckbert 1982), and gives the mean of each. `counts`: pixels by colour. */
function medianCut(counts, size) {
  let boxes = [[...counts.keys()].map(channelsOf)]
  const spread = (box, channel) => {
    const values = box.map((color) => color[channel])
    return Math.max(...values) - Math.min(...values)
  }
  while (boxes.length < size) {
    const widest = boxes
      .flatMap((box, at) => [0, 1, 2].map((channel) => ({ at, channel, width: spread(box, channel) })))
      .reduce((best, next) => (next.width > best.width ? next : best))
    if (widest.width === 0) break
    const { at, channel } = widest
    const sorted = boxes[at].toSorted((a, b) => a[channel] - b[channel])
    const half = sorted.length >> 1
    boxes = [...boxes.slice(0, at), sorted.slice(0, half), sorted.slice(half), ...boxes.slice(at + 1)]
  }
  return boxes.map((box) => {
    const sums = box.reduce((sum, color) => sum.map((value, i) => value + color[i]), [0, 0, 0])
    const [red, green, blue] = sums.map((sum) => Math.round(sum / box.length))
    return (red << 16) | (green << 8) | blue
  })
}

function nearest(palette, color) {
  const [red, green, blue] = channelsOf(color)
  let [best, least] = [0, Infinity]
  for (const [index, entry] of palette.entries()) {
    const distance =
      ((entry >> 16) - red) ** 2 + (((entry >> 8) & 255) - green) ** 2 + ((entry & 255) - blue) ** 2
    if (distance < least) [best, least] = [index, distance]
  }
  return best
}

/** The commonest colours as they are, and as many means of the others as there is room for. */
function paletteOf(pixels) {
  const counts = new Map()
  for (const color of pixels) counts.set(color, (counts.get(color) ?? 0) + 1)
  const byCount = [...counts].toSorted(([, a], [, b]) => b - a)
  if (byCount.length <= COLORS) return byCount.map(([color]) => color)
  const common = byCount.slice(0, COMMONEST).map(([color]) => color)
  return [...common, ...medianCut(new Map(byCount.slice(COMMONEST)), COLORS - COMMONEST)]
}

/** The same picture with at most 256 colours, which takes less than half the bytes. */
export function toPalette(png) {
  const { width, height, pixels } = decode(png)
  const palette = paletteOf(pixels)
  const indexOf = new Map(palette.map((color, index) => [color, index]))
  const lines = Buffer.alloc((width + 1) * height)
  for (const [i, color] of pixels.entries()) {
    const index = indexOf.get(color) ?? nearest(palette, color)
    indexOf.set(color, index)
    lines[i + Math.floor(i / width) + 1] = index
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 3, 0, 0, 0], 8)
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', head),
    chunk('PLTE', Buffer.from(palette.flatMap(channelsOf))),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}
