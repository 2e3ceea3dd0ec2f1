import type { LedgerBuffer } from '../gpu/ledger.ts'
import type { AdapterStack, EmbedLora, MatrixView } from '../ops/operands.ts'
import type { Mask } from '../program/attrs.ts'
import type { AdapterChanges } from '../program/changes.ts'
import type { EditSet } from './editSet.ts'

/** Adapters as a program is bound to them: what they change in its steps, and the buffers those steps read. */
export interface BoundAdapters extends AdapterChanges {
  adapterStack(name: string): AdapterStack
  embedLora(): EmbedLora
  /** Slot of the `nth` adapter that replaces the module of a step. */
  replacedBy(step: string, nth: number): number
  /** A replaced matrix; undefined for one of the base. */
  matrix(name: string): MatrixView | undefined
  /** A replaced vector; undefined for one of the base. */
  vector(name: string): LedgerBuffer | undefined
  dispose(): void
}

/** What a forward runs under besides the weights. */
export interface ForwardChanges {
  readonly adapters: BoundAdapters | null
  readonly edits: EditSet | null
  /** A mask other than the model's own. */
  readonly mask?: Mask | undefined
}
