import { isOp, rowAxis, type Program, type Step } from './step.ts'

/** The part of a forward that edits change. */
export interface Behind {
  /** Names of the steps whose outputs may differ. */
  readonly changed: ReadonlySet<string>
  /** Other steps whose outputs those read: what the forward without edits computed will do. */
  readonly takes: readonly Step[]
}

/**
 * What lies behind the edits of a recorded forward, by data flow alone. What does not lie row by row (scores, and what the cache keeps)
 * is computed anew rather than taken.
 */
export function behindEdits({ steps }: Program): Behind {
  const changed = new Set(steps.filter((step) => isOp(step, 'edit')).map(({ name }) => name))
  for (;;) {
    for (const { name, inputs } of steps) if (inputs.some((input) => changed.has(input))) changed.add(name)
    const read = new Set(steps.filter(({ name }) => changed.has(name)).flatMap(({ inputs }) => inputs))
    const takes = steps.filter(({ name }) => read.has(name) && !changed.has(name))
    const anew = takes.filter((step) => rowAxis(step) !== 0)
    if (anew.length === 0) return { changed, takes }
    for (const { name } of anew) changed.add(name)
  }
}

/** The steps of a lowered program that some of them need, where those `taken` are there already. */
export function leadingTo(
  { steps }: Program,
  wanted: Iterable<string>,
  taken: ReadonlySet<string> = new Set(),
): Step[] {
  const needed = new Set(wanted)
  return steps
    .toReversed()
    .filter(({ name, inputs }) => {
      if (!needed.has(name) || taken.has(name)) return false
      for (const input of inputs) needed.add(input)
      return true
    })
    .toReversed()
}
