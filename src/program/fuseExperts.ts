import type { FoldedNorm } from './attrs.ts'
import type { Fusing, FusedStep, FusionRule } from './fuse.ts'
import { flopsOf, foldedNorm, foldNorm, lowRankInputs, productAttrs, stackedMatrix } from './fuseProducts.ts'
import type { Graph } from './graph.ts'
import { expertStacksOf } from './stacks.ts'
import { isOp, widthOf, type Step, type StepOf } from './step.ts'

type Linear = StepOf<'linear'>

/** An expert that every row takes: a gated MLP, times the sigmoid of a score. */
interface Shared {
  readonly score: Linear
  readonly sigmoid: StepOf<'activation'>
  readonly gate: Linear
  readonly up: Linear
  readonly act: StepOf<'gate'>
  readonly down: Linear
  readonly out: StepOf<'scaled_add'>
}

/** The steps of a mixture, from its router to the stream it is added to. */
interface Mixture {
  readonly router: Linear
  readonly chosen: StepOf<'top_k'>
  readonly weights: StepOf<'router_weights'>
  readonly gate: StepOf<'expert_linear'>
  readonly up: StepOf<'expert_linear'>
  readonly act: StepOf<'gate'>
  readonly down: StepOf<'expert_linear'>
  readonly sum: StepOf<'expert_sum'>
  readonly shared: Shared | null
  readonly add: StepOf<'add'>
}

function sharedBehind(out: StepOf<'scaled_add'>, graph: Graph): Shared | null {
  const down = graph.producer(out.inputs[1], 'linear')
  const act = graph.producer(down?.inputs[0], 'gate')
  const gate = graph.producer(act?.inputs[0], 'linear')
  const up = graph.producer(act?.inputs[1], 'linear')
  const sigmoid = graph.producer(out.inputs[2], 'activation')
  const score = graph.producer(sigmoid?.inputs[0], 'linear')
  if (!down || !act || !gate || !up || !sigmoid || !score) return null
  return sigmoid.attrs.activation === 'sigmoid' ? { score, sigmoid, gate, up, act, down, out } : null
}

/** Follows what is added to the stream back to the router; null where it is no mixture. */
function mixtureBehind(add: StepOf<'add'>, graph: Graph): Mixture | null {
  const out = graph.producer(add.inputs[1], 'scaled_add')
  const shared = out ? sharedBehind(out, graph) : null
  const sum = graph.producer(out ? out.inputs[0] : add.inputs[1], 'expert_sum')
  const down = graph.producer(sum?.inputs[0], 'expert_linear')
  const act = graph.producer(down?.inputs[0], 'gate')
  const gate = graph.producer(act?.inputs[0], 'expert_linear')
  const up = graph.producer(act?.inputs[1], 'expert_linear')
  const weights = graph.producer(sum?.inputs[1], 'router_weights')
  const chosen = graph.producer(weights?.inputs[1], 'top_k')
  const router = graph.producer(weights?.inputs[0], 'linear')
  if (!sum || !down || !act || !gate || !up || !weights || !chosen || !router) return null
  if (out && !shared) return null
  return { router, chosen, weights, gate, up, act, down, sum, shared, add }
}

/** True when every step but the last is read and seen only within the mixture. */
function isClosed(mixture: Mixture, steps: readonly Step[], { graph, isFree }: Fusing): boolean {
  const { router, gate, up, chosen } = mixture
  const inner = steps.filter((step) => step !== mixture.add)
  return (
    steps.every(isFree) &&
    inner.every(({ name }) => graph.isPrivate(name, steps)) &&
    [gate, up].every(({ inputs }) => inputs[0] === router.inputs[0] && inputs[1] === chosen.name)
  )
}

/** The matrix in which an expert's gate is followed by its up. */
function gateUpMatrix({ gate, up }: Mixture, { graph, options }: Fusing): string | null {
  const stack = expertStacksOf(graph.program).find(
    ({ members: [first, second, ...more] }) =>
      first?.name === gate.name && second?.name === up.name && more.length === 0,
  )
  return stack && options.isSingleBuffer(stack.name) ? stack.name : null
}

/** The shared expert's gate and up as one matrix; null where something else stands in the way of one kernel. */
function sharedMatrix({ gate, up, act }: Shared, fusing: Fusing): string | null {
  const isInner = ({ name }: Step): boolean => fusing.graph.isPrivate(name, [act])
  if (act.attrs.clamp || ![gate, up, act].every(fusing.isFree) || ![gate, up].every(isInner)) return null
  return stackedMatrix([gate, up], fusing)
}

/** A norm that all products of a mixture fold, where few rows let them. */
interface Folded {
  readonly attrs: FoldedNorm
  readonly step: Step
  readonly lead: readonly FusedStep[]
  readonly covers: readonly Step[]
}

function fold(mixture: Mixture, fusing: Fusing): Folded | null {
  const { router, gate, up, shared } = mixture
  const beside = shared ? [shared.score, shared.gate, shared.up] : []
  if (shared && sharedMatrix(shared, fusing) === null) return null
  const folding = foldNorm([router, ...beside], fusing, [gate, up])
  if (!folding) return null
  const { norm, lead, covers } = folding
  return { attrs: foldedNorm(norm), step: norm, lead, covers }
}

/** Router and, where there is one, the score of the shared expert, as one product. */
function routerProduct(products: readonly Linear[], matrix: string, folded: Folded | null): Step {
  const [first] = products as readonly [Linear, ...Linear[]]
  const covered = [...(folded ? [folded.step] : []), ...products]
  const common = {
    ...first,
    name: matrix,
    stream: null,
    saves: [],
    axes: [
      ...first.axes.slice(0, -1),
      { kind: 'experts' as const, size: products.reduce((sum, step) => sum + widthOf(step), 0) },
    ],
    inputs: [...(folded?.step.inputs ?? first.inputs.slice(0, 1)), ...lowRankInputs(products)],
    params: covered.flatMap(({ params }) => params),
    flops: flopsOf(covered),
    covers: covered.map(({ name }) => name),
  }
  const attrs = { ...productAttrs(products, matrix), scale: 1, softcap: null }
  return folded
    ? { ...common, op: 'norm_linear', attrs: { ...attrs, norm: folded.attrs } }
    : { ...common, op: 'linear', attrs }
}

function covering(steps: readonly Step[]): Pick<Step, 'params' | 'flops' | 'covers'> {
  return {
    params: steps.flatMap(({ params }) => params),
    flops: flopsOf(steps),
    covers: steps.map(({ name }) => name),
  }
}

/** The norm's weight stands first where it is folded, whichever step covers the norm. */
const withNorm = (fused: Pick<Step, 'params' | 'flops' | 'covers'>, folded: Folded | null): typeof fused =>
  folded ? { ...fused, params: [...folded.step.params, ...fused.params] } : fused

function routeStep({ router, chosen, weights }: Mixture, scores: Step): Step {
  const { attrs } = weights
  return {
    ...weights,
    op: 'route',
    inputs: [scores.name],
    attrs: { ...attrs, stride: widthOf(scores) },
    axes: [...weights.axes.slice(0, -1), { kind: 'experts', size: 2 * attrs.chosen }],
    saves: [],
    ...covering([chosen, weights]),
    layer: router.layer,
  }
}

function gatedStep({ gate, up, act, router }: Mixture, matrix: string, folded: Folded | null): Step {
  const x = folded?.step.inputs[0] ?? router.inputs[0] ?? ''
  const { experts, chosen } = gate.attrs
  return {
    ...act,
    op: 'expert_gated',
    inputs: [x, gate.inputs[1] ?? ''],
    attrs: { matrix, experts, chosen, routed: true, ...act.attrs, norm: folded?.attrs ?? null },
    saves: [],
    ...withNorm(covering([gate, up, act]), folded),
  }
}

function sharedGated({ gate, up, act }: Shared, matrix: string, folded: Folded): Step {
  const products = [gate, up]
  return {
    ...act,
    op: 'norm_gated',
    inputs: [...folded.step.inputs, ...lowRankInputs(products)],
    attrs: { ...productAttrs(products, matrix), norm: folded.attrs, activation: act.attrs.activation },
    ...withNorm(covering([gate, up, act]), folded),
  }
}

function addedStep({ add, sum, shared, weights, router }: Mixture, scores: Step): Step {
  const covered = [sum, ...(shared ? [shared.sigmoid, shared.out] : []), add]
  return {
    ...add,
    op: 'experts_add',
    inputs: [
      sum.inputs[0] ?? '',
      weights.name,
      add.inputs[0] ?? '',
      ...(shared ? [shared.down.name, scores.name] : []),
    ],
    attrs: {
      chosen: weights.attrs.chosen,
      scale: add.attrs.scale,
      shared: shared ? { at: widthOf(router), stride: widthOf(scores) } : null,
    },
    ...covering(covered),
  }
}

/**
 * A mixture of experts in five kernels: the router's product, its choice, gate and up of the experts with their activation, down, and
 * the weighted sum that joins the stream. Few rows fold the norm before it.
 */
export const mixtureOfExperts: FusionRule = (last, fusing) => {
  if (!isOp(last, 'add')) return null
  const mixture = mixtureBehind(last, fusing.graph)
  if (!mixture) return null
  const { router, chosen, weights, gate, up, act, down, sum, shared } = mixture
  const products = shared ? [router, shared.score] : [router]
  const matrix = stackedMatrix(products, fusing)
  const gateUp = gateUpMatrix(mixture, fusing)
  const beside = shared ? [shared.score, shared.sigmoid, shared.out] : []
  const members: Step[] = [router, chosen, weights, gate, up, act, down, sum, ...beside, last]
  if (matrix === null || gateUp === null || !isClosed(mixture, members, fusing)) return null
  const folded = fold(mixture, fusing)
  const scores = routerProduct(products, matrix, folded)
  const makes: FusedStep[] = [
    { step: scores, at: products.at(-1)?.name ?? router.name },
    { step: routeStep(mixture, scores), at: weights.name },
    { step: gatedStep(mixture, gateUp, folded), at: act.name },
    { step: { ...down, attrs: { ...down.attrs, routed: true }, covers: [down.name] }, at: down.name },
    { step: addedStep(mixture, scores), at: last.name },
  ]
  const mlp = shared && folded ? sharedMatrix(shared, fusing) : null
  if (shared && folded && mlp !== null) {
    makes.push({ step: sharedGated(shared, mlp, folded), at: shared.act.name })
    members.push(shared.gate, shared.up, shared.act)
  }
  return { covers: [...members, ...(folded?.covers ?? [])], makes: [...(folded?.lead ?? []), ...makes] }
}
