import { localName } from '../analysis/steps.ts'
import type { Anatomy } from '../analysis/anatomy.ts'

/** Layer of a step or of a parameter that a step reads, and its name in there; of one that is unknown, outside the layers. */
export function placeOf(
  { steps, list }: Pick<Anatomy, 'steps' | 'list'>,
  name: string,
): { layer: number | null; local: string } {
  const step = steps.get(name) ?? list.find(({ params }) => params.some((param) => param.name === name))
  if (step === undefined) return { layer: null, local: name }
  return { layer: step.layer, local: localName(step) + name.slice(step.name.length) }
}
