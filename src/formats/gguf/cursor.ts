import { badFile } from '../badFile.ts'

/** Thrown while a header is parsed whose next bytes have not been fetched; `end` is how far the file must be read. */
export class NeedMore extends Error {
  readonly end: number

  constructor(end: number) {
    super(`the header goes on to byte ${end}`)
    this.end = end
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Below this, joining char codes is quicker than a decoder call. */
const MAX_ASCII_BYTES = 24

/** A position in the first bytes of a file. Every length is held against the file's size before it is used. */
export class Cursor {
  readonly file: string
  readonly #bytes: Uint8Array
  readonly #view: DataView
  /** Bytes that the header may take: of the file, when its size is known. */
  readonly #limit: number
  readonly #complete: boolean
  #at = 0

  /** @param limit bytes the header may take at most; `bytes` are all of the file when there are as many */
  constructor(file: string, bytes: Uint8Array, limit: number, complete: boolean) {
    this.file = file
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#limit = limit
    this.#complete = complete
  }

  get position(): number {
    return this.#at
  }

  /** Bytes that can still follow. */
  get room(): number {
    return this.#limit - this.#at
  }

  /** Moves over `length` bytes and returns where they begin. */
  skip(length: number, field: string): number {
    const begin = this.#at
    const end = begin + length
    if (end > this.#limit)
      throw badFile(this.file, field, `cut off at byte ${this.#limit}`, `${length} bytes from ${begin}`)
    if (end > this.#bytes.byteLength) {
      if (!this.#complete) throw new NeedMore(end)
      throw badFile(
        this.file,
        field,
        `cut off at byte ${this.#bytes.byteLength}`,
        `${length} bytes from ${begin}`,
      )
    }
    this.#at = end
    return begin
  }

  u32(field: string): number {
    return this.#view.getUint32(this.skip(4, field), true)
  }

  u64(field: string): bigint {
    return this.#view.getBigUint64(this.skip(8, field), true)
  }

  /** A u64 that counts things of at least `bytesEach` bytes still to come. */
  count(field: string, bytesEach: number): number {
    const count = this.u64(field)
    const most = Math.max(0, Math.floor(this.room / bytesEach))
    if (count > BigInt(most))
      throw badFile(this.file, field, String(count), `at most ${most}, which is what the file has room for`)
    return Number(count)
  }

  /** A length and as many bytes of UTF-8. */
  string(field: string): string {
    const length = this.count(`${field} (its length)`, 1)
    const begin = this.skip(length, field)
    const bytes = this.#bytes.subarray(begin, begin + length)
    if (length <= MAX_ASCII_BYTES && bytes.every((byte) => byte < 0x80)) return String.fromCharCode(...bytes)
    try {
      return UTF8.decode(bytes)
    } catch (cause) {
      if (cause instanceof TypeError) throw badFile(this.file, field, 'no valid UTF-8', 'text in UTF-8')
      throw cause
    }
  }

  /** A view of `length` bytes that lives as long as they do. */
  view(length: number, field: string): DataView {
    const begin = this.skip(length, field)
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + begin, length)
  }
}
