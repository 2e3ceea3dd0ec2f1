import type { Edit, EditEffectsOptions, Model } from '../api/model.ts'
import { readAnatomy, type Anatomy, type LayerAnatomy } from './anatomy.ts'

/** A part of the model that can be switched off: a step, one head of it or all. */
export interface ModelPart {
  step: string
  head: number | null
}

export const partKey = ({ step, head }: ModelPart): string => `${step}/${head ?? ''}`

/** Parts of a layer: its heads, each of its outputs (attention's and the MLP's), all outputs together. */
export function partsOf({ name, outputs, attention }: LayerAnatomy): ModelPart[] {
  const heads = Array.from({ length: attention?.heads ?? 0 }, (_, head) => head)
  return [
    ...heads.map((head) => ({ step: attention?.context ?? '', head })),
    ...outputs.map(({ step }) => ({ step, head: null })),
    { step: name, head: null },
  ]
}

/** Steps a scale of a part acts at: of a whole layer all its outputs, without which the stream passes it by. */
export function stepsOfPart({ layers }: Anatomy, step: string): string[] {
  const fullStep = layers.find(({ name }) => name === step)
  return fullStep?.outputs.map((output) => output.step) ?? [step]
}

/** Scales a part at all positions, or in `[from, to)`: one edit for every step that takes it; a factor of 0 switches it off. */
export function scaleEdits(
  anatomy: Anatomy,
  { step, head }: ModelPart,
  factor: number,
  reach: { from?: number; to?: number } = {},
): Edit[] {
  const rest = { factor, ...(head !== null && { head }), ...reach }
  return stepsOfPart(anatomy, step).map((one) => ({ kind: 'scale', step: one, ...rest }))
}

/** What a text's predictions lose with one part off. */
export interface PartEffect {
  part: ModelPart
  /** Mean over the positions of KL(without ‖ with), nats. */
  kl: number
}

/** How far a sweep is, and what it has measured since it last said so. */
export interface SweptParts {
  done: number
  total: number
  effects: readonly PartEffect[]
}

/** Every part of every layer off, one at a time: many such texts run in one forward, layer after layer. */
export async function* measureParts(
  model: Model,
  ids: readonly number[],
  options: EditEffectsOptions = {},
): AsyncGenerator<SweptParts> {
  const anatomy = await readAnatomy(model)
  const parts = anatomy.layers.flatMap(partsOf)
  const total = parts.length
  let done = 0
  yield { done, total, effects: [] }
  const sets = parts.map((part) => scaleEdits(anatomy, part, 0))
  for await (const some of model.editEffects(ids, sets, options)) {
    done += some.length
    const effects = some.flatMap(({ set, kl }): PartEffect[] => {
      const part = parts[set]
      return part ? [{ part, kl: kl.reduce((sum, value) => sum + value, 0) / kl.length }] : []
    })
    yield { done, total, effects }
  }
}
