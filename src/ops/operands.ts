import type { Variant } from '../api/model.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import type { ProviderFile } from '../gpu/providers.ts'

/** No bias: the kernels' word for it. */
export const NO_BIAS = 0xffff_ffff

/** What a product asks of the way weights are stored. */
export interface MatrixFormat {
  readonly name: string
  /** Weights a block; 1 for plain floats. */
  readonly block: number
  /** Weights that are loaded at once. */
  readonly unit: number
  /** The WGSL files that read them. */
  providers(variant: Pick<Variant, 'f16'>): readonly ProviderFile[]
}

/** Where a shard's planes lie. Word = 4 bytes. */
export interface ShardLayout {
  /** vec4<u32> of a row of the quants, which begin the buffer. */
  readonly stride: number
  /** Words where the other planes begin; 0 for one that the format lacks. */
  readonly words: Readonly<Record<'scales' | 'high' | 'super', number>>
}

/** Rows `[begin, end)` of a matrix in one buffer: its planes, then the bias. */
export interface Shard {
  readonly buffer: LedgerBuffer
  readonly begin: number
  readonly end: number
  readonly layout: ShardLayout
  readonly biasWord: number
}

/** A matrix as the GPU holds it: [rows, cols], in row shards when it exceeds the binding limit. */
export interface Matrix {
  readonly name: string
  readonly format: MatrixFormat
  readonly rows: number
  readonly cols: number
  readonly shards: readonly Shard[]
}

/** Rows `[begin, end)` of a matrix: q within its stack, or all of it. */
export interface MatrixView {
  readonly matrix: Matrix
  readonly begin: number
  readonly end: number
  /** Rows that lie in runs of so many, which begin `stride` apart; `end` − `begin` is how many there are. Absent: together. */
  readonly runs?: { readonly rows: number; readonly stride: number }
  /** Output of its stack of products that the first row makes; another number than `begin` where the stack lies in several matrices. */
  readonly output: number
}

/** The adapters on one product of a stack, in the order of their ranks. */
export interface AdapterPart {
  readonly step: string
  /** Rank of the stack's A where its own begin. */
  readonly firstRank: number
  readonly modules: readonly { readonly slot: number; readonly module: { readonly rank: number } }[]
}

/** All adapters on a stack of products: one A for all, B and the rest by output. */
export interface AdapterStack {
  /** In the order of their planes. */
  readonly parts: readonly AdapterPart[]
  /** Stacked A's, `[ranks, in]`; its scale plane holds (adapter, α/r) per rank. */
  readonly a: MatrixView
  readonly ranks: number
  /** What lib/adapter_lora.wgsl reads. */
  readonly lora: GPUBuffer
}

/** What ops/embed_lora.wgsl reads. */
export interface EmbedLora {
  readonly buffer: GPUBuffer
  readonly ranks: number
  readonly bWord: number
  readonly tableWord: number
}

/** The fields of a kernel's parameters that say where a shard's planes lie. */
export function planeParams({
  layout,
}: Pick<Shard, 'layout'>): Record<'w_stride' | 'w_scales' | 'w_high' | 'w_super', number> {
  const { stride, words } = layout
  return { w_stride: stride, w_scales: words.scales, w_high: words.high, w_super: words.super }
}
