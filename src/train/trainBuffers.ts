import { TokenscopeError, invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { parseTileMatrix } from '../ops/backward/head.ts'
import { trainDispatchesOf } from '../ops/backward/index.ts'
import type { MatrixView } from '../ops/operands.ts'
import type { Program } from '../program/step.ts'
import type { BoundProgram } from '../run/bind.ts'
import type { BoundAdapters } from '../run/changes.ts'
import type { Runner } from '../run/runner.ts'
import { planSlots } from './slots.ts'

/** A matrix, or the rows of one that a tile of the vocabulary takes. */
export function viewOf(name: string, matrixOf: (name: string) => MatrixView): MatrixView {
  const tile = parseTileMatrix(name)
  if (!tile) return matrixOf(name)
  const view = matrixOf(tile.matrix)
  const { begin, end } = tile
  return { ...view, begin: view.begin + begin, end: view.begin + end, output: view.output + begin }
}

/** The GPU buffers of training: made together, freed together. */
export class TrainBuffers {
  readonly #runner: Runner
  readonly #buffers: LedgerBuffer[] = []

  constructor(runner: Runner) {
    this.#runner = runner
  }

  get bytes(): number {
    return this.#buffers.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Throws `limit` for a tensor that no kernel can be given. */
  create(label: string, bytes: number, usage: GPUBufferUsageFlags): LedgerBuffer {
    const max = this.#runner.device.limits.maxStorageBufferBindingSize
    if (bytes > max) {
      throw new TokenscopeError(
        'limit',
        `Training needs a buffer of ${bytes} bytes for ${label}; this device allows ${max}.`,
        {
          hint: 'Take shorter or fewer examples at once.',
          details: { label, bytes, maxStorageBufferBindingSize: max },
        },
      )
    }
    const buffer = this.#runner.ledger.create(`train:${label}`, bytes, usage)
    this.#buffers.push(buffer)
    return buffer
  }

  /** Binds a program to `ownBuffers` by name; other outputs share slots. Everything is compiled then. `batchOf`: rows of a step. */
  async bind(
    program: Program,
    adapters: BoundAdapters | null,
    batch: LedgerBuffer,
    ownBuffers: ReadonlyMap<string, LedgerBuffer>,
    batchOf = (_name: string): LedgerBuffer => batch,
  ): Promise<BoundProgram> {
    const plan = planSlots(program.steps, new Set(ownBuffers.keys()))
    const slots = plan.bytes.map((bytes, i) => this.create(`slot${i}`, bytes, GPUBufferUsage.STORAGE))
    const resources = this.#runner.resources(
      {
        batch: batch.gpu,
        pages: () => invariantPages(),
        scratch: (bytes) => this.create('scratch', bytes, GPUBufferUsage.STORAGE).gpu,
        tensor: (name) => {
          const buffer = ownBuffers.get(name) ?? slots[plan.slots.get(name) ?? -1]
          invariant(buffer, `${name} has a buffer`)
          return buffer.gpu
        },
      },
      { adapters, edits: null },
    )
    const matrix = (name: string): MatrixView => viewOf(name, resources.matrix)
    const bound = await this.#runner.executor.bind(program, {
      ...resources,
      matrix,
      dispatchesOf: trainDispatchesOf,
      batchOf: ({ name }) => batchOf(name).gpu,
    })
    this.#buffers.push(bound.params)
    return bound
  }

  dispose(): void {
    for (const buffer of this.#buffers.splice(0)) this.#runner.ledger.destroy(buffer)
  }
}

function invariantPages(): never {
  throw new Error('invariant: training reads no pages')
}
