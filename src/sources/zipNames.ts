/** End of central directory record (APPNOTE.TXT 4.3.16): 22 bytes, then a comment of at most 65,535. */
const END_BYTES = 22
const MAX_COMMENT = 0xffff
const END_SIGNATURE = 0x06054b50
/** One entry of the central directory (4.3.12): 46 bytes, then name, extra field and comment. */
const ENTRY_BYTES = 46
const ENTRY_SIGNATURE = 0x02014b50
/** A directory larger than this is no model's: it would take a hundred thousand entries. */
const MAX_DIRECTORY = 16 * 1024 * 1024

/**
 * Names of the entries of a zip archive, read from the directory at its end; nothing is unpacked. Null for what is no archive, is
 * cut off, or is larger than the four bytes of its fields can say (zip64).
 */
export async function zipNames(file: Blob): Promise<string[] | null> {
  const tailBegin = Math.max(0, file.size - END_BYTES - MAX_COMMENT)
  const tail = await view(file, tailBegin, file.size)
  const end = findEnd(tail)
  if (end === null) return null
  const bytes = tail.getUint32(end + 12, true)
  const begin = tail.getUint32(end + 16, true)
  if (bytes > MAX_DIRECTORY || begin + bytes > tailBegin + end) return null
  return entryNames(await view(file, begin, begin + bytes), tail.getUint16(end + 10, true))
}

async function view(file: Blob, begin: number, end: number): Promise<DataView> {
  return new DataView(await file.slice(begin, end).arrayBuffer())
}

/** The last record whose comment reaches exactly to the end of the file. */
function findEnd(tail: DataView): number | null {
  for (let at = tail.byteLength - END_BYTES; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END_SIGNATURE) continue
    if (at + END_BYTES + tail.getUint16(at + 20, true) === tail.byteLength) return at
  }
  return null
}

function entryNames(directory: DataView, count: number): string[] | null {
  const names: string[] = []
  const decoder = new TextDecoder()
  for (let at = 0; names.length < count;) {
    if (at + ENTRY_BYTES > directory.byteLength || directory.getUint32(at, true) !== ENTRY_SIGNATURE)
      return null
    const [name, extra, comment] = [28, 30, 32].map((offset) => directory.getUint16(at + offset, true))
    const begin = at + ENTRY_BYTES
    at = begin + (name ?? 0) + (extra ?? 0) + (comment ?? 0)
    if (at > directory.byteLength) return null
    names.push(decoder.decode(new Uint8Array(directory.buffer, begin, name)))
  }
  return names
}
