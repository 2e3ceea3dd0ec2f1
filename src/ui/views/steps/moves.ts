import type { StepInfo } from '../../../api/model.ts'
import { localName } from '../../../analysis/steps.ts'

/**
 * The step a layer further: of the same name where that exists, else the first of that layer; from before the layers into
 * the first, from the last out of them. Null at the end of the forward.
 */
export function layerStep(steps: readonly StepInfo[], index: number, by: 1 | -1): string | null {
  const current = steps[index]
  if (current === undefined) return null
  const { layer } = current
  if (layer !== null) {
    const there = steps.filter((step) => step.layer === layer + by)
    const match = there.find((step) => localName(step) === localName(current)) ?? there[0]
    if (match !== undefined) return match.name
  }
  const beyond = by > 0 ? steps.slice(index + 1) : steps.slice(0, index).toReversed()
  const next = beyond.find((step) => step.layer !== layer)
  return next?.name ?? null
}

/** The next step with a breakpoint behind this place, through the rows; without any, the end of the text. */
export function nextBreakpoint(
  steps: readonly StepInfo[],
  breakpoints: readonly string[],
  index: number,
  row: number,
  rows: number,
): { row: number; step: string } | null {
  const stops = steps.map(({ name }) => breakpoints.includes(name))
  const later = stops.indexOf(true, index + 1)
  const first = stops.indexOf(true)
  if (later >= 0) return { row, step: steps[later]!.name }
  if (first >= 0 && row + 1 < rows) return { row: row + 1, step: steps[first]!.name }
  const last = steps.at(-1)
  return last === undefined || rows === 0 ? null : { row: rows - 1, step: last.name }
}
