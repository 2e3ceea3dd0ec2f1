import { invariant } from '../errors.ts'
import { isAx, matchesPattern, type Program, type Step } from './program.ts'

export interface LowerOptions {
  /** Names or patterns of fine steps whose own output is wanted: no fused kernel may swallow them. */
  readonly observed: readonly string[]
  /** False for a matrix that lies in several buffers: kernels that read two of its parts at once cannot be used. */
  readonly whole: (matrix: string) => boolean
}

/** Rows up to which a matrix product runs as matvec; beyond, as tiled matmul. */
export const MATVEC_ROWS = 8

interface Fusion {
  /** Fine steps it replaces, in order, without the layer prefix. */
  covers: readonly string[]
  /** How many of `covers`, from the end, keep their own output (they may be observed). */
  keeps: number
  build(steps: readonly Step[], program: Program): Pick<Step, 'name' | 'op' | 'shape'> & Partial<Step>
  applies(program: Program, options: LowerOptions, layer: number): boolean
  /** A fused step of the same layer that must have been made: its buffer is what this one reads. */
  needs?: string
}

const isMatvec = (program: Program): boolean => program.rows <= MATVEC_ROWS
const isRope = (program: Program): boolean => program.spec.positions.kind === 'rope'
const allWeights = (steps: readonly Step[]): string[] => steps.flatMap((step) => [...step.weights])
const first = (steps: readonly Step[]): Step => steps[0] ?? invariantStep()
const last = (steps: readonly Step[]): Step => steps.at(-1) ?? invariantStep()
function invariantStep(): never {
  throw new Error('invariant: a fusion covers at least one step')
}

const qkvShape = ({ spec, rows }: Program): number[] => [rows, (spec.heads + 2 * spec.kvHeads) * spec.headDim]

/** norm → q, k, v → (rope) → cache. The three products share one matrix; for many rows the norm stays by itself. */
function attentionInput(rope: boolean, matvec: boolean): Fusion {
  const products = ['attn.q', 'attn.k', 'attn.v']
  return {
    covers: matvec ? ['input_norm', ...products] : products,
    keeps: 0,
    applies: (program, { whole }, layer) =>
      isRope(program) === rope && isMatvec(program) === matvec && whole(`layers.${layer}.attn.qkv`),
    build: (steps, program) => ({
      name: `layers.${first(steps).layer}.attn.qkv`,
      op: matvec ? 'norm_linear' : 'linear',
      shape: qkvShape(program),
      weights: matvec
        ? [...first(steps).weights, `layers.${first(steps).layer}.attn.qkv`]
        : [`layers.${first(steps).layer}.attn.qkv`],
    }),
  }
}

/**
 * Every fusion, in the order it is tried. Those that share an intermediate buffer (qkv, then rope and cache) stand or fall
 * together: see {@link blockers}.
 */
const FUSIONS: readonly Fusion[] = [
  attentionInput(true, true),
  attentionInput(true, false),
  attentionInput(false, true),
  attentionInput(false, false),
  {
    covers: ['attn.q_rope', 'attn.k_rope', 'attn.cache'],
    keeps: 0,
    needs: 'attn.qkv',
    applies: (program, { whole }, layer) => isRope(program) && whole(`layers.${layer}.attn.qkv`),
    build: (steps, { spec, rows }) => ({
      name: `layers.${first(steps).layer}.attn.rope_cache`,
      op: 'rope_cache',
      inputs: [`layers.${first(steps).layer}.attn.qkv`],
      shape: [rows, spec.heads * spec.headDim],
    }),
  },
  {
    covers: ['attn.cache'],
    keeps: 0,
    needs: 'attn.qkv',
    applies: (program, { whole }, layer) => !isRope(program) && whole(`layers.${layer}.attn.qkv`),
    build: (steps, { spec, rows }) => ({
      name: `layers.${first(steps).layer}.attn.rope_cache`,
      op: 'rope_cache',
      inputs: [`layers.${first(steps).layer}.attn.qkv`],
      shape: [rows, spec.heads * spec.headDim],
    }),
  },
  {
    covers: ['attn.scores', 'attn.probs', 'attn.mix'],
    keeps: 1,
    applies: () => true,
    build: (steps) => ({
      name: last(steps).name,
      op: 'attention',
      inputs: first(steps).inputs,
      shape: last(steps).shape,
    }),
  },
  {
    covers: ['attn.out', 'resid_mid'],
    keeps: 1,
    applies: (program) => program.rows > 0,
    build: (steps) => ({
      name: last(steps).name,
      op: 'linear_add',
      inputs: [...first(steps).inputs, ...last(steps).inputs.slice(0, 1)],
      shape: last(steps).shape,
    }),
  },
  {
    covers: ['post_norm', 'mlp.gate', 'mlp.up', 'mlp.act'],
    keeps: 1,
    applies: (program, { whole }, layer) =>
      program.spec.gated && isMatvec(program) && whole(`layers.${layer}.mlp.gate_up`),
    build: (steps) => ({
      name: last(steps).name,
      op: 'norm_gated',
      inputs: first(steps).inputs,
      shape: last(steps).shape,
      weights: [...first(steps).weights, `layers.${first(steps).layer}.mlp.gate_up`],
    }),
  },
  {
    covers: ['mlp.gate', 'mlp.up'],
    keeps: 0,
    applies: (program, { whole }, layer) =>
      program.spec.gated && !isMatvec(program) && whole(`layers.${layer}.mlp.gate_up`),
    build: (steps, { spec, rows }) => ({
      name: `layers.${first(steps).layer}.mlp.gate_up`,
      op: 'linear',
      shape: [rows, 2 * spec.intermediate],
      weights: [`layers.${first(steps).layer}.mlp.gate_up`],
    }),
  },
  {
    covers: ['post_norm', 'mlp.up', 'mlp.act'],
    keeps: 1,
    applies: (program) => !program.spec.gated && isMatvec(program),
    build: (steps) => ({
      name: last(steps).name,
      op: 'norm_linear_activation',
      inputs: first(steps).inputs,
      shape: last(steps).shape,
    }),
  },
  {
    covers: ['mlp.up', 'mlp.act'],
    keeps: 1,
    applies: (program) => !program.spec.gated && !isMatvec(program),
    build: (steps) => ({
      name: last(steps).name,
      op: 'linear_activation',
      inputs: first(steps).inputs,
      shape: last(steps).shape,
    }),
  },
  {
    covers: ['mlp.down', 'resid'],
    keeps: 1,
    applies: (program) => program.rows > 0,
    build: (steps) => ({
      name: last(steps).name,
      op: 'linear_add',
      inputs: [...first(steps).inputs, ...last(steps).inputs.slice(0, 1)],
      shape: last(steps).shape,
    }),
  },
  {
    covers: ['final_norm', 'logits'],
    keeps: 1,
    applies: (program) => program.logitRows <= MATVEC_ROWS,
    build: (steps) => ({
      name: last(steps).name,
      op: 'norm_linear',
      inputs: first(steps).inputs,
      shape: last(steps).shape,
      rows: 'logits',
    }),
  },
]

/** Fine steps that live in one shared buffer once fused: observing any of them keeps the whole chain fine. */
const CHAINS: readonly (readonly string[])[] = [
  ['input_norm', 'attn.q', 'attn.k', 'attn.v', 'attn.q_rope', 'attn.k_rope', 'attn.cache'],
]

function blockers(fusion: Fusion): readonly string[] {
  const own = fusion.covers.slice(0, fusion.covers.length - fusion.keeps)
  return CHAINS.find((chain) => own.some((name) => chain.includes(name))) ?? own
}

/** Without the layer and without the mark of an edited step: a fused kernel may make the value an edit then changes. */
function localName(step: Step): string {
  const name = step.layer === null ? step.name : step.name.slice(`layers.${step.layer}.`.length)
  return name.replace(/\.raw$/, '')
}

interface Fusing {
  program: Program
  options: LowerOptions
  seen: (name: string) => boolean
  /** Names of the steps made so far. */
  made: ReadonlySet<string>
}

function fuse(at: number, { program, options, seen, made }: Fusing): Step | null {
  const start = program.steps[at]
  if (!start) return null
  const prefix = start.layer === null ? '' : `layers.${start.layer}.`
  for (const fusion of FUSIONS) {
    const steps = program.steps.slice(at, at + fusion.covers.length)
    if (!fusion.covers.every((name, i) => steps[i] !== undefined && localName(steps[i]) === name)) continue
    if (steps.some((step) => step.layer !== start.layer || step.op === 'blend' || step.op === 'edit'))
      continue
    if (fusion.needs !== undefined && !made.has(prefix + fusion.needs)) continue
    if (!fusion.applies(program, options, start.layer ?? -1)) continue
    if (blockers(fusion).some((name) => seen(prefix + name))) continue
    const built = fusion.build(steps, program)
    return {
      inputs: start.inputs,
      weights: allWeights(steps),
      layer: start.layer,
      rows: start.rows,
      flops: steps.reduce((sum, step) => sum + step.flops, 0),
      ...built,
      covers: steps.map((step) => step.name),
    }
  }
  return null
}

/** Inputs of fine steps that read a fused chain's shared buffer. */
function renamedInputs(step: Step, replaced: ReadonlyMap<string, string>): Step {
  return { ...step, inputs: step.inputs.map((name) => replaced.get(name) ?? name) }
}

/** Steps that compute A·x of adapters, by name, and the program without them: fusions are written as if there were none. */
function setAxAside(program: Program): {
  bare: Program
  ax: ReadonlyMap<string, Step>
  readers: ReadonlyMap<string, string>
} {
  const ax = new Map(program.steps.filter(({ name }) => isAx(name)).map((step) => [step.name, step]))
  const readers = new Map<string, string>()
  const steps = program.steps
    .filter(({ name }) => !isAx(name))
    .map((step) => {
      const own = step.inputs.find(isAx)
      if (own === undefined) return step
      readers.set(step.name, own)
      return { ...step, inputs: step.inputs.filter((name) => !isAx(name)) }
    })
  return { bare: { ...program, steps }, ax, readers }
}

/** The A·x step of a product, before it; with a folded norm it folds the norm too. */
function axFor(step: Step, ax: Step): Step {
  if (!step.op.startsWith('norm_')) return ax
  return { ...ax, op: 'norm_lora_ax', inputs: step.inputs.slice(0, 1), weights: step.weights.slice(0, 1) }
}

/**
 * Replaces known runs of fine steps by fused kernels, unless an inner step is observed. Pure: the same program and options give
 * the same steps. Every fine step is either there itself or named in exactly one `covers`.
 */
export function lower(program: Program, options: LowerOptions): Program {
  const changed = new Set(
    program.steps.filter(({ op }) => op === 'edit' || op === 'blend').map(({ name }) => name),
  )
  const seen = (name: string): boolean =>
    changed.has(name) || options.observed.some((pattern) => matchesPattern(name, pattern))
  const { bare, ax, readers } = setAxAside(program)
  const steps: Step[] = []
  const made = new Set<string>()
  const replaced = new Map<string, string>()
  for (let at = 0; at < bare.steps.length;) {
    const fused = fuse(at, { program: bare, options, seen, made })
    const step = fused ?? bare.steps[at]
    invariant(step, 'a program has no holes')
    const covers = fused?.covers ?? [step.name]
    const reads = readers.get(covers.find((name) => readers.has(name)) ?? '')
    const axStep = reads === undefined ? undefined : ax.get(reads)
    const renamed = renamedInputs(step, replaced)
    if (axStep && !made.has(axStep.name)) {
      steps.push(axFor(renamed, renamedInputs(axStep, replaced)))
      made.add(axStep.name)
    }
    steps.push(axStep ? { ...renamed, inputs: [...renamed.inputs, axStep.name] } : renamed)
    made.add(step.name)
    for (const name of fused?.covers ?? []) if (name !== step.name) replaced.set(name, step.name)
    at += Math.max(1, fused?.covers.length ?? 1)
  }
  return { ...program, steps }
}
