import type { ProviderFile } from '../../gpu/providers.ts'
import type { WeightFormat as FormatName } from '../../api/model.ts'
import type { MatrixFormat } from '../../ops/operands.ts'

export type { WeightFormat as FormatName } from '../../api/model.ts'

/**
 * What the relay does with the bytes that become one word of a plane (`shaders/load/relay.wgsl`):
 * `move` nothing; `nibbles2` and `nibbles4` put the nibbles of 32 consecutive weights into one 16-byte unit, from super-blocks that
 * interleave 2 or 4 runs of 32; `pairs` the same for two-bit fields; `bits` for one-bit fields that 32 bytes hold in turn;
 * `spread` for one-bit fields in order.
 */
export const REPACKS = ['move', 'nibbles2', 'nibbles4', 'pairs', 'bits', 'spread'] as const
export type Repack = (typeof REPACKS)[number]

/** Names under which kernels find planes: word offsets `p.w_scales`, `p.w_high`, `p.w_super`; quants begin the shard. */
export type PlaneName = 'quants' | 'high' | 'scales' | 'super'

/** One array of a matrix: for every block so many bytes, block after block, row after row. */
export interface Plane {
  readonly name: PlaneName
  /** Bytes of one block. */
  readonly bytes: number
  /** Byte of a file's block where the plane's bytes begin. */
  readonly at: number
  readonly repack: Repack
}

/** Where a format's scales, or its floats, have their exponents: where none of them is all ones, every weight is finite. */
export interface Exponents {
  readonly plane: PlaneName
  /** Fields of so many bits. */
  readonly width: 8 | 16 | 32
  /** Bits of a field that are ones where it is NaN, infinite or too large. */
  readonly ones: number
  /** Fields lie in the first of so many words. */
  readonly every: 1 | 2 | 4
}

/** All that is known of a weight format. Loader, planner, ledger, reader and kernels consult this and nothing else. */
export interface FormatRecord extends MatrixFormat {
  readonly name: FormatName
  /** Bytes of a block in a file. Rows are whole blocks. */
  readonly blockBytes: number
  /** `quants` first. Rows of the quants are padded to 16 bytes, of other planes not at all. */
  readonly planes: readonly Plane[]
  /** Null: every weight has to be looked at. */
  readonly exponents: Exponents | null
  /** Scales are not in the blocks but tensors of their own, each for a group of columns: see {@link PlaneLayout.group}. */
  readonly grouped: boolean
  /** The pack kernel that makes the planes from floats; null: only files hold this format. */
  readonly pack: ProviderFile | null
}
