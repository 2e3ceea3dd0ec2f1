import type { Step } from '../program/step.ts'

const again = (name: string): string => `${name}.again`

/** Steps of a layer that its backward pass reads, with what they are made from inside the layer. */
function neededOf(layer: readonly Step[], readers: readonly Step[]): Step[] {
  const needed = new Set(readers.flatMap(({ inputs }) => inputs))
  const kept: Step[] = []
  for (const step of layer.toReversed()) {
    if (!needed.has(step.name)) continue
    kept.push(step)
    for (const input of step.inputs) needed.add(input)
  }
  return kept.toReversed()
}

function renamed(step: Step, names: ReadonlySet<string>): Step {
  return { ...step, inputs: step.inputs.map((name) => (names.has(name) ? again(name) : name)) }
}

/**
 * Puts the forward steps of a layer that its backward pass reads before that pass once more, so that from the forward itself only what
 * layers hand on has to be kept (Chen et al. 2016). The last layer's are still there. Same kernels, same inputs: same bits.
 */
export function withReplay(forward: readonly Step[], backward: readonly Step[]): Step[] {
  const last = Math.max(...forward.map(({ layer }) => layer ?? -1))
  const steps: Step[] = [...forward]
  for (let at = 0; at < backward.length;) {
    const layer = backward[at]?.layer ?? null
    let end = at
    while (end < backward.length && backward[end]?.layer === layer) end++
    const part = backward.slice(at, end)
    at = end
    if (layer === null || layer === last) {
      steps.push(...part)
      continue
    }
    const replayed = neededOf(
      forward.filter((step) => step.layer === layer),
      part,
    )
    const names = new Set(replayed.map(({ name }) => name))
    steps.push(
      ...replayed.map((step) => ({ ...renamed(step, names), name: again(step.name) })),
      ...part.map((step) => renamed(step, names)),
    )
  }
  return steps
}
