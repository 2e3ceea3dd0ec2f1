import matmul from '../../shaders/ops/matmul.wgsl?raw'
import matvec from '../../shaders/ops/matvec.wgsl?raw'
import { invariant } from '../errors.ts'
import { kernel, reduceProvider, weightsProvider, type ProviderName } from '../gpu/providers.ts'
import { MATVEC_ROWS } from '../model/lower.ts'
import type { Program, Step, StepOp } from '../model/program.ts'
import type { MatrixView, Shard } from '../model/weights.ts'
import { linearGrid, read, write, type Binding, type Dispatch, type Op, type OpContext } from './op.ts'

/** What surrounds the product in each op of the family. */
interface Form {
  norm: boolean
  finish: 'finish_store' | 'finish_add' | 'finish_activate'
  gated: boolean
}

const FORMS: Partial<Record<StepOp, Form>> = {
  linear: { norm: false, finish: 'finish_store', gated: false },
  linear_add: { norm: false, finish: 'finish_add', gated: false },
  linear_activation: { norm: false, finish: 'finish_activate', gated: false },
  norm_linear: { norm: true, finish: 'finish_store', gated: false },
  norm_linear_activation: { norm: true, finish: 'finish_activate', gated: false },
  norm_gated: { norm: true, finish: 'finish_store', gated: true },
}

/** Row counts a matvec is compiled for. */
export function matvecBucket(rows: number): number {
  return [1, 2, 4, 8].find((bucket) => rows <= bucket) ?? MATVEC_ROWS
}

function bindings(step: Step, form: Form, shard: Shard, context: OpContext): Binding[] {
  const [x, residual] = step.inputs
  const [norm] = step.weights
  invariant(x !== undefined && norm !== undefined, `${step.name} has an input and a weight`)
  const list = [read(2, context.tensor(x)), read(3, shard.buffer.gpu), write(4, context.tensor(step.name))]
  if (form.norm) list.push(read(5, context.vector(norm)))
  if (form.finish === 'finish_add') {
    invariant(residual !== undefined, `${step.name} has a residual`)
    list.push(read(6, context.tensor(residual)))
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
  ]
  return { n, params }
}

function providers(step: Step, form: Form, view: MatrixView, context: OpContext): ProviderName[] {
  const { spec } = context.program
  const list: ProviderName[] = [
    step.rows === 'logits' ? 'rows_logits' : 'rows_all',
    weightsProvider(view.matrix.format, context.variant),
    form.finish,
  ]
  if (form.gated || form.finish === 'finish_activate') list.push('activations', `activate_${spec.activation}`)
  return list
}

function dispatches(step: Step, context: OpContext): Dispatch[] {
  const form = FORMS[step.op]
  invariant(form, `${step.op} is a product`)
  const name = step.weights.at(-1)
  invariant(name !== undefined, `${step.name} names its matrix`)
  const view = context.matrix(name)
  const rows = step.rows === 'logits' ? context.program.logitRows : context.program.rows
  const base = providers(step, form, view, context)
  const matvecForm = rows <= MATVEC_ROWS
  return view.matrix.shards
    .filter((shard) => shard.begin < view.end && shard.end > view.begin)
    .map((shard) => {
      const { n, params } = shardParams(step, form, view, shard, context.program)
      const common = { bindings: bindings(step, form, shard, context), params }
      if (!matvecForm) {
        const [gx, gz] = linearGrid(Math.ceil(n / 32))
        return {
          ...common,
          shader: kernel({ name: 'matmul', text: matmul }, base),
          grid: [gx, Math.ceil(rows / 32), gz] as const,
        }
      }
      const prologue: ProviderName = !form.norm
        ? 'prologue_none'
        : context.program.spec.norm.kind === 'rms'
          ? 'prologue_rms'
          : 'prologue_layer'
      const outputs: ProviderName = form.gated ? 'outputs_gated' : 'outputs_linear'
      const all: ProviderName[] = [...base, prologue, outputs, reduceProvider(context.variant)]
      return {
        ...common,
        shader: kernel({ name: 'matvec', text: matvec }, all, { ROWS: matvecBucket(rows) }),
        grid: linearGrid(Math.ceil(n / (form.gated ? 2 : 4))),
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
}

export const linear: Op = { formula: (step) => SYMBOLS[step.op] ?? '', dispatches }
