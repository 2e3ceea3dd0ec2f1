import clampWgsl from '../../shaders/ops/clamp.wgsl?raw'
import expertLoraWgsl from '../../shaders/ops/expert_lora.wgsl?raw'
import expertLoraAWgsl from '../../shaders/ops/expert_lora_a.wgsl?raw'
import expertSumWgsl from '../../shaders/ops/expert_sum.wgsl?raw'
import routeWgsl from '../../shaders/ops/route.wgsl?raw'
import { kernel } from '../gpu/providers.ts'
import type { Attrs, ExpertOpName, RouterSoftmax } from '../program/attrs.ts'
import { widthOf } from '../program/step.ts'
import { factorFormula, formatNumber, gateFormula, normFormula } from './formulas.ts'
import { matvecKernel, type Matvec, type Provider } from './linear.ts'
import { normParams } from './norm.ts'
import { planeParams, type MatrixView, type Shard } from './operands.ts'
import {
  elementGrid,
  inputOf,
  read,
  vectorOf,
  write,
  type Binding,
  type Dispatch,
  type KernelParams,
  type Op,
  type OpContext,
  type OpStep,
} from './op.ts'
import { rowStride } from './ragged.ts'

const NONE = 0xffff_ffff

type Product = OpStep<'expert_linear' | 'expert_gated'>

/** Rows of the matrix that each expert has, whether its products are stacked or not. */
function rowsOfExpert({ begin, end, runs }: MatrixView, experts: number): number {
  return runs?.stride ?? (end - begin) / experts
}

function productParams(step: Product, view: MatrixView, shard: Shard): KernelParams {
  const { cols } = view.matrix
  const n = widthOf(step)
  const clamp = 'clamp' in step.attrs ? step.attrs.clamp : undefined
  return {
    k: cols,
    k4: Math.ceil(cols / 4),
    n,
    // Counted from expert 0, which may lie in a buffer before.
    w_row: (view.begin - shard.begin) >>> 0,
    ...planeParams(shard),
    w_bias: shard.biasWord,
    x_stride: rowStride(cols),
    y_stride: n,
    y_offset: 0,
    ...normParams('norm' in step.attrs ? step.attrs.norm : null),
    scale: clamp?.alpha ?? 1,
    softcap: clamp?.limit ?? 0,
    adapter_row: 0,
  }
}

function bindings(step: Product, shard: Shard, context: OpContext): Binding[] {
  const list = [
    read(2, inputOf(step, 0, context)),
    read(3, shard.buffer.gpu),
    write(4, context.tensor(step.name)),
    read(6, inputOf(step, 1, context)),
  ]
  if ('norm' in step.attrs && step.attrs.norm) list.push(read(5, vectorOf(step, 0, context)))
  return list
}

function outputsOf(step: Product): Pick<Matvec, 'outputs'> & { activate: readonly Provider[] } {
  if (!('activation' in step.attrs)) return { outputs: 'outputs_linear', activate: [] }
  if (step.attrs.clamp) return { outputs: 'outputs_gated_clamped', activate: [] }
  return { outputs: 'outputs_gated', activate: ['activations', `activate_${step.attrs.activation}`] }
}

/** Each row with the matrices of its experts. Experts lie whole in one buffer; each buffer is a dispatch. */
function products(step: Product, context: OpContext): Dispatch[] {
  const { matrix: name, experts, chosen, routed } = step.attrs
  const view = context.matrix(name)
  const { matrix } = view
  const { outputs, activate } = outputsOf(step)
  const expertRows = rowsOfExpert(view, experts)
  const base: Provider[] = [
    'rows_experts',
    ...matrix.format.providers(context.variant),
    'epilogue_store',
    'adapter_none',
    ...activate,
  ]
  const rows = context.size.rows * chosen
  const norm = 'norm' in step.attrs ? step.attrs.norm : null
  return matrix.shards.map((shard): Dispatch => {
    const consts = {
      ROWS: 1,
      CHOSEN: chosen,
      ID_STRIDE: routed ? 2 * chosen : chosen,
      PER_EXPERT: 'perExpert' in step.attrs && step.attrs.perExpert ? 1 : 0,
      EXPERTS: (shard.end - shard.begin) / expertRows,
      EXPERT_ROWS: expertRows,
    }
    return {
      ...matvecKernel({ matrix, norm, outputs, base, rows, n: widthOf(step), consts }, context),
      bindings: bindings(step, shard, context),
      params: productParams(step, view, shard),
    }
  })
}

const bias = ({ params }: Product): string => (params.some(({ role }) => role === 'bias') ? ' + bₑ' : '')

const expertLinear: Op<'expert_linear'> = {
  formula: (step) =>
    `y = Wₑ·${step.attrs.perExpert ? 'xₑ' : 'x'}${bias(step)} for the ${step.attrs.chosen} experts e`,
  dispatches: products,
}

const expertGated: Op<'expert_gated'> = {
  formula(step) {
    const { attrs } = step
    const b = bias(step)
    const [gate, up] = ['gate', 'up'].map((name) => `Wₑ_${name}·x${attrs.norm ? '̂' : ''}${b}`)
    const normed = attrs.norm ? `, x̂ = ${normFormula(attrs.norm)}` : ''
    return `y = ${gateFormula(attrs, gate, up)} for the ${attrs.chosen} experts e${normed}`
  },
  dispatches: products,
}

/** What the router's scores become in one dispatch. */
interface Routing {
  readonly chosen: number
  readonly over: RouterSoftmax
  readonly stride: number
  readonly experts: number
  readonly writes: { readonly width: number; readonly ids: number | null; readonly weights: number | null }
}

function routing(
  step: OpStep<'top_k' | 'router_weights' | 'route'>,
  { chosen, over, stride, experts, writes }: Routing,
  context: OpContext,
): Dispatch[] {
  return [
    {
      shader: kernel({ name: 'route', text: routeWgsl }, [], { CHOSEN: chosen }),
      bindings: [read(2, inputOf(step, 0, context)), write(4, context.tensor(step.name))],
      params: {
        experts,
        stride,
        over_all: over === 'all' ? 1 : 0,
        y_stride: writes.width,
        ids_at: writes.ids ?? NONE,
        weights_at: writes.weights ?? NONE,
      },
      grid: [context.size.rows, 1, 1],
    },
  ]
}

const overFormula = (over: RouterSoftmax): string => (over === 'all' ? 'all experts' : 'the chosen')

/** Numbers of the experts a row takes. */
const topK: Op<'top_k'> = {
  formula: ({ attrs }) => `the ${attrs.chosen} experts of highest score, best first`,
  dispatches: (step, context) => {
    const { chosen, experts } = step.attrs
    const writes = { width: chosen, ids: 0, weights: null }
    return routing(step, { chosen, over: 'chosen', stride: experts, experts, writes }, context)
  },
}

/** What each expert of a row weighs. A softmax over all whose chosen are made to add up to 1 is the softmax over the chosen. */
const routerWeights: Op<'router_weights'> = {
  formula: ({ attrs }) =>
    `w = softmax(scores) over ${overFormula(attrs.over)}, of the ${attrs.chosen} chosen`,
  dispatches: (step, context) => {
    const { chosen, over, experts } = step.attrs
    const writes = { width: chosen, ids: null, weights: 0 }
    return routing(step, { chosen, over, stride: experts, experts, writes }, context)
  },
}

/** Both at once: `[rows, numbers, then weights]`. */
const route: Op<'route'> = {
  formula: ({ attrs }) =>
    `the ${attrs.chosen} experts of highest score, w = softmax(scores) over ${overFormula(attrs.over)}`,
  dispatches: (step, context) => {
    const { chosen } = step.attrs
    return routing(step, { ...step.attrs, writes: { width: 2 * chosen, ids: 0, weights: chosen } }, context)
  },
}

function sum(step: OpStep<'expert_sum' | 'experts_add'>, context: OpContext): Dispatch[] {
  const n = widthOf(step)
  const { chosen } = step.attrs
  const adds = step.op === 'experts_add'
  const shared = adds ? step.attrs.shared : null
  const list = [
    read(2, inputOf(step, 0, context)),
    read(3, inputOf(step, 1, context)),
    write(4, context.tensor(step.name)),
  ]
  if (adds) list.push(read(6, inputOf(step, 2, context)))
  if (shared) list.push(read(7, inputOf(step, 3, context)), read(8, inputOf(step, 4, context)))
  return [
    {
      shader: kernel({ name: 'expert_sum', text: expertSumWgsl }, [
        adds ? 'epilogue_add' : 'epilogue_store',
        shared ? 'beside_shared' : 'beside_none',
      ]),
      bindings: list,
      params: {
        n,
        chosen,
        weight_stride: adds ? 2 * chosen : chosen,
        weights_at: adds ? chosen : 0,
        scale: adds ? step.attrs.scale : 1,
        y_stride: n,
        y_offset: 0,
        score_stride: shared?.stride ?? 1,
        score_at: shared?.at ?? 0,
      },
      grid: [Math.ceil(n / context.variant.workgroup), context.size.rows, 1],
    },
  ]
}

const expertSum: Op<'expert_sum'> = {
  formula: ({ attrs }) => `y = Σ wₑ·xₑ over the ${attrs.chosen} experts e`,
  dispatches: sum,
}

const expertsAdd: Op<'experts_add'> = {
  formula({ attrs }) {
    const added = `Σ wₑ·xₑ${attrs.shared ? ' + σ(score)·shared' : ''}`
    const factor = factorFormula(attrs.scale)
    return `y = residual + ${factor === '' || !attrs.shared ? `${factor}${added}` : `${factor}(${added})`}`
  },
  dispatches: sum,
}

/** Bounds on queries, keys and values, which OLMoE has. */
const clamp: Op<'clamp'> = {
  formula: ({ attrs }) => `y = min(max(x, −${formatNumber(attrs.limit)}), ${formatNumber(attrs.limit)})`,
  dispatches(step, context) {
    const n = widthOf(step)
    return [
      {
        shader: kernel({ name: 'clamp', text: clampWgsl }, []),
        bindings: [read(2, inputOf(step, 0, context)), write(4, context.tensor(step.name))],
        params: { n, limit: step.attrs.limit },
        grid: elementGrid(n, context),
      },
    ]
  },
}

/** Threads over `width` elements of what every row makes with each of its experts. */
const expertGrid = (width: number, chosen: number, { size, variant }: OpContext): Dispatch['grid'] => [
  Math.ceil(width / variant.workgroup),
  size.rows * chosen,
  1,
]

/** Words of what adapters put on the matrices of experts, in order: A's, B's, then (adapter, α/r) of each rank. */
const loraWords = ({
  experts,
  ranks,
  in: inner,
  out,
}: Attrs['expert_lora']): { b: number; table: number } => {
  const b = experts * ranks * inner
  return { b, table: b + experts * out * ranks }
}

const expertLoraA: Op<'expert_lora_a'> = {
  formula: ({ attrs }) => `u = s·(α/r)·Aₑ·x${attrs.perExpert ? 'ₑ' : ''} for the ${attrs.chosen} experts e`,
  dispatches(step, context) {
    const { ranks, chosen, perExpert, vector, in: k } = step.attrs
    const { table } = loraWords(step.attrs)
    return [
      {
        shader: kernel({ name: 'expert_lora_a', text: expertLoraAWgsl }, []),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, inputOf(step, 1, context)),
          write(4, context.tensor(step.name)),
          read(5, context.vector(vector)),
        ],
        params: { k, ranks, chosen, per_expert: perExpert ? 1 : 0, table },
        grid: expertGrid(ranks, chosen, context),
      },
    ]
  },
}

const expertLora: Op<'expert_lora'> = {
  formula: ({ attrs }) => `y = Wₑ·x + Bₑ·u for the ${attrs.chosen} experts e`,
  dispatches(step, context) {
    const { ranks, chosen, vector, out: n } = step.attrs
    return [
      {
        shader: kernel({ name: 'expert_lora', text: expertLoraWgsl }, []),
        bindings: [
          read(2, inputOf(step, 0, context)),
          read(3, inputOf(step, 1, context)),
          write(4, context.tensor(step.name)),
          read(5, context.vector(vector)),
          read(6, inputOf(step, 2, context)),
        ],
        params: { n, ranks, chosen, b: loraWords(step.attrs).b },
        grid: expertGrid(n, chosen, context),
      },
    ]
  },
}

/** Every op that only mixtures of experts have. */
export const EXPERT_OPS: { readonly [O in ExpertOpName]: Op<O> } = {
  clamp,
  expert_gated: expertGated,
  expert_linear: expertLinear,
  expert_lora: expertLora,
  expert_lora_a: expertLoraA,
  expert_sum: expertSum,
  experts_add: expertsAdd,
  route,
  router_weights: routerWeights,
  top_k: topK,
}
