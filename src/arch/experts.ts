import { LIMITS, type ConfigReader } from '../formats/configReader.ts'
import type { GateAttrs, RouterSoftmax } from '../program/attrs.ts'
import { mixtureOfExperts } from '../program/fuseExperts.ts'
import { widthOf, type Axis, type Step } from '../program/step.ts'
import { gatedMlp } from './blocks.ts'
import type { ModelRecorder } from './recorder.ts'
import type { DecoderSpec } from './spec.ts'
import type { ExpertTensors } from './tensorTable.ts'

/** A mixture of experts in the place of an MLP. */
export interface ExpertsSpec {
  readonly count: number
  /** Experts that each row takes. */
  readonly chosen: number
  readonly width: number
  readonly over: RouterSoftmax
  readonly gate: GateAttrs
  /** Biases on router and experts. */
  readonly bias: boolean
  /** Width of an expert that every row takes besides. */
  readonly shared: number | null
}

type ExpertMatrix = 'gate' | 'up' | 'down'

/** Where a family keeps its experts. Lists go by preference: the first that a checkpoint has is taken. */
export interface ExpertPlaces {
  readonly router: readonly string[]
  /** Modules of experts are `at.N.gate_proj` and so on, or as these say. */
  readonly at: string
  readonly modules?: Readonly<Record<ExpertMatrix, string>>
  /** Tensors of all experts: gate and up as one, and down. */
  readonly fused: readonly (readonly [gateUp: string, down: string])[]
  /** Whether a checkpoint that has neither is told of the latter. */
  readonly isFused?: boolean
  /** Such tensors are `[experts, in, out]`, gate and up in turns, with biases. */
  readonly turned?: boolean
}

const MODULES = { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' } as const

/** Counts of experts, checked against each other. `width`: field of an expert's width. */
export function parseExperts(
  config: ConfigReader,
  fields: { count: readonly string[]; width: string },
  defaults: { count: number; chosen: number; width: number },
): Pick<ExpertsSpec, 'count' | 'chosen' | 'width'> {
  const named = fields.count.find((field) => config.get(field) !== undefined) ?? fields.count[0] ?? ''
  const count = config.count(named, { fallback: defaults.count, max: LIMITS.heads })
  const chosen = config.count('num_experts_per_tok', { fallback: defaults.chosen, max: LIMITS.heads })
  if (chosen > count) throw config.fail('num_experts_per_tok', `at most ${named} (${count})`)
  return { count, chosen, width: config.count(fields.width, { fallback: defaults.width, max: LIMITS.width }) }
}

/** Layers with experts: every `decoder_sparse_step`-th that `mlp_only_layers` does not name. */
export function parseSparseLayers(config: ConfigReader): (layer: number) => boolean {
  const every = config.count('decoder_sparse_step', { fallback: 1 })
  const stated = config.get('mlp_only_layers') ?? []
  const dense: unknown[] = Array.isArray(stated) ? stated : [null]
  if (!dense.every(Number.isInteger)) throw config.fail('mlp_only_layers', 'a list of layers')
  return (layer) => (layer + 1) % every === 0 && !dense.includes(layer)
}

function tensorsOf(
  p: ModelRecorder,
  { count, width, bias }: ExpertsSpec,
  hidden: number,
  places: ExpertPlaces,
  part: ExpertMatrix,
): ExpertTensors {
  const { at, modules = MODULES, fused, isFused = false, turned = false } = places
  const each = Array.from({ length: count }, (_, n) => `${at}.${n}.${modules[part]}`)
  const all = fused.map((pair) => pair[part === 'down' ? 1 : 0])
  const [first = ''] = each
  const name = isFused ? p.firstPresent(...all, first) : p.firstPresent(first, ...all)
  if (name === first) return { modules: each }
  const step = turned && part !== 'down' ? 2 : 1
  return {
    fused: name,
    ...(bias ? { bias: `${name}_bias` } : {}),
    turned,
    begin: part === 'up' ? (step === 2 ? 1 : width) : 0,
    of: part === 'down' ? hidden : 2 * width,
    step,
  }
}

/** Numbers of the experts of highest score, best first, and what each weighs: [rows, chosen]. */
function route(
  p: ModelRecorder,
  scores: Step,
  { chosen, over }: { chosen: number; over: RouterSoftmax },
): readonly [ids: Step, weights: Step] {
  const experts = widthOf(scores)
  const axes: readonly Axis[] = [...scores.axes.slice(0, -1), { kind: 'experts', size: chosen }]
  const taken = p.step('mlp.chosen', 'top_k', {
    inputs: [scores],
    attrs: { chosen, experts },
    axes,
    flops: experts,
  })
  const attrs = { chosen, experts, over }
  return [taken, p.step('mlp.weights', 'router_weights', { inputs: [scores, taken], attrs, axes, flops: 4 })]
}

/** Wₑ·x (+ bₑ) for the experts e of each row: [rows, chosen, width]. x is the row's, or each expert's own. */
function expertLinear(
  p: ModelRecorder,
  name: string,
  [x, chosen]: readonly [x: Step, chosen: Step],
  width: number,
  { experts, tensors, bias }: { experts: number; tensors: ExpertTensors; bias: boolean },
): Step {
  const inner = widthOf(x)
  const perExpert = x.axes.length > chosen.axes.length
  return p.step(name, 'expert_linear', {
    inputs: [x, chosen],
    params: p.expertParams(name, tensors, { experts, shape: [width, inner], bias }),
    attrs: { matrix: p.nameOf(name), experts, chosen: widthOf(chosen), routed: false, perExpert },
    axes: [...chosen.axes, { kind: 'features', size: width }],
    flops: 2 * inner,
  })
}

/** Σ weight·x over the experts of each row. */
function expertSum(p: ModelRecorder, x: Step, weights: Step): Step {
  const chosen = widthOf(weights)
  return p.step('mlp.experts', 'expert_sum', {
    inputs: [x, weights],
    attrs: { chosen },
    axes: p.features(widthOf(x)),
    flops: 2 * chosen,
  })
}

/**
 * Σ weight·down(act(gate(h)) ∘ up(h)) over the experts of highest score (Shazeer et al. 2017), and an expert beside them that every
 * row takes, by the sigmoid of a score of its own.
 */
export function mixture(
  p: ModelRecorder,
  s: DecoderSpec,
  h: Step,
  spec: ExpertsSpec,
  places: ExpertPlaces,
): Step {
  p.fuseBy(mixtureOfExperts)
  const { count: experts, width, bias } = spec
  const product = (part: ExpertMatrix, x: Step, chosen: Step, out: number): Step => {
    const tensors = tensorsOf(p, spec, s.hidden, places, part)
    return expertLinear(p, `mlp.${part}`, [x, chosen], out, { experts, tensors, bias })
  }
  const scores = p.linear('mlp.router', h, p.firstPresent(...places.router), experts, {
    bias,
    axis: 'experts',
  })
  // Beside the router, so that both are one product.
  const score = spec.shared === null ? null : p.linear('mlp.shared.score', h, 'mlp.shared_expert_gate', 1)
  const [chosen, weights] = route(p, scores, spec)
  const gate = product('gate', h, chosen, width)
  const up = product('up', h, chosen, width)
  const down = product('down', p.gate('mlp.act', gate, up, spec.gate), chosen, s.hidden)
  const mixed = expertSum(p, down, weights)
  if (score === null || spec.shared === null) return mixed
  const sizes = { ...s, intermediate: spec.shared }
  const shared = gatedMlp(p, sizes, h, { module: 'mlp.shared_expert', name: 'mlp.shared' })
  const share = p.activation('mlp.shared.scale', score, 'sigmoid')
  const inputs = [mixed, shared, share]
  return p.step('mlp.out', 'scaled_add', { inputs, attrs: {}, axes: mixed.axes, flops: 2 })
}
