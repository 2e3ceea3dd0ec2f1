import { badFile } from './badFile.ts'
import { streamBytes } from './byteRange.ts'
import { dtypeBytes } from './safetensors.ts'
import type { Checkpoint, FileSource, TensorInfo } from './tensors.ts'

/** Largest chunk handed on; whatever the source delivers is cut to this. */
export const MAX_CHUNK_BYTES = 4 * 1024 * 1024
/** A gap of unwanted bytes up to this long is read through; a longer one is worth a new request. */
const MAX_GAP_BYTES = 1024 * 1024

/** A file of a checkpoint whose header has been read. */
export interface CheckpointFile {
  name: string
  tensors: readonly TensorInfo[]
  /** What the file must measure. */
  bytes: number
  /** False when the source could not tell the size, so the end is still to be checked. */
  sizeKnown: boolean
}

type Sink = Parameters<Checkpoint['read']>[1]
type ReadOptions = NonNullable<Parameters<Checkpoint['read']>[2]>

/** The checkpoint over files whose headers are read. `tensors` may leave out some of what the files hold. */
export function createCheckpoint(
  source: FileSource,
  files: readonly CheckpointFile[],
  tensors: ReadonlyMap<string, TensorInfo>,
): Checkpoint {
  const bytesOf = (list: readonly TensorInfo[]): number =>
    list.reduce((sum, { begin, end }) => sum + end - begin, 0)
  return {
    tensors,
    totalBytes: bytesOf([...tensors.values()]),
    async read(wanted, sink, options = {}) {
      const chosen = files.map((file) => ({
        file,
        list: file.tensors.filter((tensor) => tensors.get(tensor.name) === tensor && wanted(tensor.name)),
      }))
      const total = chosen.reduce((sum, { list }) => sum + bytesOf(list), 0)
      let done = 0
      const counted: Sink = async (tensor, offset, chunk) => {
        await sink(tensor, offset, chunk)
        done += chunk.byteLength
        options.onBytes?.(done, total)
      }
      for (const { file, list } of chosen) {
        for (const run of runsOf(list)) await readRun(source, file, run, counted, options)
      }
    },
  }
}

/** Groups tensors in file order into ranges that one request reads. */
function runsOf(sorted: readonly TensorInfo[]): TensorInfo[][] {
  const runs: TensorInfo[][] = []
  for (const tensor of sorted) {
    if (tensor.begin === tensor.end) continue
    const run = runs.at(-1)
    const last = run?.at(-1)
    if (run && last && tensor.begin - last.end <= MAX_GAP_BYTES) run.push(tensor)
    else runs.push([tensor])
  }
  return runs
}

async function readRun(
  source: FileSource,
  file: CheckpointFile,
  run: readonly TensorInfo[],
  sink: Sink,
  { signal }: ReadOptions,
): Promise<void> {
  const first = run[0]
  const last = run.at(-1)
  if (!first || !last) return
  // With an unknown size the last range is read to the very end, to notice bytes that belong to no tensor.
  const toTheEnd = !file.sizeKnown && last.end === file.bytes
  const splitter = new TensorSplitter(run, sink)
  let at = first.begin
  const end = toTheEnd ? null : last.end
  for await (const chunk of streamBytes(source, file.name, first.begin, end, { signal, reuse: true })) {
    at += chunk.byteLength
    if (at > last.end) throw badFile(file.name, 'size', `more than ${last.end} bytes`, `${last.end}`)
    await splitter.push(chunk)
  }
  if (at < last.end) throw badFile(file.name, 'size', `${at} bytes`, `at least ${last.end}`)
}

/** Cuts a byte stream that starts at the first tensor into per-tensor chunks of whole elements. */
class TensorSplitter {
  readonly #run: readonly TensorInfo[]
  readonly #sink: Sink
  #index = 0
  /** File position of the next byte to arrive. */
  #at: number
  /** Bytes of an element whose rest has not arrived. */
  #partial = new Uint8Array(0)

  constructor(run: readonly TensorInfo[], sink: Sink) {
    this.#run = run
    this.#sink = sink
    this.#at = run[0]?.begin ?? 0
  }

  async push(chunk: Uint8Array): Promise<void> {
    let rest = chunk
    while (rest.byteLength > 0) {
      const tensor = this.#run[this.#index]
      if (!tensor) return
      const skipped = Math.min(Math.max(tensor.begin - this.#at, 0), rest.byteLength)
      const end = Math.min(rest.byteLength, tensor.end - this.#at)
      await this.#deliver(tensor, rest.subarray(skipped, end))
      this.#at += end
      rest = rest.subarray(end)
      if (this.#at === tensor.end) this.#index++
    }
  }

  /** `bytes` is the next piece of `tensor`; it may end inside an element. */
  async #deliver(tensor: TensorInfo, bytes: Uint8Array): Promise<void> {
    // Blocks may be cut anywhere.
    const size = dtypeBytes(tensor.dtype) || 1
    let offset = Math.max(this.#at - tensor.begin, 0) - this.#partial.byteLength
    let rest = bytes
    if (this.#partial.byteLength > 0) {
      const element = new Uint8Array(Math.min(size, this.#partial.byteLength + rest.byteLength))
      element.set(this.#partial)
      const taken = element.byteLength - this.#partial.byteLength
      element.set(rest.subarray(0, taken), this.#partial.byteLength)
      rest = rest.subarray(taken)
      this.#partial = element
      if (element.byteLength < size) return
      this.#partial = new Uint8Array(0)
      await this.#sink(tensor, offset, element)
      offset += size
    }
    const alignedBytes = rest.byteLength - (rest.byteLength % size)
    for (let at = 0; at < alignedBytes; at += MAX_CHUNK_BYTES) {
      await this.#sink(tensor, offset + at, rest.subarray(at, Math.min(at + MAX_CHUNK_BYTES, alignedBytes)))
    }
    if (alignedBytes < rest.byteLength) this.#partial = rest.slice(alignedBytes)
  }
}
