import { throwIfAborted, TokenscopeError } from '../../errors.ts'
import { badFile } from '../../formats/badFile.ts'
import { readRange } from '../../formats/byteRange.ts'
import { checkFileName } from '../../formats/fileNames.ts'
import type { FileSource } from '../../formats/tensors.ts'
import type { HubFile } from '../hubApi.ts'
import { BLOCK_BYTES, blockDigest, digestOf, sameBytes } from './blocks.ts'
import { openInPlace, readFile, type Folder } from './folder.ts'
import { readBlocks, type KeptRecord } from './record.ts'

export interface KeptSourceOptions {
  /** Where damaged blocks come from again. */
  readonly origin: () => FileSource
}

/** A kept model as a folder. Whatever is read is checked; a damaged block is fetched again, written back, and read on. */
export function keptSource(folder: Folder, record: KeptRecord, { origin }: KeptSourceOptions): FileSource {
  const files = new Map(record.files.map((file) => [file.name, new KeptFile(folder, file, origin)]))
  const find = (name: string): KeptFile => {
    const file = files.get(checkFileName(name, { file: record.label, field: 'file name' }))
    if (file) return file
    throw badFile(name, '', `missing in ${record.label}`, 'a file', 'It was not downloaded with the model.')
  }
  return {
    label: record.label,
    file: record.file ?? undefined,
    has: async (name) => files.has(name),
    list: async () => [...files.keys()],
    size: async (name) => find(name).bytes,
    async read(name, { maxBytes, signal }) {
      const { bytes } = find(name)
      if (bytes > maxBytes) throw badFile(name, 'size', `${bytes} bytes`, `at most ${maxBytes}`)
      return readRange(this, name, 0, bytes, signal)
    },
    stream: (name, begin, end, signal) => find(name).stream(begin, end, signal),
  }
}

/** One file of a kept model. */
export class KeptFile {
  readonly bytes: number
  readonly #folder: Folder
  readonly #file: HubFile
  readonly #origin: () => FileSource
  #content: Promise<File | null> | undefined
  #digests: Promise<Uint8Array | null> | undefined
  /** The block read last: headers are read in small pieces. */
  #last: { n: number; bytes: Promise<Uint8Array> } | undefined

  constructor(folder: Folder, file: HubFile, origin: () => FileSource) {
    this.#folder = folder
    this.#file = file
    this.#origin = origin
    this.bytes = file.bytes
  }

  /** Blocks whose bytes are not what was kept. */
  async damaged(signal?: AbortSignal, onBlock?: (bytes: number) => void): Promise<number[]> {
    const damaged: number[] = []
    for (let n = 0; n * BLOCK_BYTES < this.bytes; n++) {
      throwIfAborted(signal)
      const bytes = await this.#readBlock(n)
      if (!(await this.#isSound(n, bytes))) damaged.push(n)
      onBlock?.(this.#lengthOf(n))
    }
    return damaged
  }

  stream(begin: number, end: number | null, signal?: AbortSignal): ReadableStream<Uint8Array> {
    const stop = Math.min(end ?? this.bytes, this.bytes)
    let at = begin
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          throwIfAborted(signal)
          if (at >= stop) return controller.close()
          const n = Math.floor(at / BLOCK_BYTES)
          const block = await this.#block(n, signal)
          const first = n * BLOCK_BYTES
          // The next block is on its way while this one is taken.
          if (first + BLOCK_BYTES < stop) void this.#block(n + 1, signal).catch(() => undefined)
          const piece = block.subarray(at - first, Math.min(stop - first, block.byteLength))
          at += piece.byteLength
          controller.enqueue(piece.slice())
        },
      },
      { highWaterMark: 0 },
    )
  }

  #lengthOf(n: number): number {
    return Math.min(BLOCK_BYTES, this.bytes - n * BLOCK_BYTES)
  }

  #block(n: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    if (this.#last?.n !== n) this.#last = { n, bytes: this.#soundBlock(n, signal) }
    return this.#last.bytes
  }

  async #soundBlock(n: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const bytes = await this.#readBlock(n)
    return (await this.#isSound(n, bytes)) ? bytes : this.repair(n, signal)
  }

  async #isSound(n: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const digests = await (this.#digests ??= readBlocks(this.#folder, this.#file.name))
    return digests !== null && sameBytes(await digestOf(bytes), blockDigest(digests, n))
  }

  /** What the browser has of a block: short or empty where it has lost some. */
  async #readBlock(n: number): Promise<Uint8Array<ArrayBuffer>> {
    const content = await (this.#content ??= readFile(this.#folder, this.#file.name))
    if (content === null) return new Uint8Array(0)
    try {
      const begin = n * BLOCK_BYTES
      return new Uint8Array(await content.slice(begin, begin + this.#lengthOf(n)).arrayBuffer())
    } catch (cause) {
      // A file that was written to since it was opened is not readable through the old view.
      if (!(cause instanceof DOMException)) throw cause
      this.#content = undefined
      return new Uint8Array(0)
    }
  }

  /** Fetches a block again and writes it back. @throws `storage` when it cannot be had as it was. */
  async repair(n: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const begin = n * BLOCK_BYTES
    let bytes: Uint8Array<ArrayBuffer>
    try {
      const fetched = await readRange(
        this.#origin(),
        this.#file.name,
        begin,
        begin + this.#lengthOf(n),
        signal,
      )
      bytes = fetched.slice()
    } catch (cause) {
      throwIfAborted(signal)
      throw this.#lost(n, cause)
    }
    if (!(await this.#isSound(n, bytes))) throw this.#lost(n, null)
    const open = await openInPlace(this.#folder, this.#file.name)
    try {
      open.write(bytes, { at: begin })
      open.flush()
    } finally {
      open.close()
    }
    this.#content = undefined
    return bytes
  }

  #lost(n: number, cause: unknown): TokenscopeError {
    const { name } = this.#file
    return new TokenscopeError('storage', `The kept file ${name} is damaged at byte ${n * BLOCK_BYTES}.`, {
      hint: 'It could not be fetched again: check the connection, or remove the model and download it anew.',
      details: { file: name, field: 'block', got: n, expected: 'the bytes that were kept' },
      cause,
    })
  }
}
