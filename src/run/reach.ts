import type { Variant } from '../api/model.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { splitPositions } from '../ops/attention.ts'
import type { KvFormat } from '../ops/kvFormats.ts'
import { MATVEC_ROWS } from '../ops/linear.ts'
import { PAGE } from '../program/batchLayout.ts'
import { isOp, type Program } from '../program/step.ts'
import type { Executor } from './executor.ts'
import { cacheLayers, layerBytesPerPosition } from './pagePool.ts'
import { RopeTables, tableBytesPerPosition } from './ropeTable.ts'

type ReachParts = Pick<Executor, 'device' | 'ledger' | 'pipelines'>

/** Bytes that decode attention puts down for each part of the positions. */
function bytesPerPart({ steps }: Program): number {
  const scores = steps.filter((step) => isOp(step, 'scores'))
  return MATVEC_ROWS * Math.max(0, ...scores.map(({ attrs }) => attrs.heads * (attrs.headDim + 4))) * 4
}

/** Positions that a text may have where no buffer of more than `limit` bytes can be bound. */
export function bindablePositions(
  forward: Program,
  { variant, kv, limit }: { variant: Variant; kv: KvFormat; limit: number },
): number {
  const pages = cacheLayers(forward).map((layer) =>
    Math.floor(limit / (PAGE * layerBytesPerPosition(layer, kv))),
  )
  const parts = Math.floor(limit / Math.max(1, bytesPerPart(forward)))
  const rows = Math.floor(limit / Math.max(1, tableBytesPerPosition(forward)))
  return Math.min(...pages.map((count) => count * PAGE), parts * splitPositions(variant), rows)
}

/** What live programs are bound to that goes by how long a text is: a longer one takes its place as texts grow. */
export class Reach {
  readonly positions: number
  readonly ropeTables: RopeTables
  /** Space between the two halves of decode attention. */
  readonly scratch: LedgerBuffer
  readonly #parts: ReachParts

  /** `forward`: recorded for the longest text there will be. */
  constructor(parts: ReachParts, forward: Program, positions: number) {
    this.#parts = parts
    this.positions = positions
    const splits = Math.ceil(positions / splitPositions(parts.pipelines.variant))
    const { STORAGE } = GPUBufferUsage
    this.scratch = parts.ledger.create('activations:parts', splits * bytesPerPart(forward), STORAGE)
    this.ropeTables = new RopeTables(parts, forward, positions)
  }

  /** One for `length` positions at least, of at most those of `forward`. */
  longer(forward: Program, length: number): Reach {
    return new Reach(this.#parts, forward, Math.min(forward.positions, Math.max(length, 2 * this.positions)))
  }

  dispose(): void {
    this.ropeTables.release()
    this.#parts.ledger.destroy(this.scratch)
  }
}
