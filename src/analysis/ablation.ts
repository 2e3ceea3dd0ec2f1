import type { Edit } from '../api/model.ts'
import type { Anatomy, LayerAnatomy } from './anatomy.ts'

/** A part of the model that can be switched off: a step, one head of it or all. */
export interface Part {
  step: string
  head: number | null
}

export const partKey = ({ step, head }: Part): string => `${step}/${head ?? ''}`

/** Parts of a layer: its heads, each of its outputs (attention's and the MLP's), all outputs together. */
export function partsOf({ name, outputs, attention }: LayerAnatomy): Part[] {
  const heads = Array.from({ length: attention?.heads ?? 0 }, (_, head) => head)
  return [
    ...heads.map((head) => ({ step: attention?.context ?? '', head })),
    ...outputs.map(({ step }) => ({ step, head: null })),
    { step: name, head: null },
  ]
}

/** Steps a scale of a part acts at: of a whole layer all its outputs, without which the stream passes it by. */
export function stepsOfPart({ layers }: Anatomy, step: string): string[] {
  const whole = layers.find(({ name }) => name === step)
  return whole?.outputs.map((output) => output.step) ?? [step]
}

/** Scales a part at all positions, or in `[from, to)`: one edit for every step that takes it; a factor of 0 switches it off. */
export function scaleEdits(
  anatomy: Anatomy,
  { step, head }: Part,
  factor: number,
  reach: { from?: number; to?: number } = {},
): Edit[] {
  const rest = { factor, ...(head !== null && { head }), ...reach }
  return stepsOfPart(anatomy, step).map((one) => ({ kind: 'scale', step: one, ...rest }))
}
