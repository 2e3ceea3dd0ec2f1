import matmul from '../../shaders/ops/matmul.wgsl?raw'
import matvec from '../../shaders/ops/matvec.wgsl?raw'
import { invariant } from '../errors.ts'
import { kernel, productProviders, weightsProvider, type ProviderName } from '../gpu/providers.ts'
import { MATVEC_ROWS } from '../model/lower.ts'
import { axName, isAx, type Program, type RowSet, type Step, type StepOp } from '../model/program.ts'
import type { MatrixView, Shard } from '../model/weights.ts'
import { linearGrid, read, write, type Binding, type Dispatch, type Op, type OpContext } from './op.ts'

/** What surrounds the product in each op of the family. */
interface Form {
  norm: boolean
  finish: 'finish_store' | 'finish_add' | 'finish_activate' | 'finish_scale'
  gated: boolean
}

const FORMS: Partial<Record<StepOp, Form>> = {
  linear: { norm: false, finish: 'finish_store', gated: false },
  linear_add: { norm: false, finish: 'finish_add', gated: false },
  linear_activation: { norm: false, finish: 'finish_activate', gated: false },
  norm_linear: { norm: true, finish: 'finish_store', gated: false },
  norm_linear_activation: { norm: true, finish: 'finish_activate', gated: false },
  norm_gated: { norm: true, finish: 'finish_store', gated: true },
  lora_ax: { norm: false, finish: 'finish_scale', gated: false },
  norm_lora_ax: { norm: true, finish: 'finish_scale', gated: false },
}

const ROWS_PROVIDERS: Record<RowSet, ProviderName> = {
  all: 'rows_all',
  logits: 'rows_logits',
  packed: 'rows_packed',
}

/** Name of the adapter group whose A·x a product reads, from its inputs. */
function adapterGroup(step: Step): string | null {
  return step.inputs.find(isAx)?.slice(0, -'.ax'.length) ?? null
}

/** Row counts a matvec is compiled for. */
export function matvecBucket(rows: number): number {
  return [1, 2, 4, 8].find((bucket) => rows <= bucket) ?? MATVEC_ROWS
}

function bindings(step: Step, form: Form, shard: Shard, context: OpContext): Binding[] {
  const [x, residual] = step.inputs
  const [norm] = step.weights
  invariant(x !== undefined, `${step.name} has an input`)
  const list = [read(2, context.tensor(x)), read(3, shard.buffer.gpu), write(4, context.tensor(step.name))]
  if (form.norm) {
    invariant(norm !== undefined, `${step.name} has a norm`)
    list.push(read(5, context.vector(norm)))
  }
  if (form.finish === 'finish_add') {
    invariant(residual !== undefined, `${step.name} has a residual`)
    list.push(read(6, context.tensor(residual)))
  }
  const group = adapterGroup(step)
  if (group !== null) {
    list.push(read(7, context.tensor(axName(group))), read(8, context.adapterGroup(group).planes))
  }
  return list
}

function shardParams(step: Step, form: Form, view: MatrixView, shard: Shard, { spec }: Program) {
  const begin = Math.max(view.begin, shard.begin)
  const end = Math.min(view.end, shard.end)
  const rows = end - begin
  const { cols } = view.matrix
  const n = form.gated ? rows / 2 : rows
  const width = step.shape.at(-1) ?? 0
  const params = [
    cols,
    Math.ceil(cols / 4),
    n,
    begin - shard.begin,
    shard.stride,
    shard.scalesWord,
    shard.biasWord,
    Math.ceil(cols / 4),
    width,
    begin - view.begin,
    { f32: spec.norm.eps },
    begin,
    0,
    0,
  ]
  return { n, params }
}

function providers(step: Step, form: Form, view: MatrixView, context: OpContext): ProviderName[] {
  const { spec } = context.program
  const list: ProviderName[] = [
    ROWS_PROVIDERS[step.rows],
    weightsProvider(view.matrix.format, context.variant),
    form.finish,
    adapterGroup(step) === null ? 'adapter_none' : 'adapter_lora',
  ]
  if (form.gated || form.finish === 'finish_activate') list.push('activations', `activate_${spec.activation}`)
  return list
}

/** The matrix a product multiplies by; for A·x that of the adapters. */
function matrixOf(step: Step, context: OpContext): MatrixView {
  if (isAx(step.name)) return context.adapterGroup(step.name.slice(0, -'.ax'.length)).a
  const name = step.weights.at(-1)
  invariant(name !== undefined, `${step.name} names its matrix`)
  return context.matrix(name)
}

type Kernel = Pick<Dispatch, 'shader' | 'grid'>

/** Few rows, or threads that work alone: matvec, ROWS rows at a time. */
function matvecKernel(
  step: Step,
  form: Form,
  base: ProviderName[],
  rows: number,
  n: number,
  context: OpContext,
): Kernel {
  const { variant, program } = context
  const { cols, format } = matrixOf(step, context).matrix
  const norm = program.spec.norm.kind === 'rms' ? 'prologue_rms' : 'prologue_layer'
  const providers: ProviderName[] = [
    ...base,
    form.norm ? norm : 'prologue_none',
    form.gated ? 'outputs_gated' : 'outputs_linear',
    ...productProviders(variant),
  ]
  // Alone, a thread holds ROWS × 4 sums: more than 4 rows only where vectors, and so registers, are wide enough to pass x on.
  const ROWS = matvecBucket(variant.alone && !variant.subgroups ? Math.min(rows, 4) : rows)
  const RAGGED = cols % (format === 'f32' ? 4 : 8) === 0 ? 0 : 1
  const groups = Math.ceil(n / (form.gated ? 2 : 4) / (variant.alone ? variant.workgroup : 1))
  const [x, y] = linearGrid(groups)
  return {
    shader: kernel({ name: 'matvec', text: matvec }, providers, { ROWS, RAGGED }),
    grid: [x, y, Math.ceil(rows / ROWS)],
  }
}

/** Many rows: tiles in workgroup memory. */
function matmulKernel(base: ProviderName[], rows: number, n: number): Kernel {
  const [x, z] = linearGrid(Math.ceil(n / 32))
  return { shader: kernel({ name: 'matmul', text: matmul }, base), grid: [x, Math.ceil(rows / 32), z] }
}

function dispatches(step: Step, context: OpContext): Dispatch[] {
  const form = FORMS[step.op]
  invariant(form, `${step.op} is a product`)
  const view = matrixOf(step, context)
  const rows = step.rows !== 'all' ? context.program.logitRows : context.program.rows
  const base = providers(step, form, view, context)
  const asMatvec = rows <= MATVEC_ROWS || context.variant.alone
  return view.matrix.shards
    .filter((shard) => shard.begin < view.end && shard.end > view.begin)
    .map((shard) => {
      const { n, params } = shardParams(step, form, view, shard, context.program)
      return {
        ...(asMatvec ? matvecKernel(step, form, base, rows, n, context) : matmulKernel(base, rows, n)),
        bindings: bindings(step, form, shard, context),
        params,
      }
    })
}

const SYMBOLS: Partial<Record<StepOp, string>> = {
  linear: 'y = W·x + b',
  linear_add: 'y = residual + W·x + b',
  linear_activation: 'y = act(W·x + b)',
  norm_linear: 'y = W·norm(x) + b',
  norm_linear_activation: 'y = act(W·norm(x) + b)',
  norm_gated: 'y = act(W_gate·norm(x)) ∘ (W_up·norm(x))',
  lora_ax: 'y = s·(α/r)·(A·x)',
  norm_lora_ax: 'y = s·(α/r)·(A·norm(x))',
}

export const linear: Op = {
  formula: (step) => `${SYMBOLS[step.op] ?? ''}${adapterGroup(step) === null ? '' : ' + Σ B·(A·x)'}`,
  dispatches,
}
