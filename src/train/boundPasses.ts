import type { LedgerBuffer } from '../gpu/ledger.ts'
import { STATISTICS } from '../ops/backward/loss.ts'
import { FLAT } from '../ops/backward/optimizers.ts'
import type { ProgramSize } from '../program/step.ts'
import { batchWords } from '../run/batch.ts'
import type { BoundProgram } from '../run/bind.ts'
import type { BoundAdapters } from '../run/changes.ts'
import type { Runner } from '../run/runner.ts'
import type { FlatLayout } from './flatLayout.ts'
import { optimizerProgram, publishSteps } from './optimizerProgram.ts'
import type { TrainSettings } from './options.ts'
import { passProgram } from './passProgram.ts'
import { TrainBuffers } from './trainBuffers.ts'

/** What is bound to the adapters that are loaded now. */
export interface BoundPasses {
  readonly adapters: BoundAdapters
  readonly buffers: TrainBuffers
  readonly batch: LedgerBuffer
  /** Rows that gradients flow through, where they are not all: texts of a reference are only read. */
  readonly learned: LedgerBuffer | null
  readonly pass: BoundProgram
  readonly update: BoundProgram
  readonly publish: BoundProgram
}

/** What passes are bound for. */
export interface PassParts {
  readonly layout: FlatLayout
  readonly slot: number
  readonly size: ProgramSize
  /** Preferences of a pass; null: its texts are to be likely. */
  readonly pairs: number | null
  readonly settings: Pick<TrainSettings, 'keep' | 'optimizer'>
  /** Buffers that outlive the binding, by name. */
  readonly flat: ReadonlyMap<string, LedgerBuffer>
}

/** Binds forward, backward pass and optimiser: all is allocated and compiled then. */
export async function bindPasses(
  runner: Runner,
  adapters: BoundAdapters,
  parts: PassParts,
): Promise<BoundPasses> {
  const buffers = new TrainBuffers(runner)
  try {
    return { adapters, buffers, ...(await bindInto(buffers, runner, adapters, parts)) }
  } catch (error) {
    buffers.dispose()
    throw error
  }
}

async function bindInto(
  buffers: TrainBuffers,
  runner: Runner,
  adapters: BoundAdapters,
  { layout, slot, size, pairs, settings, flat }: PassParts,
): Promise<Omit<BoundPasses, 'adapters' | 'buffers'>> {
  const asked = { layout, slot, size, pairs, keep: settings.keep }
  const recorded = passProgram(runner.model, adapters, asked)
  const ownBuffers = new Map(flat)
  const [gradients, statistics] = [flat.get(FLAT.gradients), flat.get(STATISTICS)]
  if (gradients) for (const name of recorded.flat) ownBuffers.set(name, gradients)
  const bytes = 4 * batchWords(size.rows, 1, 1)
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST
  const batch = buffers.create('batch', bytes, usage)
  const learned = pairs === null ? null : buffers.create('batch.learned', bytes, usage)
  const published = publishSteps(layout, recorded.parts, slot)
  const update = optimizerProgram(layout, settings.optimizer, published)
  if (statistics) for (const { name } of update.steps) ownBuffers.set(name, statistics)
  const bind = buffers.bind.bind(buffers)
  return {
    batch,
    learned,
    pass: await bind(recorded.program, adapters, batch, ownBuffers, (name) =>
      learned !== null && recorded.backward.has(name) ? learned : batch,
    ),
    update: await bind(update, adapters, batch, ownBuffers),
    publish: await bind({ ...update, steps: published }, adapters, batch, ownBuffers),
  }
}
