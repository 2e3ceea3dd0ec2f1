import matmul from '../../shaders/ops/matmul.wgsl?raw'
import matvec from '../../shaders/ops/matvec.wgsl?raw'
import type { Variant } from '../api/model.ts'
import { invariant } from '../errors.ts'
import { kernel, productProviders, type ProviderFile, type ProviderName } from '../gpu/providers.ts'
import type { HeaderConsts } from '../gpu/shader.ts'
import type { Activation, FoldedNorm } from '../program/attrs.ts'
import { widthOf } from '../program/step.ts'
import { ROWS_PROVIDERS } from './adapters.ts'
import { capFormula, factorFormula, normFormula } from './formulas.ts'
import { normParams, prologuesOf } from './norm.ts'
import { planeParams, type Matrix, type MatrixView, type Shard } from './operands.ts'
import {
  inputOf,
  linearGrid,
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
import { isRagged, raggedConst, rowStride } from './ragged.ts'

/** Rows up to which a matrix product runs as matvec; beyond, as tiled matmul. */
export const MATVEC_ROWS = 8

type ProductOp =
  | 'linear'
  | 'linear_add'
  | 'linear_activation'
  | 'norm_linear'
  | 'norm_linear_activation'
  | 'norm_gated'
  | 'lora_a'
  | 'norm_lora_a'

type Product = OpStep<ProductOp>

export type Provider = ProviderName | ProviderFile

/** What surrounds the product in a step of the family. */
interface Form {
  readonly norm: FoldedNorm | null
  readonly epilogue:
    | 'epilogue_store'
    | 'epilogue_add'
    | 'epilogue_activate'
    | 'epilogue_scale'
    | 'epilogue_times'
    | 'epilogue_cap'
  readonly activation: Activation | null
  readonly scale: number
  readonly softcap: number | null
  readonly gated: boolean
  /** Stack of adapters whose A·x it adds. */
  readonly adapters: string | null
}

function formOf(step: Product): Form {
  const plain: Form = {
    norm: 'norm' in step.attrs ? step.attrs.norm : null,
    epilogue: 'epilogue_store',
    activation: 'activation' in step.attrs ? step.attrs.activation : null,
    scale: 'scale' in step.attrs ? step.attrs.scale : 1,
    softcap: 'softcap' in step.attrs ? step.attrs.softcap : null,
    gated: step.op === 'norm_gated',
    adapters: 'lora' in step.attrs ? (step.attrs.lora ?? null) : null,
  }
  switch (step.op) {
    case 'linear_add':
      return { ...plain, epilogue: 'epilogue_add' }
    case 'linear_activation':
    case 'norm_linear_activation':
      return { ...plain, epilogue: 'epilogue_activate' }
    case 'lora_a':
    case 'norm_lora_a':
      return { ...plain, epilogue: 'epilogue_scale' }
    case 'linear':
    case 'norm_linear':
      if (plain.softcap !== null) return { ...plain, epilogue: 'epilogue_cap' }
      return plain.scale === 1 ? plain : { ...plain, epilogue: 'epilogue_times' }
    case 'norm_gated':
      return plain
  }
}

/** Row counts a matvec is compiled for. */
function matvecBucket(rows: number): number {
  return [1, 2, 4, 8].find((bucket) => rows <= bucket) ?? MATVEC_ROWS
}

function bindings(step: Product, form: Form, shard: Shard, context: OpContext): Binding[] {
  const list = [
    read(2, inputOf(step, 0, context)),
    read(3, shard.buffer.gpu),
    write(4, context.tensor(step.name)),
  ]
  if (form.norm) list.push(read(5, vectorOf(step, 0, context)))
  if (form.epilogue === 'epilogue_add') list.push(read(6, inputOf(step, 1, context)))
  if (form.adapters !== null) {
    const low = inputOf(step, step.inputs.length - 1, context)
    list.push(read(7, low), read(8, context.adapterStack(form.adapters).lora))
  }
  return list
}

function shardParams(
  step: Product,
  form: Form,
  view: MatrixView,
  shard: Shard,
): { n: number; params: KernelParams } {
  const begin = Math.max(view.begin, shard.begin)
  const end = Math.min(view.end, shard.end)
  const { cols } = view.matrix
  const n = form.gated ? (end - begin) / 2 : end - begin
  const k4 = Math.ceil(cols / 4)
  const params = {
    k: cols,
    k4,
    n,
    w_row: begin - shard.begin,
    ...planeParams(shard),
    w_bias: shard.biasWord,
    x_stride: rowStride(cols),
    y_stride: widthOf(step),
    y_offset: begin - view.begin,
    ...normParams(form.norm),
    scale: form.scale,
    softcap: form.softcap ?? 0,
    adapter_row: view.output + begin - view.begin,
  }
  return { n, params }
}

function providers(step: Product, form: Form, view: MatrixView, context: OpContext): Provider[] {
  const list: Provider[] = [
    ROWS_PROVIDERS[step.rows],
    ...view.matrix.format.providers(context.variant),
    form.epilogue,
    form.adapters === null ? 'adapter_none' : 'adapter_lora',
  ]
  if (form.activation) list.push('activations', `activate_${form.activation}`)
  return list
}

/** The matrix a product multiplies by; for A·x that of the adapters. */
function matrixOf({ attrs }: Product, context: OpContext): MatrixView {
  return 'stack' in attrs ? context.adapterStack(attrs.stack).a : context.matrix(attrs.matrix)
}

type Kernel = Pick<Dispatch, 'shader' | 'grid'>

/** A product's counts: rows of x, outputs of this dispatch. */
interface Counts {
  readonly rows: number
  readonly n: number
}

/** What a matvec is composed of. */
export interface Matvec extends Counts {
  readonly matrix: Pick<Matrix, 'cols' | 'format'>
  readonly norm: FoldedNorm | null
  readonly outputs: 'outputs_linear' | 'outputs_gated' | 'outputs_gated_clamped'
  /** Providers of rows, weights, epilogue and adapters. */
  readonly base: readonly Provider[]
  /** Constants of its providers; they may set ROWS otherwise. */
  readonly consts?: HeaderConsts
}

/** Few rows, or a thread for each output: matvec, ROWS rows at a time. */
export function matvecKernel(
  { matrix: { cols, format }, norm, outputs, base, rows, n, consts = {} }: Matvec,
  { variant }: Pick<OpContext, 'variant'>,
): Kernel {
  const providers: Provider[] = [
    ...base,
    ...(norm ? prologuesOf(norm) : (['prologue_none'] as const)),
    'four_at',
    outputs,
    ...productProviders(variant),
  ]
  // By itself, a thread holds ROWS × 4 sums: more than 4 rows only where vectors, and so registers, are wide enough to pass x on.
  const most = matvecBucket(variant.threadPerOutput && !variant.subgroups ? Math.min(rows, 4) : rows)
  const fills = cols % (format.block === 1 ? format.unit : 4) === 0
  const all = { ROWS: most, RAGGED: isRagged(cols) ? 2 : fills ? 0 : 1, ...consts }
  const perGroup = (outputs === 'outputs_linear' ? 4 : 2) * (variant.threadPerOutput ? variant.workgroup : 1)
  const [x, y] = linearGrid(Math.ceil(n / perGroup))
  return {
    shader: kernel({ name: 'matvec', text: matvec }, providers, all),
    grid: [x, y, Math.ceil(rows / all.ROWS)],
  }
}

/** Many rows: tiles in workgroup memory. */
function matmulKernel(base: readonly Provider[], cols: number, { rows, n }: Counts): Kernel {
  const [x, z] = linearGrid(Math.ceil(n / 32))
  const shader = kernel({ name: 'matmul', text: matmul }, [...base, 'four_at'], raggedConst(cols))
  return { shader, grid: [x, Math.ceil(rows / 32), z] }
}

/** The kernel of y = W·x with nothing around it, whichever of the two is asked for: what formats are tested and measured by. */
export function plainProduct(
  matrix: Pick<Matrix, 'cols' | 'format'>,
  counts: Counts,
  variant: Variant,
  kind: 'matvec' | 'matmul',
): Kernel {
  const base = ['rows_all', ...matrix.format.providers(variant), 'epilogue_store', 'adapter_none'] as const
  return kind === 'matvec'
    ? matvecKernel({ matrix, norm: null, outputs: 'outputs_linear', base, ...counts }, { variant })
    : matmulKernel(base, matrix.cols, counts)
}

function dispatches(step: Product, context: OpContext): Dispatch[] {
  const form = formOf(step)
  const view = matrixOf(step, context)
  const { rows: all, logitRows } = context.size
  const rows = step.rows === 'all' ? all : logitRows
  const base = providers(step, form, view, context)
  const asMatvec = rows <= MATVEC_ROWS || context.variant.threadPerOutput
  invariant(asMatvec || !form.norm, `${step.name} folds its norm for few rows only`)
  const outputs = form.gated ? 'outputs_gated' : 'outputs_linear'
  const { norm } = form
  const { matrix } = view
  return matrix.shards
    .filter((shard) => shard.begin < view.end && shard.end > view.begin)
    .map((shard) => {
      const { n, params } = shardParams(step, form, view, shard)
      return {
        ...(asMatvec
          ? matvecKernel({ matrix, norm, outputs, base, rows, n }, context)
          : matmulKernel(base, matrix.cols, { rows, n })),
        bindings: bindings(step, form, shard, context),
        params,
      }
    })
}

function formula(step: Product): string {
  const form = formOf(step)
  const x = form.norm ? `(${normFormula(form.norm)})` : 'x'
  if (step.op === 'lora_a' || step.op === 'norm_lora_a') return `y = s·(α/r)·(A·${x})`
  const low = form.adapters === null ? '' : ' + Σ B·(A·x)'
  if (step.op === 'norm_gated') {
    return `y = ${step.attrs.activation}(W_gate·x̂${low}) ∘ (W_up·x̂${low}), x̂ = ${normFormula(step.attrs.norm)}`
  }
  const bias = step.params.some(({ role }) => role === 'bias') ? ' + b' : ''
  const product = `W·${x}${bias}${low}`
  const factor = factorFormula(form.scale)
  const scaled = factor === '' || !product.includes(' ') ? `${factor}${product}` : `${factor}(${product})`
  if (form.epilogue === 'epilogue_add') return `y = residual + ${scaled}`
  if (form.activation) return `y = ${form.activation}(${product})`
  return `y = ${form.softcap === null ? scaled : capFormula(scaled, form.softcap)}`
}

/** y = W·x + b and what is folded around it. */
export const linear = { formula, dispatches } satisfies Op<ProductOp>
