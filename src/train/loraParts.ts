import { PART_WORDS, TABLE_WORD } from '../adapters/packAdapters.ts'
import type { LoraPart, TrainedFactors } from '../ops/backward/tape.ts'
import { isOp, type Program, type Step } from '../program/step.ts'
import type { PartRanks } from '../program/trainAttrs.ts'
import type { BoundAdapters } from '../run/changes.ts'

/** The adapters on one product as their buffers hold them. */
export interface PlacedPart extends PartRanks {
  /** Ranks of each adapter, in their order. */
  readonly slots: readonly { readonly slot: number; readonly rank: number; readonly ranks: number }[]
}

/** Where the factors of all adapters lie, by the product they are on. They are plain: no gains and no biases lie between. */
export function placedParts(program: Program, adapters: BoundAdapters): Map<string, PlacedPart> {
  const places = new Map<string, PlacedPart>()
  for (const step of program.steps) {
    if (!isOp(step, 'lora_a')) continue
    const { stack } = step.attrs
    const { parts, ranks: of } = adapters.adapterStack(stack)
    let b = TABLE_WORD + parts.length * PART_WORDS
    for (const part of parts) {
      let ranks = 0
      const slots = part.modules.map(({ slot, module }) => {
        const rank = ranks
        ranks += module.rank
        return { slot, rank, ranks: module.rank }
      })
      places.set(part.step, { stack, first: part.firstRank, of, ranks, b, slots })
      b += outputsOf(program, part.step) * ranks
    }
  }
  return places
}

function outputsOf({ steps }: Program, name: string): number {
  return steps.find((step) => step.name === name)?.axes.at(-1)?.size ?? 0
}

/** What a rule is told of the adapters on a product. */
export function loraOf(
  places: ReadonlyMap<string, PlacedPart>,
  trained: (step: Step, part: PlacedPart) => TrainedFactors | null,
): (step: Step) => LoraPart | null {
  return (step) => {
    const part = isOp(step, 'linear') && step.attrs.lora !== undefined ? places.get(step.name) : undefined
    return part ? { ...part, trained: trained(step, part) } : null
  }
}
