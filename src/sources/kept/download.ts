import { throwIfAborted, TokenscopeError } from '../../errors.ts'
import type { FileSource } from '../../formats/tensors.ts'
import type { HubFile } from '../hubApi.ts'
import { checkFile, otherContent } from './blocks.ts'
import { openInPlace, removeFile, writeFailure, type Folder, type OpenFile } from './folder.ts'
import { readPart, writeBlocks, writePart, type KeptModel } from './record.ts'

/** A request asks for so much of a file; so much is lost at most when the tab dies. */
const CHUNK_BYTES = 8 * 1024 * 1024
/** Requests under way at once. */
const PARALLEL = 4

export interface DownloadOptions {
  signal?: AbortSignal | undefined
  /** Bytes that are there, of all. */
  onBytes?: ((done: number, total: number) => void) | undefined
  /** Default 8 MiB; for tests. */
  chunkBytes?: number | undefined
}

/** One file on its way. */
interface Filling {
  readonly file: HubFile
  readonly open: OpenFile
  /** Bytes of each chunk that are there. */
  done: number[]
}

/** Fills the folder of a model: what is there already is not asked for again. Throws what went wrong; the part stays. */
export class Download {
  readonly #folder: Folder
  readonly #source: FileSource
  readonly #model: KeptModel
  readonly #options: DownloadOptions
  readonly #chunk: number
  readonly #fillings: Filling[] = []
  #bytes = 0
  readonly #total: number
  #saved = Promise.resolve()

  constructor(folder: Folder, source: FileSource, model: KeptModel, options: DownloadOptions = {}) {
    this.#folder = folder
    this.#source = source
    this.#model = model
    this.#options = options
    this.#chunk = options.chunkBytes ?? CHUNK_BYTES
    this.#total = model.files.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /**
   * Fetches, and checks every file against its hash.
   * @throws `network`, `storage`, `aborted`.
   */
  async run(): Promise<void> {
    try {
      await this.#openAll()
      await this.#fill(this.#fillings)
      for (const filling of this.#fillings) await this.#check(filling)
    } finally {
      for (const { open } of this.#fillings) open.close()
    }
  }

  async #openAll(): Promise<void> {
    const part = await readPart(this.#folder)
    for (const file of this.#model.files) {
      const open = await openInPlace(this.#folder, file.name)
      const count = Math.ceil(file.bytes / this.#chunk)
      const previousFile = part?.model.files.find(({ name }) => name === file.name)
      const same =
        part?.chunkBytes === this.#chunk && previousFile?.bytes === file.bytes && isSame(previousFile, file)
      const doneChunks = same ? (part.done[file.name] ?? []) : []
      const size = open.getSize()
      // A file that is shorter than its part says has lost it.
      const done = Array.from({ length: count }, (_, n) =>
        Math.min(doneChunks[n] ?? 0, Math.max(0, size - n * this.#chunk)),
      )
      this.#fillings.push({ file, open, done })
      this.#bytes += done.reduce((sum, bytes) => sum + bytes, 0)
    }
    await this.#savePart()
    this.#options.onBytes?.(this.#bytes, this.#total)
  }

  /** Where each chunk that is not whole goes on. */
  #open(filling: Filling): { filling: Filling; n: number }[] {
    const { file, done } = filling
    return done.flatMap((bytes, n) => (bytes < this.#lengthOf(file, n) ? [{ filling, n }] : []))
  }

  #lengthOf({ bytes }: HubFile, n: number): number {
    return Math.min(this.#chunk, bytes - n * this.#chunk)
  }

  /** Several requests at once; the first failure ends the others, and what has come is noted. */
  async #fill(fillings: readonly Filling[]): Promise<void> {
    const queue = fillings.flatMap((filling) => this.#open(filling))
    const ending = new AbortController()
    const outer = this.#options.signal
    const signal = outer ? AbortSignal.any([outer, ending.signal]) : ending.signal
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        await this.#fetchChunk(next.filling, next.n, signal)
        await this.#savePart()
      }
    }
    const workers = Array.from({ length: PARALLEL }, async () => {
      try {
        await work()
      } catch (error) {
        if (!ending.signal.aborted) ending.abort(error)
        throw error
      }
    })
    await Promise.allSettled(workers)
    await this.#savePart()
    throwIfAborted(outer)
    if (ending.signal.aborted) throw ending.signal.reason
  }

  async #fetchChunk({ file, open, done }: Filling, n: number, signal: AbortSignal): Promise<void> {
    const begin = n * this.#chunk
    const length = this.#lengthOf(file, n)
    const stream = this.#source.stream(file.name, begin + (done[n] ?? 0), begin + length, signal)
    const reader = stream.getReader()
    try {
      for (;;) {
        const { done: ended, value } = await reader.read()
        throwIfAborted(signal)
        if (ended) break
        const at = done[n] ?? 0
        const bytes = value.subarray(0, length - at)
        write(file.name, open, bytes, begin + at)
        done[n] = at + bytes.byteLength
        this.#bytes += bytes.byteLength
        this.#options.onBytes?.(this.#bytes, this.#total)
      }
    } finally {
      // A stream that has failed rejects its cancellation with the error already on its way.
      await reader.cancel().catch(() => undefined)
    }
    if (done[n] !== length) throw shorter(file, begin + (done[n] ?? 0))
  }

  /** One note at a time: a file has one writer. */
  #savePart(): Promise<void> {
    this.#saved = this.#saved.then(() => this.#writePart())
    return this.#saved
  }

  async #writePart(): Promise<void> {
    for (const { open } of this.#fillings) open.flush()
    const done = Object.fromEntries(this.#fillings.map((filling) => [filling.file.name, filling.done]))
    await writePart(this.#folder, { model: this.#model, chunkBytes: this.#chunk, done })
  }

  /** Holds a whole file against its hash; one that is other is fetched once more from its beginning. */
  async #check(filling: Filling): Promise<void> {
    const { file, open } = filling
    const { signal } = this.#options
    for (let tries = 0; tries < 2; tries++) {
      const digests = await checkFile(open, file, signal)
      if (digests) return writeBlocks(this.#folder, file.name, digests)
      this.#bytes -= filling.done.reduce((sum, bytes) => sum + bytes, 0)
      filling.done = filling.done.map(() => 0)
      open.truncate(0)
      await this.#savePart()
      if (tries === 0) await this.#fill([filling])
    }
    throw otherContent(file)
  }
}

const isSame = (a: HubFile, b: HubFile): boolean =>
  a.sha256 === b.sha256 && (a.sha256 !== null || (a.oid !== null && a.oid === b.oid))

function write(name: string, open: OpenFile, bytes: Uint8Array, at: number): void {
  try {
    const written = open.write(bytes, { at })
    if (written !== bytes.byteLength) throw new DOMException('The disk is full.', 'QuotaExceededError')
  } catch (cause) {
    throw writeFailure(name, cause)
  }
}

function shorter({ name, bytes }: HubFile, at: number): TokenscopeError {
  return new TokenscopeError(
    'network',
    `${name} ends at byte ${at} there; the hub says that it has ${bytes}.`,
    {
      hint: 'It may have been replaced meanwhile: start the download again.',
      details: { file: name, field: 'bytes', got: at, expected: bytes },
    },
  )
}

/** Removes what a download has left. */
export async function discardPart(root: Folder, key: string): Promise<void> {
  await removeFile(root, key)
}
