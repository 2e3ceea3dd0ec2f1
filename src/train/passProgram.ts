import { withAdapters } from '../program/changes.ts'
import { type Program, type ProgramSize, type Step } from '../program/step.ts'
import type { BoundAdapters } from '../run/changes.ts'
import type { ModelDescription } from '../arch/spec.ts'
import { backward, reaching } from './backward.ts'
import type { FlatLayout } from './flatLayout.ts'
import { loraOf, placedParts, type PlacedPart } from './loraParts.ts'
import { lossProgram } from './program.ts'
import { withReplay } from './replay.ts'
import { planSlots } from './slots.ts'
import type { TrainSettings } from './options.ts'

/** Bytes up to which everything that the backward pass reads is kept. */
const KEEP_BYTES = 96 << 20

/** Forward, loss and backward pass of some texts, whose gradients are added into the flat one. */
export interface PassProgram {
  readonly program: Program
  /** Names of the gradients of factors: all lie in the flat buffer. */
  readonly flat: ReadonlySet<string>
  readonly parts: ReadonlyMap<string, PlacedPart>
  /** Names of the steps behind the loss: gradients, and forward steps that run again for them. */
  readonly backward: ReadonlySet<string>
}

/** Bytes of all outputs that share slots. */
export function slotBytes(steps: readonly Step[], separate: ReadonlySet<string>): number {
  return planSlots(steps, separate).bytes.reduce((sum, bytes) => sum + bytes, 0)
}

/** What a pass is recorded for. */
export interface PassOptions {
  readonly layout: FlatLayout
  readonly slot: number
  readonly size: ProgramSize
  /** Preferences of a pass; null: its texts are to be likely. */
  readonly pairs: number | null
  readonly keep: TrainSettings['keep']
}

/** Records the pass for so many rows. Everything is kept where that is asked or little, else layers run again. */
export function passProgram(
  model: ModelDescription,
  adapters: BoundAdapters,
  { layout, slot, size, pairs, keep }: PassOptions,
): PassProgram {
  const recorded = withAdapters(model.record(size), adapters)
  const parts = placedParts(recorded, adapters)
  const program = lossProgram(recorded, pairs)
  const { mean } = program
  const lora = loraOf(parts, (step, part) => {
    const place = layout.places.get(step.name)
    const slotRanks = part.slots.find((entry) => entry.slot === slot)
    return place && slotRanks
      ? { rank: slotRanks.rank, ranks: slotRanks.ranks, a: place.a, b: place.b }
      : null
  })
  const pass = backward(program, { lora, everything: false })
  const flat = new Set(
    pass.steps.filter(({ op }) => op === 'lora_da' || op === 'lora_db').map(({ name }) => name),
  )
  const roots = new Set([...flat, mean.name])
  const forward = [...program.steps, mean]
  const fullSteps = reaching([...forward, ...pass.steps], roots)
  const separate = new Set([...flat, mean.name])
  const everything =
    keep === 'everything' || (keep === 'auto' && slotBytes(fullSteps, separate) <= KEEP_BYTES)
  const steps = everything ? fullSteps : reaching(withReplay(forward, pass.steps), roots)
  const forwardNames = new Set(forward.map(({ name }) => name))
  const behind = new Set(steps.flatMap(({ name }) => (forwardNames.has(name) ? [] : [name])))
  return { program: { ...program, steps }, flat, parts, backward: behind }
}
