import { throwIfAborted, TokenscopeError } from '../errors.ts'
import { badFile } from './badFile.ts'
import type { FileSource } from './tensors.ts'

/** Bytes of the memory that is filled again and again. */
const REUSED_BYTES = 1024 * 1024

/** What fails ahead is said when it is asked for. */
const ignore = (): undefined => undefined

type Reader = Pick<ReadableStreamDefaultReader<Uint8Array>, 'read' | 'cancel'>

/** Reads a stream of bytes into the same memory each time; any other stream as it comes. */
function reusingReader(stream: ReadableStream<Uint8Array>): Reader {
  let reader: ReadableStreamBYOBReader
  try {
    reader = stream.getReader({ mode: 'byob' })
  } catch (cause) {
    if (cause instanceof TypeError) return stream.getReader()
    throw cause
  }
  const ask = (memory: ArrayBuffer): ReturnType<typeof reader.read<Uint8Array<ArrayBuffer>>> => {
    const asked = reader.read(new Uint8Array(memory))
    asked.catch(ignore)
    return asked
  }
  // The next piece comes while the one before is taken.
  let next = ask(new ArrayBuffer(REUSED_BYTES))
  let free = new ArrayBuffer(REUSED_BYTES)
  return {
    async read() {
      const { done, value } = await next
      if (done) return { done, value: undefined }
      next = ask(free)
      free = value.buffer
      return { done, value }
    },
    cancel: (reason) => reader.cancel(reason),
  }
}

/**
 * Bytes `[begin, end)` of a file as they arrive; `end` null reads to the end of the file. The stream is closed whichever
 * way the loop is left. Errors are typed: `aborted` once the signal fired, else what the source threw, `network` for the rest.
 * With `reuse` a chunk holds until the next is asked for.
 */
export async function* streamBytes(
  source: FileSource,
  file: string,
  begin: number,
  end: number | null,
  { signal, reuse = false }: { signal?: AbortSignal | undefined; reuse?: boolean } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  throwIfAborted(signal)
  const stream = source.stream(file, begin, end, signal)
  const reader = reuse ? reusingReader(stream) : stream.getReader()
  let finished = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      throwIfAborted(signal)
      if (done) break
      if (value.byteLength > 0) yield value
    }
    finished = true
  } catch (cause) {
    throwIfAborted(signal)
    if (cause instanceof TokenscopeError) throw cause
    throw new TokenscopeError('network', `${source.label}: reading ${file} broke off.`, {
      hint: 'Try again; if it happens every time, the file cannot be read from there.',
      details: { file, begin, end },
      cause,
    })
  } finally {
    // A stream that has already failed rejects its cancellation with the error being thrown.
    if (!finished) await reader.cancel().then(undefined, () => undefined)
  }
}

/** The whole range in memory. @throws `bad-file` when the file ends before `end`. */
export async function readRange(
  source: FileSource,
  file: string,
  begin: number,
  end: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of streamBytes(source, file, begin, end, { signal })) {
    parts.push(chunk)
    length += chunk.byteLength
  }
  if (length !== end - begin) throw badFile(file, 'size', `${begin + length} bytes`, `at least ${end}`)
  const bytes = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.byteLength
  }
  return bytes
}
