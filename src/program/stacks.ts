import { isOp, type Program, type StepOf } from './step.ts'

/** Products that share their input: their matrices lie in one, and adapters on them share one A·x. */
export interface Stack {
  /** The product's own name, or that of all: `layers.0.attn.q_k_v`. */
  readonly name: string
  readonly members: readonly StepOf<'linear'>[]
}

/** `layers.0.attn.q`, `layers.0.attn.k` → `layers.0.attn.q_k`. */
function stackName(names: readonly string[]): string {
  const [first = ''] = names
  if (names.length === 1) return first
  const prefix = first.slice(0, first.lastIndexOf('.') + 1)
  return prefix + names.map((name) => (name.startsWith(prefix) ? name.slice(prefix.length) : name)).join('_')
}

/** The products of a recorded forward, those that follow each other over the same input together. */
export function stacksOf({ steps }: Program): Stack[] {
  const groups: StepOf<'linear'>[][] = []
  let open: StepOf<'linear'>[] | null = null
  for (const step of steps) {
    if (!isOp(step, 'linear')) {
      open = null
      continue
    }
    if (open && open[0]?.inputs[0] === step.inputs[0]) open.push(step)
    else groups.push((open = [step]))
  }
  return groups.map((members) => ({ name: stackName(members.map(({ name }) => name)), members }))
}
