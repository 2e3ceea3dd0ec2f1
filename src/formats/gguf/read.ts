import { badFile } from '../badFile.ts'
import { streamBytes } from '../byteRange.ts'
import type { FileSource } from '../tensors.ts'
import { NeedMore } from './cursor.ts'
import { MAX_HEADER_BYTES, parseGgufHeader, type GgufHeader } from './header.ts'

/** The first piece fetched holds the header of a model with a small vocabulary. */
const FIRST_BYTES = 256 * 1024
/** Each further piece makes the whole this many times as long, so that parsing anew costs little. */
const GROWTH = 4

/**
 * Reads and checks the header of one file, fetching as much of its beginning as the header takes.
 * @throws `bad-file`, `unsupported`, `network`, `aborted`.
 */
export async function readGgufHeader(
  source: FileSource,
  file: string,
  signal?: AbortSignal,
): Promise<GgufHeader> {
  const size = await source.size(file)
  let bytes = new Uint8Array(0)
  let wanted = FIRST_BYTES
  for (;;) {
    const end = Math.min(wanted, size ?? wanted, MAX_HEADER_BYTES)
    bytes = await extend(source, file, bytes, end, signal)
    // A file of unknown size has ended where less came than was asked for.
    const complete = bytes.byteLength < end || bytes.byteLength === size
    if (size !== null && bytes.byteLength < end)
      throw badFile(file, 'size', `${bytes.byteLength} bytes`, `${size}`)
    try {
      return parseGgufHeader(bytes, file, size, complete)
    } catch (cause) {
      if (!(cause instanceof NeedMore)) throw cause
      wanted = Math.max(cause.end, bytes.byteLength * GROWTH)
    }
  }
}

/** The bytes so far with those up to `end` behind them; fewer when the file ends before. */
async function extend(
  source: FileSource,
  file: string,
  bytes: Uint8Array<ArrayBuffer>,
  end: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const extended = new Uint8Array(end)
  extended.set(bytes)
  let at = bytes.byteLength
  for await (const chunk of streamBytes(source, file, at, end, { signal, reuse: true })) {
    extended.set(chunk, at)
    at += chunk.byteLength
  }
  return extended.subarray(0, at)
}
