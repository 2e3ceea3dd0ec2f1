import { elementsOf, isOp, shapeOf, type Axis, type ParamRef, type Program, type Step } from './step.ts'
import { stacksOf, type Stack } from './stacks.ts'

/** What loaded adapters change in the list of steps. */
export interface AdapterChanges {
  /** Ranks of all adapters on a stack of products, or on `embed`; 0 without any. */
  ranks(stack: string): number
  /** How many adapters replace the whole module of a step. */
  replacers(step: string): number
  /** The steps of a product with the matrices of experts, where an adapter is on it. */
  onExperts?(step: Step): Step[] | undefined
}

const numbered = (name: string, nth: number): string => (nth === 0 ? name : `${name}${nth + 1}`)

/** Names a parameter as the `nth` of the adapters has it that replace its module. */
export const replacedParam = (name: string, nth = 0): string => numbered(`${name}@alt`, nth)

/** A·x of the adapters on a stack, before its first product. */
function lowRank({ name, members: [first] }: Stack, ranks: number): Step | null {
  const [input] = first?.inputs ?? []
  if (!first || input === undefined) return null
  const rows: Axis = { kind: 'rows', size: shapeOf(first)[0] ?? 0 }
  return {
    ...first,
    name: `${name}.lora_a`,
    op: 'lora_a',
    inputs: [input],
    params: [],
    attrs: { stack: name },
    axes: [rows, { kind: 'ranks', size: ranks }],
    stream: null,
    saves: [input],
    rows: first.rows === 'logits' ? 'packed' : first.rows,
    flops: 2 * rows.size * ranks * (first.params[0]?.shape[1] ?? 0),
  }
}

/** A product with the A·x of adapters as its last input. */
function adapted(step: Step, ax: Step): Step {
  if (!isOp(step, 'linear') || !isOp(ax, 'lora_a')) return step
  return { ...step, inputs: [...step.inputs, ax.name], attrs: { ...step.attrs, lora: ax.attrs.stack } }
}

/**
 * The base's module, what adapters put in its place, and a blend with each: the last has the module's own name. At most one of the
 * scales is not 0, so that the others hand on what they are given.
 */
function replaced(step: Step, replacers: number): Step[] {
  const rows = step.rows === 'logits' ? 'packed' : step.rows
  // What is added to the stream is only the blend.
  const [stream, written] =
    step.stream === 'writes' ? ([null, 'writes'] as const) : ([step.stream, null] as const)
  const base: Step = { ...step, name: `${step.name}.base`, rows, stream }
  // The replacement takes no additions: low-rank additions are to the base.
  const attrs = isOp(step, 'linear') ? { scale: step.attrs.scale, softcap: step.attrs.softcap } : step.attrs
  const inputs = isOp(step, 'linear') ? step.inputs.slice(0, 1) : step.inputs
  const steps = [base]
  for (let nth = 0; nth < replacers; nth++) {
    const previous = steps.at(-1)?.name ?? base.name
    const params = step.params.map((param, i): ParamRef => ({
      ...param,
      name: replacedParam(i === 0 ? step.name : param.name, nth),
    }))
    const ownAttrs = isOp(step, 'linear') ? { ...attrs, matrix: replacedParam(step.name, nth) } : attrs
    const name = numbered(`${step.name}.alt`, nth)
    const isLast = nth === replacers - 1
    const blend: Step = {
      ...step,
      ...(isLast ? {} : { name: numbered(`${step.name}.blend`, nth), rows }),
      op: 'blend',
      inputs: [previous, name],
      params: [],
      attrs: { module: step.name, nth },
      stream: isLast ? written : null,
      saves: [],
      flops: 3 * elementsOf(step),
    }
    steps.push({ ...base, name, params, attrs: ownAttrs, inputs } as Step, blend)
  }
  return steps
}

/** The embedding with low-rank additions to its rows, in a step of their own. */
function embedLora(step: Step, ranks: number): Step[] {
  const plain: Step = { ...step, name: `${step.name}.plain`, stream: null }
  const sum: Step = {
    ...step,
    op: 'embed_lora',
    inputs: [plain.name],
    params: [],
    attrs: {},
    saves: [],
    flops: 2 * elementsOf(step) * ranks,
  }
  return [plain, sum]
}

/** Weaves adapters into a recorded forward: y = Wx + B·(A·x), and modules that are replaced. */
export function withAdapters(program: Program, changes: AdapterChanges): Program {
  const leads = new Map<string, Step>()
  const added = new Map<string, Step>()
  for (const stack of stacksOf(program)) {
    const ranks = changes.ranks(stack.name)
    const ax = ranks > 0 ? lowRank(stack, ranks) : null
    if (!ax) continue
    leads.set(stack.members[0]?.name ?? '', ax)
    for (const { name } of stack.members) added.set(name, ax)
  }
  const steps = program.steps.flatMap((step): Step[] => {
    const ax = added.get(step.name)
    const adaptedStep = ax === undefined ? step : adapted(step, ax)
    const lead = leads.get(step.name)
    const embedRanks = isOp(step, 'embed') ? changes.ranks('embed') : 0
    const replacers = changes.replacers(step.name)
    const [base = adaptedStep, ...blended] = replacers > 0 ? replaced(adaptedStep, replacers) : [adaptedStep]
    const plain = changes.onExperts?.(base) ?? [base]
    const emitted = [...(embedRanks > 0 ? embedLora(base, embedRanks) : plain), ...blended]
    return lead ? [lead, ...emitted] : emitted
  })
  return { ...program, steps }
}

/** Name of a step's output before an edit changes it. */
export const rawName = (name: string): string => `${name}.raw`

/** Follows each edited step by its edit, which takes over the step's name. */
export function withEdits(program: Program, edited: (step: string) => boolean): Program {
  const steps = program.steps.flatMap((step): Step[] => {
    if (!edited(step.name)) return [step]
    const raw = { ...step, name: rawName(step.name), stream: null } as Step
    const edit: Step = {
      ...step,
      op: 'edit',
      inputs: [raw.name],
      params: [],
      attrs: {},
      saves: [],
      flops: 2 * elementsOf(step),
    }
    return [raw, edit]
  })
  return { ...program, steps }
}

/**
 * True when an edit can act on a step's output: rows of features that every row of the forward has. Masks act on scores, which are
 * not rows of features. Pure, like all of src/program: the page asks it of the steps it has.
 */
export function isEditable(step: Pick<Step, 'axes'> & Partial<Pick<Step, 'rows' | 'op'>>): boolean {
  const [rows, features] = step.axes
  // Scores of experts and their weights are features of a row too; the numbers of those it takes are none.
  const isNumber = features?.kind === 'features' || (features?.kind === 'experts' && step.op !== 'top_k')
  return step.axes.length === 2 && rows?.kind === 'rows' && isNumber && (step.rows ?? 'all') === 'all'
}
