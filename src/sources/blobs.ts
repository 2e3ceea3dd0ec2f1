import { throwIfAborted, TokenscopeError } from '../errors.ts'
import { badFile } from '../formats/badFile.ts'
import { checkFileName } from '../formats/fileNames.ts'
import type { FileSource } from '../formats/tensors.ts'

type Content = Blob | Uint8Array

/** What a folder of in-memory or user-chosen files must offer; the rest of {@link FileSource} follows from it. */
export interface BlobFolder {
  label: string
  /** Content by checked name, null when there is none. */
  open(name: string): Promise<Content | null>
  list(): Promise<readonly string[]>
}

const CHUNK_BYTES = 1024 * 1024

/** A {@link FileSource} over blobs and byte arrays. Nothing is copied but what is read. */
export function blobSource(folder: BlobFolder): FileSource {
  const find = (name: string): Promise<Content | null> =>
    folder.open(checkFileName(name, { file: folder.label, field: 'file name' }))
  const open = async (name: string): Promise<Content> => {
    const content = await find(name)
    if (content) return content
    throw badFile(name, '', `missing in ${folder.label}`, 'a file', 'Choose the whole folder of the model.')
  }
  return {
    label: folder.label,
    has: async (name) => (await find(name)) !== null,
    list: () => folder.list(),
    size: async (name) => sizeOf(await open(name)),
    async read(name, { maxBytes, signal }) {
      throwIfAborted(signal)
      const content = await open(name)
      const size = sizeOf(content)
      if (size > maxBytes) throw badFile(name, 'size', `${size} bytes`, `at most ${maxBytes}`)
      return content instanceof Uint8Array
        ? content
        : new Uint8Array(await readable(name, content.arrayBuffer()))
    },
    stream: (name, begin, end, signal) => pieces(name, () => open(name), begin, end, signal),
  }
}

function sizeOf(content: Content): number {
  return content instanceof Uint8Array ? content.byteLength : content.size
}

/** A chosen file can become unreadable later: changed, deleted, its disk removed. */
async function readable(name: string, pending: Promise<ArrayBuffer>): Promise<ArrayBuffer> {
  try {
    return await pending
  } catch (cause) {
    throw new TokenscopeError('storage', `${name} can no longer be read.`, {
      hint: 'The file changed or moved after it was chosen; choose it again.',
      details: { file: name },
      cause,
    })
  }
}

function pieces(
  name: string,
  open: () => Promise<Content>,
  begin: number,
  end: number | null,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  let at = begin
  let content: Content | null = null
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        throwIfAborted(signal)
        content ??= await open()
        const stop = Math.min(end ?? Infinity, sizeOf(content), at + CHUNK_BYTES)
        if (at >= stop) {
          controller.close()
          return
        }
        const from = at
        at = stop
        const piece =
          content instanceof Uint8Array
            ? content.subarray(from, stop)
            : new Uint8Array(await readable(name, content.slice(from, stop).arrayBuffer()))
        controller.enqueue(piece)
      },
    },
    { highWaterMark: 0 },
  )
}
