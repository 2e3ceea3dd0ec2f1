import pack from '../../shaders/load/pack.wgsl?raw'
import relayWgsl from '../../shaders/load/relay.wgsl?raw'
import rounding from '../../shaders/load/rounding.wgsl?raw'
import sourceBf16 from '../../shaders/load/source_bf16.wgsl?raw'
import sourceF16 from '../../shaders/load/source_f16.wgsl?raw'
import sourceF32 from '../../shaders/load/source_f32.wgsl?raw'
import sourceF64 from '../../shaders/load/source_f64.wgsl?raw'
import exponentsWgsl from '../../shaders/load/exponents.wgsl?raw'
import unpack from '../../shaders/load/unpack.wgsl?raw'
import { invariant } from '../errors.ts'
import { PipelineCache, type CompiledKernel, type LayoutKey } from '../gpu/pipelines.ts'
import type { ProviderFile } from '../gpu/providers.ts'
import type { ShaderSource } from '../gpu/shader.ts'
import type { PlaneLayout } from './formats/layout.ts'
import { REPACKS, type Plane } from './formats/record.ts'
import { RelayBindings } from './relayBindings.ts'

/** Floats a file may hold, under safetensors' names. */
export const SOURCE_BYTES = { F32: 4, F16: 2, BF16: 2, F64: 8 } as const
export type SourceType = keyof typeof SOURCE_BYTES

const SOURCES: Readonly<Record<SourceType, string>> = {
  F32: sourceF32,
  F16: sourceF16,
  BF16: sourceBf16,
  F64: sourceF64,
}

/** Four-bit integers that a file holds along the inputs. */
export const COLUMN_PACKINGS = ['gptq', 'awq'] as const
export type ColumnPacking = (typeof COLUMN_PACKINGS)[number]

/** Staged runs of 32 inputs of all outputs, and the outputs that are wanted of them. */
export interface ColumnRuns {
  readonly packing: ColumnPacking
  /** Run of the row that the first staged one becomes. */
  readonly first: number
  readonly count: number
  /** Outputs of the file's tensor. */
  readonly outs: number
  readonly from: number
  /** First row of the planes. */
  readonly row: number
  readonly rows: number
}

/** Planes in a buffer, from its start. */
export interface Planes {
  readonly buffer: GPUBuffer
  readonly layout: PlaneLayout
}

/** Blocks `first` to `first + count` of a matrix, counted in row order. */
export interface BlockRange {
  readonly first: number
  readonly count: number
}

/**
 * Heads of so many rows, from row `begin` on, whose halves a file interleaves (as GGUF stores q and k of Llama): its row 2·j + c of a
 * head becomes row c·rows/2 + j.
 */
export interface Interleaving {
  readonly begin: number
  readonly rows: number
}

const KEY: LayoutKey = [
  [0, 'slot'],
  [1, 'read'],
  [2, 'write'],
]

const WORD = 4
const MAX_GROUPS = 65_535
/** vec4 that a thread looks at for exponents. */
const SCANNED = 8

const REPACK_CONSTS = Object.fromEntries(REPACKS.map((name, i) => [name.toUpperCase(), i]))

function relaySource(plane: Plane, blockBytes: number, byte: number): ShaderSource {
  const areHalves = plane.bytes === 2 && [blockBytes, plane.at, byte].every((at) => at % 2 === 0)
  const isWithinWord = plane.bytes === 1 || areHalves
  return {
    label: `relay ${plane.repack} ${plane.at}+${plane.bytes}${isWithinWord ? ' within words' : ''} of ${blockBytes}`,
    files: [{ name: 'load/relay.wgsl', text: relayWgsl }],
    consts: {
      ...REPACK_CONSTS,
      REPACK: REPACKS.indexOf(plane.repack),
      AT: plane.at,
      BYTES: plane.bytes,
      BLOCK_BYTES: blockBytes,
      ALIGNED: blockBytes % WORD === 0 && plane.at % WORD === 0 ? 1 : 0,
      WITHIN_WORD: isWithinWord ? 1 : 0,
    },
  }
}

function packSource(target: ProviderFile, type: SourceType): ShaderSource {
  return {
    label: `${target.name} from ${type}`,
    files: [
      { name: `load/source_${type.toLowerCase()}.wgsl`, text: SOURCES[type] },
      { name: 'load/rounding.wgsl', text: rounding },
      { name: 'load/pack.wgsl', text: pack },
      target,
    ],
    consts: {},
  }
}

/** The words of a plane that a range of blocks lies in. `rowWords` is 0 where rows are not padded. */
function wordRange(plane: Plane, { layout }: Planes, { first, count }: BlockRange) {
  const { rowBlocks, stride } = layout
  const padded = plane.name === 'quants' && rowBlocks * plane.bytes !== stride * 16
  const byteOf = (block: number): number =>
    padded
      ? Math.floor(block / rowBlocks) * stride * 16 + (block % rowBlocks) * plane.bytes
      : block * plane.bytes
  const word = Math.floor(byteOf(first) / WORD)
  const end = Math.ceil((byteOf(first + count - 1) + plane.bytes) / WORD)
  return { word, words: end - word, rowWords: padded ? stride * 4 : 0 }
}

/** The blocks of the heads that a range lies in, interleaved rows being scattered over their head. */
function wholeHeads(
  { first, count }: BlockRange,
  rowBlocks: number,
  { begin, rows }: Interleaving,
): BlockRange {
  const perHead = rows * rowBlocks
  const origin = begin * rowBlocks
  const from = Math.floor((first - origin) / perHead) * perHead
  const to = Math.ceil((first + count - origin) / perHead) * perHead
  return { first: origin + from, count: to - from }
}

/**
 * The kernels between a file's bytes and the planes of matrices: `relay` moves blocks, `pack` converts or quantises floats, `unpack`
 * reads rows back as f32, `findNonFinite` looks for NaN. All encode into a pass of the caller's; {@link release} frees their parameters once that was submitted.
 */
export class WeightRelay {
  readonly #pipelines: PipelineCache
  /** Those in use, by their labels. */
  readonly #kernels = new Map<string, Promise<CompiledKernel>>()
  readonly #bindings: RelayBindings

  /** Its kernels are counted by themselves, not with those of a forward. */
  constructor({ device, variant }: Pick<PipelineCache, 'device' | 'variant'>) {
    this.#pipelines = new PipelineCache(device, variant)
    this.#bindings = new RelayBindings(device)
  }

  /**
   * Moves staged blocks, the first of which starts at `byte` of `staged`, to where the matrix has them. `byte` is a multiple of 4 where a
   * block's size is, else any.
   */
  async relay(
    pass: GPUComputePassEncoder,
    staged: { buffer: GPUBuffer; byte: number },
    target: Planes,
    range: BlockRange,
    heads?: Interleaving,
  ): Promise<void> {
    const { format, rowBlocks, words } = target.layout
    invariant(
      format.blockBytes % WORD !== 0 || staged.byte % WORD === 0,
      'blocks of whole words begin on one',
    )
    const covered = heads ? wholeHeads(range, rowBlocks, heads) : range
    for (const plane of format.planes) {
      const { word, words: count, rowWords } = wordRange(plane, target, covered)
      const params = [
        range.first,
        range.count,
        staged.byte,
        words[plane.name],
        word,
        count,
        rowBlocks,
        rowWords,
        heads?.rows ?? 0,
        heads?.begin ?? 0,
      ]
      const source = relaySource(plane, format.blockBytes, staged.byte)
      await this.#dispatch(pass, source, params, [staged.buffer, target.buffer], Math.ceil(count / 4))
    }
  }

  /** Moves staged runs, which start at `byte` of `staged`, a multiple of 4, to where the matrix has them. */
  async relayColumns(
    pass: GPUComputePassEncoder,
    staged: { buffer: GPUBuffer; byte: number },
    target: Planes,
    { packing, first, count, outs, from, row, rows }: ColumnRuns,
  ): Promise<void> {
    // Few checkpoints hold any.
    const { default: text } = await import('../../shaders/load/relay_columns.wgsl?raw')
    const source = {
      label: `relay ${packing}`,
      files: [{ name: 'load/relay_columns.wgsl', text }],
      consts: { AWQ: packing === 'awq' ? 1 : 0 },
    }
    const params = [first, count, staged.byte / WORD, outs, from, row, rows, target.layout.stride]
    await this.#dispatch(pass, source, params, [staged.buffer, target.buffer], count * rows)
  }

  /**
   * Converts or quantises staged floats. Element (row, column) of the matrix, counted from its first row, is float
   * `first + row · rowStep + column · columnStep` of `staged`; `first` may be negative where the matrix begins before what is staged.
   */
  async pack(
    pass: GPUComputePassEncoder,
    staged: { buffer: GPUBuffer; type: SourceType; first: number; rowStep: number; columnStep: number },
    target: Planes,
    range: BlockRange,
  ): Promise<void> {
    const { format, rowBlocks, stride, words } = target.layout
    invariant(format.pack, `${format.name} can be made from floats`)
    const [quants] = format.planes
    invariant(quants, `${format.name} has planes`)
    const pairs = Math.floor((range.first + range.count - 1) / 2) - Math.floor(range.first / 2) + 1
    const { word, words: count } = wordRange(quants, target, range)
    const [start, threads] = format.block === 1 ? [word, count] : [Math.floor(range.first / 2), pairs]
    const params = [
      range.first,
      range.count,
      staged.first >>> 0,
      staged.rowStep,
      staged.columnStep,
      rowBlocks,
      stride * 4,
      words.scales,
      start,
      threads,
      0,
    ]
    const source = packSource(format.pack, staged.type)
    await this.#dispatch(pass, source, params, [staged.buffer, target.buffer], threads)
  }

  /** Writes rows `[row, row + count)` as f32 to the start of `out`: [count, cols] without padding. */
  async unpack(
    pass: GPUComputePassEncoder,
    from: Planes,
    row: number,
    count: number,
    out: GPUBuffer,
  ): Promise<void> {
    const { format, cols, stride, words } = from.layout
    const source = {
      label: `unpack ${format.name}`,
      files: [...this.#plainProviders(format), { name: 'load/unpack.wgsl', text: unpack }],
      consts: {},
    }
    const k4 = Math.ceil(cols / 4)
    const params = [cols, k4, row, count, stride, words.scales, words.high, words.super]
    await this.#dispatch(pass, source, params, [from.buffer, out], count * k4)
  }

  /** Sets word `at` of `flags` where a weight of rows `[row, row + count)` may be NaN or infinite: it is not where the word stays 0. */
  async findOnes(
    pass: GPUComputePassEncoder,
    from: Planes,
    row: number,
    count: number,
    flags: { buffer: GPUBuffer; at: number },
  ): Promise<void> {
    const { format, rowBlocks, stride, words } = from.layout
    const { exponents, planes } = format
    if (!exponents) return this.findNonFinite(pass, from, row, count, flags)
    const { plane, width, ones, every } = exponents
    const perBlock = planes.find(({ name }) => name === plane)?.bytes ?? 0
    const rowBytes = plane === 'quants' ? stride * 16 : rowBlocks * perBlock
    const first = Math.floor((row * rowBytes) / 16)
    const vectors = Math.ceil(((row + count) * rowBytes) / 16) - first
    const source = {
      label: `exponents ${ones} of ${width}, ${every}`,
      files: [{ name: 'load/exponents.wgsl', text: exponentsWgsl }],
      consts: { WIDTH: width, EXPONENT: ones, EVERY: every },
    }
    const threads = Math.ceil(vectors / SCANNED)
    const params = [words[plane] / 4 + first, vectors, flags.at, threads]
    await this.#dispatch(pass, source, params, [from.buffer, flags.buffer], threads)
  }

  /** Sets word `at` of `flags` where a weight of rows `[row, row + count)` is NaN or infinite. */
  async findNonFinite(
    pass: GPUComputePassEncoder,
    from: Planes,
    row: number,
    count: number,
    flags: { buffer: GPUBuffer; at: number },
  ): Promise<void> {
    const { format, cols, stride, words } = from.layout
    // Few checkpoints need it.
    const { default: text } = await import('../../shaders/load/finite.wgsl?raw')
    const source = {
      label: `finite ${format.name}`,
      files: [...this.#plainProviders(format), { name: 'load/finite.wgsl', text }],
      consts: { FLOATS: format.block === 1 ? 1 : 0 },
    }
    const params = [Math.ceil(cols / 4), row, count, flags.at, stride, words.scales, words.high, words.super]
    await this.#dispatch(pass, source, params, [from.buffer, flags.buffer], count * Math.ceil(cols / 32))
  }

  /** Checks read weights otherwise than the products whose fault they are to notice, where there are two ways. */
  #plainProviders(format: PlaneLayout['format']): readonly ProviderFile[] {
    return format.providers({ ...this.#pipelines.variant, f16: false })
  }

  /** Writes the parameters of what was encoded; call it before that is submitted. */
  send(): void {
    this.#bindings.send()
  }

  /** Frees the parameters of what was encoded; call it once that is submitted. */
  release(): void {
    this.#bindings.release()
  }

  async #dispatch(
    pass: GPUComputePassEncoder,
    source: ShaderSource,
    params: readonly number[],
    buffers: readonly [from: GPUBuffer, to: GPUBuffer],
    threads: number,
  ): Promise<void> {
    const { variant } = this.#pipelines
    const kernel = this.#kernels.get(source.label) ?? this.#pipelines.get(source, KEY)
    this.#kernels.set(source.label, kernel)
    const { pipeline, layout } = await kernel
    pass.setPipeline(pipeline)
    this.#bindings.bind(pass, layout, params, buffers)
    const groups = Math.ceil(threads / variant.workgroup)
    pass.dispatchWorkgroups(Math.min(groups, MAX_GROUPS), Math.ceil(groups / MAX_GROUPS))
  }
}

/** Encodes into one pass of its own and submits it. */
export async function encodeLoad(
  device: GPUDevice,
  relay: WeightRelay,
  encode: (pass: GPUComputePassEncoder) => Promise<void>,
): Promise<void> {
  const encoder = device.createCommandEncoder({ label: 'weights' })
  const pass = encoder.beginComputePass({ label: 'weights' })
  await encode(pass)
  pass.end()
  relay.send()
  device.queue.submit([encoder.finish()])
  relay.release()
}
