import { isOp, type Program, type Step, type StepOf } from './step.ts'

/** Products that share their input: their matrices lie in one, and adapters on them share one A·x. */
export interface Stack {
  /** The product's own name, or that of all: `layers.0.attn.q_k_v`. */
  readonly name: string
  readonly members: readonly StepOf<'linear'>[]
}

/** Products with matrices of experts that share their input. */
export interface ExpertStack {
  readonly name: string
  readonly members: readonly StepOf<'expert_linear'>[]
}

/** `layers.0.attn.q`, `layers.0.attn.k` → `layers.0.attn.q_k`. */
function stackName(names: readonly string[]): string {
  const [first = ''] = names
  if (names.length === 1) return first
  const prefix = first.slice(0, first.lastIndexOf('.') + 1)
  return prefix + names.map((name) => (name.startsWith(prefix) ? name.slice(prefix.length) : name)).join('_')
}

/** Steps of one kind, those that follow each other over the same input together. */
function grouped<S extends Step>(steps: readonly Step[], isOne: (step: Step) => step is S): S[][] {
  const groups: S[][] = []
  let open: S[] | null = null
  for (const step of steps) {
    if (!isOne(step)) open = null
    else if (open && open[0]?.inputs[0] === step.inputs[0]) open.push(step)
    else groups.push((open = [step]))
  }
  return groups
}

const nameOf = (members: readonly { readonly name: string }[]): string =>
  stackName(members.map(({ name }) => name))

/** The products of a recorded forward, those that follow each other over the same input together. */
export function stacksOf({ steps }: Program): Stack[] {
  return grouped(steps, (step) => isOp(step, 'linear')).map((members) => ({ name: nameOf(members), members }))
}

/** The same of products with the matrices of experts: an expert's own follow each other, then come the next expert's. */
export function expertStacksOf({ steps }: Program): ExpertStack[] {
  return grouped(steps, (step) => isOp(step, 'expert_linear')).map((members) => ({
    name: nameOf(members),
    members,
  }))
}
