import { readRange } from '../byteRange.ts'
import type { FileSource } from '../tensors.ts'
import { NeedMore } from './cursor.ts'
import { GgufFields } from './fields.ts'
import { parseGgufHeader, parseLeadingFields, type GgufHeader } from './header.ts'

/** How far a header is read that is only looked at. */
const START_BYTES = 1024 * 1024

/** The beginning of a GGUF file: its whole header, or, where a large vocabulary reaches further, the fields before the cut. */
export interface GgufStart {
  readonly bytes: Uint8Array
  readonly fields: GgufFields
  readonly header: GgufHeader | null
}

/** Reads the first MiB of a file in one request. Writers put an architecture's sizes before the vocabulary. */
export async function readGgufStart(
  source: FileSource,
  file: string,
  signal?: AbortSignal,
): Promise<GgufStart> {
  const size = await source.size(file)
  const bytes = await readRange(source, file, 0, Math.min(START_BYTES, size ?? START_BYTES), signal)
  try {
    const header = parseGgufHeader(bytes, file, size)
    return { bytes, header, fields: new GgufFields(header.fields, file) }
  } catch (cause) {
    if (!(cause instanceof NeedMore)) throw cause
    return { bytes, header: null, fields: new GgufFields(parseLeadingFields(bytes, file, size), file) }
  }
}

/** The source with the beginning of one of its files at hand. */
export function withStart(source: FileSource, file: string, start: Uint8Array): FileSource {
  return {
    ...source,
    stream(name, begin, end, signal) {
      if (name !== file || end === null || end > start.byteLength)
        return source.stream(name, begin, end, signal)
      return new Blob([start.slice(begin, end)]).stream()
    },
  }
}
