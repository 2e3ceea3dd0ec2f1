import { unzipSync } from 'fflate'
import { TokenscopeError } from '../errors.ts'
import { badFile } from '../formats/badFile.ts'
import type { FileSource } from '../formats/tensors.ts'
import { mapSource } from './dropped.ts'

/** Largest archive and largest contents that are unpacked; everything is in memory at once. */
const MAX_ARCHIVE_BYTES = 512 * 1024 * 1024
const MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
const MAX_ENTRIES = 10_000
/** What a model or an adapter consists of; anything else stays packed. */
const WANTED = /\.(json|safetensors|gguf|jinja|txt|md|bin|pt|pth|ckpt|pkl)$/

/**
 * The folder inside a zip archive.
 * @throws `bad-file` for what is no archive, `limit` for one that is too large, packed or unpacked.
 */
export async function zipSource(file: File): Promise<FileSource> {
  checkSize(file.name, file.size, MAX_ARCHIVE_BYTES)
  const packed = new Uint8Array(await file.arrayBuffer())
  let unpacked = 0
  let entries = 0
  const wanted = ({ name, originalSize }: { name: string; originalSize: number }): boolean => {
    entries += 1
    if (entries > MAX_ENTRIES)
      throw badFile(file.name, 'entries', `more than ${MAX_ENTRIES}`, `at most ${MAX_ENTRIES}`)
    if (!WANTED.test(name) || name.includes('..')) return false
    unpacked += originalSize
    checkSize(file.name, unpacked, MAX_UNPACKED_BYTES)
    return true
  }
  return mapSource(new Map(Object.entries(unpack(file.name, packed, wanted))), file.name)
}

function checkSize(name: string, got: number, allowed: number): void {
  if (got <= allowed) return
  throw new TokenscopeError('limit', `${name} takes ${got} bytes; at most ${allowed} are unpacked here.`, {
    hint: 'Unpack it yourself and choose the folder.',
    details: { file: name, got, expected: allowed },
  })
}

function unpack(
  name: string,
  packed: Uint8Array,
  filter: (entry: { name: string; originalSize: number }) => boolean,
): Record<string, Uint8Array> {
  try {
    return unzipSync(packed, { filter })
  } catch (cause) {
    if (cause instanceof TokenscopeError) throw cause
    const message = cause instanceof Error ? cause.message : String(cause)
    throw badFile(name, '', message, 'a zip archive', 'Make the archive again, or choose the folder itself.')
  }
}
