import type { FileSource } from '../../src/formats/tensors.ts'
import { mapSource } from '../../src/sources/dropped.ts'

export interface Entry {
  dtype: string
  shape: number[]
  data_offsets: [number, number]
}

const encoder = new TextEncoder()

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text)
}

/** A safetensors file of a header text, its stated length (default the true one) and data bytes. */
export function safetensorsFile(
  header: string | Uint8Array,
  data: number | Uint8Array = 0,
  length?: bigint,
): Uint8Array {
  const text = typeof header === 'string' ? bytesOf(header) : header
  const body = typeof data === 'number' ? new Uint8Array(data) : data
  const file = new Uint8Array(8 + text.length + body.length)
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(text.length), true)
  file.set(text, 8)
  file.set(body, 8 + text.length)
  return file
}

/** Well-formed entries one after the other; data byte i of the file's data is i mod 251. */
export function wellFormed(
  tensors: Record<string, { dtype: string; shape: number[]; bytes: number }>,
): Uint8Array {
  let at = 0
  const header: Record<string, Entry> = {}
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes] }
    at += bytes
  }
  return safetensorsFile(
    JSON.stringify(header),
    Uint8Array.from({ length: at }, (_, i) => i % 251),
  )
}

export function folder(files: Record<string, Uint8Array | string>): FileSource {
  return mapSource(
    new Map(
      Object.entries(files).map(([name, file]) => [name, typeof file === 'string' ? bytesOf(file) : file]),
    ),
    'test folder',
  )
}
