import { invariant } from '../errors.ts'
import type { BufferLedger, LedgerBuffer } from '../gpu/ledger.ts'
import type { FormatRecord } from './formats/record.ts'
import { UploadRing } from './upload.ts'
import {
  COLUMN_PACKINGS,
  SOURCE_BYTES,
  type ColumnPacking,
  type Planes,
  type SourceType,
  type WeightRelay,
} from './relay.ts'

const WORD = 4
/** Bytes that tensors begin on: whole floats of every type. */
const ALIGNMENT = 16
/** Two buffers of this size and two that the host writes are staged at most, but for turned tensors, which are staged whole. */
const STAGE_BYTES = 8 << 20

/** Rows `[row, row + rows)` of planes, made from rows of a tensor from `from` on. */
export interface StagePart {
  readonly target: Planes
  /** First row of the planes. */
  readonly row: number
  readonly rows: number
  /** First row of the tensor; of a turned one, first column. */
  readonly from: number
  /** How far apart the columns of a turned tensor lie that become neighbouring rows. Default 1. */
  readonly step?: number
  /** Heads whose halves the file interleaves: rows of one. Only blocks are put right, not floats that are converted. */
  readonly headRows?: number | undefined
}

/** A tensor that is about to come, and where its rows go. All parts are of one format. */
export interface StagedTensor {
  readonly bytes: number
  /** What the file holds: `blocks` of the parts' own format, integers along the inputs, or floats to be converted or quantised. */
  readonly source: 'blocks' | ColumnPacking | SourceType
  /** Outputs of the tensor, where it holds integers along the inputs. */
  readonly outs?: number | undefined
  /** Rows lie along the file's second dimension, of this length (GPT-2's Conv1D): [cols, this]. */
  readonly turned?: number | undefined
  readonly parts: readonly StagePart[]
}

interface RowRange {
  first: number
  end: number
}

/** Where bytes go; a null buffer takes rows that are not wanted. */
interface Sink {
  buffer: GPUBuffer | null
  at: number
  room: number
}

/** Floats of the parts' own format are its blocks. */
function asBlocks(tensor: StagedTensor): StagedTensor {
  const [part] = tensor.parts
  const isSameFormat = tensor.source.toLowerCase() === part?.target.layout.format.name
  return isSameFormat && tensor.turned === undefined ? { ...tensor, source: 'blocks' } : tensor
}

/** Whether a part's rows are copied as they are. */
function isCopy({ target, headRows }: StagePart): boolean {
  const { format, rowBlocks, stride } = target.layout
  const [quants, ...others] = format.planes
  const alike = quants?.repack === 'move' && quants.bytes === format.blockBytes && others.length === 0
  return alike && headRows === undefined && rowBlocks * format.blockBytes === stride * 16
}

const isColumns = (source: StagedTensor['source']): source is ColumnPacking =>
  COLUMN_PACKINGS.some((packing) => packing === source)

/** Bytes that become whole blocks: of integers along the inputs, those of 32 inputs for all outputs. */
function blockBytesOf({ source, outs = 0 }: StagedTensor, { blockBytes, block }: FormatRecord): number {
  if (isColumns(source)) return outs * blockBytes
  return source === 'blocks' ? blockBytes : block * SOURCE_BYTES[source]
}

/** Whether no row of the tensor goes to two places, as those of a tied head with a bias do. */
function isOnce(parts: readonly StagePart[]): boolean {
  const inOrder = [...parts].sort((a, b) => a.from - b.from)
  return inOrder.every(({ from }, i) => {
    const previous = inOrder[i - 1]
    return previous === undefined || previous.from + previous.rows <= from
  })
}

/**
 * Takes the bytes of tensors in order, as they come, and has the GPU put them where they belong. Chunks may be cut anywhere. No more
 * than two stages are in flight: {@link add} waits for the GPU where the bytes come faster.
 */
export class WeightStage {
  readonly #device: GPUDevice
  readonly #ledger: BufferLedger
  readonly #relay: WeightRelay
  readonly #stages: readonly LedgerBuffer[]
  readonly #ring: UploadRing
  #current = 0
  /** The stage that is filled. */
  #buffer: GPUBuffer
  /** Bytes of it that are written, a multiple of 4. */
  #at = 0
  /** All of a turned tensor. */
  #turned: LedgerBuffer | null = null
  /** The tensor's bytes are what the planes hold, so that they skip the stage. */
  #direct = false
  /** Up to three bytes that do not fill a word yet. */
  readonly #carry = new Uint8Array(WORD)
  #carried = 0
  #encoder: GPUCommandEncoder | null = null

  #tensor: StagedTensor | null = null
  /** Byte of the buffer where the tensor's first block starts that was not handed on. */
  #start = 0
  /** Blocks handed on. */
  #done = 0
  #received = 0

  /** Its buffers are the ledger's. No more than `bytes` are staged at once, or two of them. */
  constructor(device: GPUDevice, ledger: BufferLedger, relay: WeightRelay, bytes = STAGE_BYTES) {
    this.#device = device
    this.#ledger = ledger
    this.#relay = relay
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC
    const size = Math.min(bytes, STAGE_BYTES, device.limits.maxStorageBufferBindingSize)
    this.#stages = [0, 1].map((i) => ledger.create(`stage:${i}`, size, usage))
    this.#ring = new UploadRing(ledger, size)
    this.#buffer = this.#stageAt(0)
  }

  /** Bytes of GPU memory that staging takes. */
  get bytes(): number {
    return this.#stages.reduce((sum, { bytes }) => sum + bytes, this.#ring.bytes)
  }

  begin(given: StagedTensor): void {
    invariant(!this.#tensor, 'a tensor is ended before the next begins')
    invariant(given.parts.length > 0, 'a tensor goes somewhere')
    const tensor = asBlocks(given)
    this.#tensor = tensor
    this.#done = 0
    this.#received = 0
    this.#direct = tensor.source === 'blocks' && tensor.parts.every(isCopy) && isOnce(tensor.parts)
    this.#at = Math.ceil(this.#at / ALIGNMENT) * ALIGNMENT
    this.#start = this.#at
    if (tensor.turned === undefined) return
    invariant(tensor.source !== 'blocks' && !isColumns(tensor.source), 'only floats are turned')
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST
    this.#turned = this.#ledger.create('stage:turned', tensor.bytes, usage)
  }

  /** Bytes of the tensor that began, following those before. */
  async add(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    const tensor = this.#tensor
    invariant(tensor && this.#received + chunk.length <= tensor.bytes, 'bytes belong to a tensor')
    for (let at = 0; at < chunk.length;) {
      const taken = this.#write(chunk, at, await this.#room(tensor))
      at += taken
      this.#received += taken
    }
  }

  /** Hands on what the tensor still has. */
  async end(): Promise<void> {
    const tensor = this.#tensor
    invariant(tensor && this.#received === tensor.bytes, 'a tensor has all its bytes')
    if (this.#carried > 0) {
      const sink = await this.#room(tensor)
      this.#carry.fill(0, this.#carried)
      this.#writeWords(sink, this.#carry)
      this.#carried = 0
    }
    if (this.#turned) {
      await this.#packTurned(tensor, this.#turned.gpu)
      this.#submit()
      this.#ledger.destroy(this.#turned)
    } else if (!this.#direct) await this.#handOn(tensor)
    this.#turned = null
    this.#tensor = null
  }

  /** Submits all that was ended. */
  flush(): void {
    this.#submit()
    this.#at = 0
  }

  /** Resolves once all that was ended lies in its planes. */
  async finish(): Promise<void> {
    this.flush()
    await this.#device.queue.onSubmittedWorkDone()
  }

  dispose(): void {
    this.#relay.release()
    this.#ring.dispose()
    for (const buffer of [...this.#stages, ...(this.#turned ? [this.#turned] : [])])
      this.#ledger.destroy(buffer)
  }

  #stageAt(i: number): GPUBuffer {
    const stage = this.#stages[i]
    invariant(stage, 'there are two stages')
    return stage.gpu
  }

  /** Where the tensor's next word goes, with room for one at least. */
  async #room(tensor: StagedTensor): Promise<Sink> {
    for (;;) {
      await this.#ring.ready()
      const sink = this.#sink(tensor)
      if (Math.min(sink.room, this.#ring.room) >= WORD) return sink
      await this.#turnOver(tensor)
    }
  }

  /** Where the tensor's next word goes. */
  #sink({ parts }: StagedTensor): Sink {
    const offset = this.#received - this.#carried
    if (this.#turned) return { buffer: this.#turned.gpu, at: offset, room: this.#turned.bytes - offset }
    if (!this.#direct) return { buffer: this.#buffer, at: this.#at, room: this.#buffer.size - this.#at }
    let next = Infinity
    for (const { target, row, rows, from } of parts) {
      const rowBytes = target.layout.stride * 16
      const begin = from * rowBytes
      const end = begin + rows * rowBytes
      if (offset >= begin && offset < end)
        return { buffer: target.buffer, at: offset - begin + row * rowBytes, room: end - offset }
      if (begin > offset) next = Math.min(next, begin)
    }
    return { buffer: null, at: 0, room: next - offset }
  }

  /** Writes what fits of a chunk from `at` on, in whole words; gives the bytes taken. */
  #write(chunk: Uint8Array<ArrayBuffer>, at: number, sink: Sink): number {
    if (this.#carried > 0 || chunk.length - at < WORD) {
      const taken = Math.min(WORD - this.#carried, chunk.length - at)
      this.#carry.set(chunk.subarray(at, at + taken), this.#carried)
      this.#carried += taken
      if (this.#carried < WORD) return taken
      this.#writeWords(sink, this.#carry)
      this.#carried = 0
      return taken
    }
    const bytes = Math.floor(Math.min(chunk.length - at, sink.room, this.#ring.room) / WORD) * WORD
    this.#writeWords(sink, chunk.subarray(at, at + bytes))
    return bytes
  }

  #writeWords({ buffer, at }: Sink, words: Uint8Array): void {
    if (buffer) this.#ring.write(words, buffer, at, this.#commands)
    if (buffer === this.#buffer) this.#at += words.length
  }

  /** Hands on the whole blocks of a full stage; what is left of a block begins the other one. */
  async #turnOver(tensor: StagedTensor): Promise<void> {
    if (!this.#direct && !this.#turned) await this.#handOn(tensor)
    const next = this.#stageAt(1 - this.#current)
    const kept = Math.floor(this.#start / ALIGNMENT) * ALIGNMENT
    if (kept < this.#at) {
      this.#ring.flush(this.#commands)
      this.#commands().copyBufferToBuffer(this.#buffer, kept, next, 0, this.#at - kept)
    }
    this.#submit()
    await this.#ring.ready()
    this.#at -= kept
    this.#start -= kept
    this.#current = 1 - this.#current
    this.#buffer = next
  }

  readonly #commands = (): GPUCommandEncoder =>
    (this.#encoder ??= this.#device.createCommandEncoder({ label: 'load' }))

  #submit(): void {
    this.#ring.flush(this.#commands)
    this.#relay.send()
    this.#ring.send(() => {
      if (this.#encoder) this.#device.queue.submit([this.#encoder.finish()])
    })
    this.#encoder = null
    this.#relay.release()
  }

  /** A pass behind the copies of what was written. */
  #pass(): GPUComputePassEncoder {
    this.#ring.flush(this.#commands)
    return this.#commands().beginComputePass()
  }

  /** Relays or packs the tensor's whole blocks in the stage. */
  async #handOn(tensor: StagedTensor): Promise<void> {
    const [some] = tensor.parts
    if (!some) return
    const { format, rowBlocks } = some.target.layout
    const blockBytes = blockBytesOf(tensor, format)
    const blocks = Math.floor((this.#at - this.#start) / blockBytes)
    const count = Math.min(blocks, tensor.bytes / blockBytes - this.#done)
    if (count <= 0) return
    const pass = this.#pass()
    for (const part of tensor.parts) {
      if (isColumns(tensor.source)) {
        await this.#placeColumns(pass, tensor.source, part, count, tensor.outs ?? 0)
        continue
      }
      const first = Math.max(this.#done, part.from * rowBlocks)
      const end = Math.min(this.#done + count, (part.from + part.rows) * rowBlocks)
      if (first < end) await this.#place(pass, tensor, part, { first, end }, blockBytes)
    }
    pass.end()
    this.#done += count
    this.#start += count * blockBytes
  }

  /** Places the runs of inputs that lie in the stage in a part's rows. */
  async #placeColumns(
    pass: GPUComputePassEncoder,
    packing: ColumnPacking,
    { target, row, rows, from }: StagePart,
    count: number,
    outs: number,
  ): Promise<void> {
    const staged = { buffer: this.#buffer, byte: this.#start }
    const runs = { packing, first: this.#done, count, outs, from, row, rows }
    await this.#relay.relayColumns(pass, staged, target, runs)
  }

  /** Places blocks `[first, end)` of the tensor, which lie in the stage, in a part. */
  async #place(
    pass: GPUComputePassEncoder,
    tensor: StagedTensor,
    { target, row, from, headRows }: StagePart,
    { first, end }: RowRange,
    blockBytes: number,
  ): Promise<void> {
    const { rowBlocks, cols } = target.layout
    const byte = this.#start + (first - this.#done) * blockBytes
    const range = { first: first + (row - from) * rowBlocks, count: end - first }
    if (tensor.source === 'blocks') {
      const heads = headRows === undefined ? undefined : { begin: row, rows: headRows }
      await this.#relay.relay(pass, { buffer: this.#buffer, byte }, target, range, heads)
      return
    }
    invariant(!isColumns(tensor.source), 'rows follow each other')
    const size = SOURCE_BYTES[tensor.source]
    const origin = byte / size - range.first * target.layout.format.block
    await this.#relay.pack(
      pass,
      { buffer: this.#buffer, type: tensor.source, first: origin, rowStep: cols, columnStep: 1 },
      target,
      range,
    )
  }

  async #packTurned({ source, turned, parts }: StagedTensor, buffer: GPUBuffer): Promise<void> {
    invariant(source !== 'blocks' && !isColumns(source) && turned !== undefined, 'turned tensors hold floats')
    const pass = this.#pass()
    for (const { target, row, rows, from, step = 1 } of parts) {
      const { rowBlocks } = target.layout
      const range = { first: row * rowBlocks, count: rows * rowBlocks }
      const staged = { buffer, type: source, first: from - row * step, rowStep: step, columnStep: turned }
      await this.#relay.pack(pass, staged, target, range)
    }
    pass.end()
  }
}
