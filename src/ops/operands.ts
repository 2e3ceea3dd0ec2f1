import type { WeightFormat } from '../api/model.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'

/** No bias: the kernels' word for it. */
export const NO_BIAS = 0xffff_ffff

/** Rows `[begin, end)` of a matrix in one buffer: quants, then scales, then bias. Word = 4 bytes. */
export interface Shard {
  readonly buffer: LedgerBuffer
  readonly begin: number
  readonly end: number
  /** vec4<u32> per row of the quants. */
  readonly stride: number
  readonly scalesWord: number
  readonly biasWord: number
}

/** A matrix as the GPU holds it: [rows, cols], in row shards when it exceeds the binding limit. */
export interface Matrix {
  readonly name: string
  readonly format: WeightFormat
  readonly rows: number
  readonly cols: number
  readonly shards: readonly Shard[]
}

/** Rows `[begin, end)` of a matrix: q within its stack, or all of it. */
export interface MatrixView {
  readonly matrix: Matrix
  readonly begin: number
  readonly end: number
}

/** All adapters on a stack of products: one A for all, B and the rest by output. */
export interface AdapterStack {
  /** Stacked A's, `[ranks, in]`; its scale plane holds (adapter, α/r) per rank. */
  readonly a: MatrixView
  readonly ranks: number
  /** What lib/adapter_lora.wgsl reads. */
  readonly planes: GPUBuffer
}

/** What ops/embed_lora.wgsl reads. */
export interface EmbedLora {
  readonly buffer: GPUBuffer
  readonly ranks: number
  readonly bWord: number
  readonly tableWord: number
}
