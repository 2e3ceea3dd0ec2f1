import type { StepInfo } from '../api/model.ts'

/** What the place of a step in its forward is read from; the steps of a saved trace say as much. */
export type PlacedStep = Pick<StepInfo, 'name' | 'layer' | 'inputs' | 'axes'> & { op: string }

/** What steps of a transformer do, each under the name of the first step that did it. */
export const PLACES = [
  'embed',
  'attn_norm',
  'q',
  'k',
  'v',
  'q_norm',
  'k_norm',
  'q_rope',
  'k_rope',
  'cache',
  'scores',
  'probs',
  'context',
  'o',
  'attn_post_norm',
  'resid_attn',
  'mlp_norm',
  'router',
  'chosen',
  'weights',
  'gate',
  'up',
  'act',
  'down',
  'experts',
  'mlp_post_norm',
  'resid',
  'final_norm',
  'logits',
] as const

/** What a step is for: its place, or where it has none of these, what its op does anywhere. */
export type StepRole =
  | (typeof PLACES)[number]
  | 'linear'
  | 'norm'
  | 'rope'
  | 'add'
  | 'positions'
  | 'position_scale'
  | 'clamp'
  | 'lora_a'
  | 'embed_lora'
  | 'expert_lora'
  | 'blend'
  | 'edit'
  | 'other'

/** Ops of one meaning, wherever they stand. */
const BY_OP: Readonly<Record<string, StepRole>> = {
  embed: 'embed',
  cache: 'cache',
  scores: 'scores',
  softmax: 'probs',
  context: 'context',
  positions: 'positions',
  position_scale: 'position_scale',
  clamp: 'clamp',
  gate: 'act',
  activation: 'act',
  top_k: 'chosen',
  router_weights: 'weights',
  expert_sum: 'experts',
  scaled_add: 'experts',
  lora_a: 'lora_a',
  embed_lora: 'embed_lora',
  expert_lora_a: 'lora_a',
  expert_lora: 'expert_lora',
  blend: 'blend',
  edit: 'edit',
}

/** Ops that hand on what they read, changed but of the same meaning. */
const HANDS_ON = new Set([
  'rms_norm',
  'layer_norm',
  'rope',
  'position_scale',
  'clamp',
  'blend',
  'edit',
  'embed_lora',
])

const isNorm = ({ op }: PlacedStep): boolean => op === 'rms_norm' || op === 'layer_norm'

/** True where attention's values went into a step since the stream was last added to. */
export function holdsContext(steps: ReadonlyMap<string, PlacedStep>, name: string | undefined): boolean {
  const step = steps.get(name ?? '')
  if (step === undefined || step.op === 'add') return false
  return step.op === 'context' || step.inputs.some((input) => holdsContext(steps, input))
}

interface Use {
  reader: PlacedStep
  /** Index among the reader's inputs. */
  at: number
}

/** The forward as a graph: who reads whom. */
class ReaderGraph {
  readonly #steps: ReadonlyMap<string, PlacedStep>
  readonly #readers = new Map<string, Use[]>()

  constructor(steps: readonly PlacedStep[]) {
    this.#steps = new Map(steps.map((step) => [step.name, step]))
    for (const reader of steps)
      reader.inputs.forEach((name, at) => {
        const uses = this.#readers.get(name)
        if (uses === undefined) this.#readers.set(name, [{ reader, at }])
        else uses.push({ reader, at })
      })
  }

  input(step: PlacedStep): PlacedStep | undefined {
    return this.#steps.get(step.inputs[0] ?? '')
  }

  /** Steps that read this one, past those that only hand it on. */
  uses(step: PlacedStep): Use[] {
    return (this.#readers.get(step.name) ?? []).flatMap((use) =>
      HANDS_ON.has(use.reader.op) && use.reader.layer === step.layer ? this.uses(use.reader) : [use],
    )
  }

  isUsed(step: PlacedStep, op: string, at: number): boolean {
    return this.uses(step).some((use) => use.reader.op === op && use.at === at)
  }

  /** True for the score by whose sigmoid an expert that every row takes is weighed. */
  isSharedScore(step: PlacedStep): boolean {
    return this.uses(step).some(
      ({ reader }) => reader.op === 'activation' && this.isUsed(reader, 'scaled_add', 2),
    )
  }

  /** The step whose values reach this one's first input, past those that hand them on. */
  source(step: PlacedStep): PlacedStep | undefined {
    let source = this.input(step)
    while (source !== undefined && HANDS_ON.has(source.op)) source = this.input(source)
    return source
  }

  holdsContext(name: string | undefined): boolean {
    return holdsContext(this.#steps, name)
  }
}

function roleOfLinear(graph: ReaderGraph, step: PlacedStep): StepRole {
  if (step.axes.at(-1)?.kind === 'vocabulary') return 'logits'
  if (step.layer === null) return 'linear'
  if (graph.isUsed(step, 'scores', 0)) return 'q'
  if (graph.isUsed(step, 'cache', 0)) return 'k'
  if (graph.isUsed(step, 'cache', 1)) return 'v'
  if (graph.isUsed(step, 'top_k', 0) || graph.isSharedScore(step)) return 'router'
  if (graph.isUsed(step, 'gate', 0)) return 'gate'
  if (graph.isUsed(step, 'gate', 1) || graph.isUsed(step, 'activation', 0)) return 'up'
  const source = graph.source(step)?.op
  if (source === 'context') return 'o'
  return source === 'gate' || source === 'activation' ? 'down' : 'linear'
}

/** The norm behind a block: of its output before that is added, or of the stream it was added to (Vaswani et al. 2017). */
function postNormRole(graph: ReaderGraph, step: PlacedStep): StepRole | null {
  const input = graph.input(step)
  const isAdded = graph.uses(step).some(({ reader }) => reader.op === 'add')
  const isSum = input?.op === 'add' && input.layer === step.layer
  const ofAttention = graph.holdsContext(isSum ? input.inputs[1] : step.inputs[0])
  // Where only what a block adds is normed, attention's sum goes into the norm before the MLP.
  if (!isAdded && (!isSum || ofAttention)) return null
  return ofAttention ? 'attn_post_norm' : 'mlp_post_norm'
}

function roleOfNorm(graph: ReaderGraph, step: PlacedStep): StepRole {
  if (graph.isUsed(step, 'scores', 0)) return 'q_norm'
  if (graph.isUsed(step, 'cache', 0)) return 'k_norm'
  // Behind the layers it is over what the last one hands on.
  if (step.layer === null) return (graph.input(step)?.layer ?? null) === null ? 'norm' : 'final_norm'
  const post = postNormRole(graph, step)
  if (post !== null) return post
  const roles = graph.uses(step).map(({ reader }) => roleIn(graph, reader))
  return roles.includes('q') || roles.includes('k') ? 'attn_norm' : 'mlp_norm'
}

function roleIn(graph: ReaderGraph, step: PlacedStep): StepRole {
  if (step.op === 'linear' || step.op === 'expert_linear') return roleOfLinear(graph, step)
  if (step.op === 'activation' && graph.isUsed(step, 'scaled_add', 2)) return 'weights'
  if (isNorm(step)) return roleOfNorm(graph, step)
  if (step.op === 'add')
    return step.layer === null ? 'add' : graph.holdsContext(step.inputs[1]) ? 'resid_attn' : 'resid'
  if (step.op !== 'rope') return BY_OP[step.op] ?? 'other'
  if (graph.isUsed(step, 'scores', 0)) return 'q_rope'
  return graph.isUsed(step, 'cache', 0) ? 'k_rope' : 'rope'
}

const roleCache = new WeakMap<readonly PlacedStep[], ReadonlyMap<string, StepRole>>()

/** What every step of a forward is for, by name; from its op and from who reads it, never from what it is called. */
export function rolesOf(steps: readonly PlacedStep[]): ReadonlyMap<string, StepRole> {
  const cached = roleCache.get(steps)
  if (cached !== undefined) return cached
  const graph = new ReaderGraph(steps)
  const roles = new Map(steps.map((step) => [step.name, roleIn(graph, step)] as const))
  roleCache.set(steps, roles)
  return roles
}
