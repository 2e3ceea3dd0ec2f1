import type * as NodeFs from 'node:fs/promises'
import { throwIfAborted, TokenscopeError } from '../errors.ts'
import { badFile } from '../formats/badFile.ts'
import { checkFileName } from '../formats/fileNames.ts'
import type { FileSource } from '../formats/tensors.ts'
import { percentDecoded } from './percentDecoded.ts'

type Fs = typeof NodeFs
const CHUNK_BYTES = 1024 * 1024

/** Through a variable, so that a bundler for the browser leaves the import alone. */
async function loadFs(): Promise<Fs> {
  const module = 'node:fs/promises'
  return (await import(/* @vite-ignore */ module)) as Fs
}

/** True for an existing folder. */
export async function isFolder(path: string | URL): Promise<boolean> {
  const fs = await loadFs()
  return fs.stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  )
}

/** True for an existing file or folder. */
export async function isThere(path: string): Promise<boolean> {
  const fs = await loadFs()
  return fs.stat(path).then(
    () => true,
    () => false,
  )
}

/** A folder on disk, in Node. `folder` ends in a slash when it is a URL. `file` is the one of its files that is meant. */
export function nodeFolderSource(folder: string | URL, file?: string): FileSource {
  const label = folder instanceof URL ? percentDecoded(folder.pathname) : folder
  const place = (name: string): string | URL => {
    checkFileName(name, { file: label, field: 'file name' })
    return folder instanceof URL
      ? new URL(name.split('/').map(encodeURIComponent).join('/'), folder)
      : `${folder.replace(/[\\/]$/, '')}/${name}`
  }
  const sizeOf = async (name: string): Promise<number | null> => {
    const fs = await loadFs()
    return fs.stat(place(name)).then(
      (entry) => (entry.isFile() ? entry.size : null),
      () => null,
    )
  }
  return {
    label,
    file,
    has: async (name) => (await sizeOf(name)) !== null,
    async size(name) {
      const size = await sizeOf(name)
      if (size === null) throw unreadable(label, name)
      return size
    },
    list: async () => (await loadFs()).readdir(folder),
    async read(name, { maxBytes, signal }) {
      throwIfAborted(signal)
      const size = await sizeOf(name)
      if (size === null) throw unreadable(label, name)
      if (size > maxBytes) throw badFile(name, 'size', `${size} bytes`, `at most ${maxBytes}`)
      return new Uint8Array(await (await loadFs()).readFile(place(name)))
    },
    stream: (name, begin, end, signal) => streamFile(label, name, place(name), begin, end, signal),
  }
}

function unreadable(label: string, name: string, cause?: unknown): TokenscopeError {
  return new TokenscopeError('bad-file', `${label}: ${name} cannot be read.`, {
    hint: 'Check the path and its permissions.',
    details: { file: name, field: 'file', got: 'nothing', expected: 'a readable file' },
    cause,
  })
}

function streamFile(
  label: string,
  name: string,
  path: string | URL,
  begin: number,
  end: number | null,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  let file: Awaited<ReturnType<Fs['open']>> | null = null
  let at = begin
  const close = async (): Promise<void> => {
    await file?.close()
    file = null
  }
  return new ReadableStream(
    {
      type: 'bytes',
      async pull(controller) {
        try {
          throwIfAborted(signal)
          file ??= await (await loadFs()).open(path, 'r')
          const request = controller.byobRequest
          const left = Math.max(0, (end ?? Infinity) - at)
          const { buffer, byteOffset, byteLength } =
            request?.view ?? new Uint8Array(Math.min(CHUNK_BYTES, left))
          const memory = new Uint8Array(buffer, byteOffset, Math.min(byteLength, left))
          const { bytesRead } = left > 0 ? await file.read(memory, 0, memory.length, at) : { bytesRead: 0 }
          at += bytesRead
          if (bytesRead === 0) {
            await close()
            controller.close()
          } else if (!request) controller.enqueue(memory.subarray(0, bytesRead))
          // A stream that ends answers a request with nothing.
          request?.respond(bytesRead)
        } catch (cause) {
          await close()
          throw cause instanceof TokenscopeError ? cause : unreadable(label, name, cause)
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  )
}
