import { badFile } from '../formats/badFile.ts'

const CRC_TABLE = /* @__PURE__ */ Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

/** CRC-32 as in zip and PNG (ISO 3309). */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

/** Bytes as a stream, without a copy where they own their buffer. */
function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new Blob([bytes as Uint8Array<ArrayBuffer>]).stream()
}

/** Raw deflate. */
export async function deflate(bytes: Uint8Array): Promise<Uint8Array> {
  const packed = streamOf(bytes).pipeThrough(new CompressionStream('deflate-raw'))
  return new Uint8Array(await new Response(packed).arrayBuffer())
}

/**
 * Unpacks raw deflate that must come to exactly `size` bytes; stops at the first byte beyond, so that a small file cannot unpack to a
 * large one. @throws `bad-file` naming `field`.
 */
export async function inflate(bytes: Uint8Array, size: number, where: { file: string; field: string }) {
  const inflated = new Uint8Array(size)
  const wrong = (got: string) => badFile(where.file, where.field, got, `${size} bytes unpacked`)
  const reader = streamOf(bytes).pipeThrough(new DecompressionStream('deflate-raw')).getReader()
  let at = 0
  for (;;) {
    const part = await reader.read().catch((cause: unknown) => {
      const error = wrong('not readable as deflate')
      error.cause = cause
      throw error
    })
    if (part.done) break
    if (at + part.value.length > size) {
      await reader.cancel()
      throw wrong('more')
    }
    inflated.set(part.value, at)
    at += part.value.length
  }
  if (at < size) throw wrong(`${at} bytes`)
  return inflated
}

/** The bytes of 32-bit words, sorted into four planes by their place in the word. */
export function toPlanes(words: Uint8Array): Uint8Array {
  const count = words.length / 4
  const bytePlanes = new Uint8Array(words.length)
  for (let i = 0; i < count; i++)
    for (let plane = 0; plane < 4; plane++) bytePlanes[plane * count + i] = words[i * 4 + plane]!
  return bytePlanes
}

export function fromPlanes(bytePlanes: Uint8Array): Uint8Array<ArrayBuffer> {
  const count = bytePlanes.length / 4
  const words = new Uint8Array(bytePlanes.length)
  for (let i = 0; i < count; i++)
    for (let plane = 0; plane < 4; plane++) words[i * 4 + plane] = bytePlanes[plane * count + i]!
  return words
}
