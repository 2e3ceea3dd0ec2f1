import type { StepInfo } from '../api/model.ts'
import { composeWgsl } from '../gpu/shader.ts'
import { formulaOf, loadOps } from '../ops/index.ts'
import type { Dispatch } from '../ops/op.ts'
import { aliasesOf } from '../program/aliases.ts'
import { elements, elementsOf, isOp, shapeOf, type Program, type Step } from '../program/step.ts'
import { viewBytes } from '../weights/store.ts'
import { planDispatches, type BindResources } from './bind.ts'
import type { ForwardChanges } from './changes.ts'
import { EVERY_STEP } from './everyStep.ts'
import { MAX_LOGIT_ROWS, rowBucket } from './rows.ts'
import type { Runner } from './runner.ts'

/** Bytes of a parameter that a step reads; of the embedding the rows of its tokens. */
function parameterBytes(step: Step, { rows }: Program, runner: Runner): number {
  return step.params.reduce((sum, { name, role, shape }) => {
    if (isOp(step, 'embed')) return sum + rows * (shape[1] ?? 0) * 4
    if (role !== 'matrix') return sum + elements(shape) * 4
    const all = viewBytes(runner.weights.view(name))
    if (!isOp(step, 'expert_linear')) return sum + all
    // Of experts no more are read than rows take.
    const { experts: count, chosen } = step.attrs
    return sum + (all * Math.min(count, rows * chosen)) / count
  }, 0)
}

/** Bytes a step reads and writes when nothing is cached: inputs, a share of its weights in their GPU format, output. */
export function stepBytes(step: Step, program: Program, runner: Runner, share = 1): number {
  const steps = new Map(program.steps.map((other) => [other.name, other]))
  const tensors = [step, ...step.inputs.flatMap((name) => steps.get(name) ?? [])]
  const activations = tensors.reduce((sum, tensor) => sum + elementsOf(tensor) * 4, 0)
  return activations + share * parameterBytes(step, program, runner)
}

/** What a step says of itself, of whatever program it is. */
export function factsOf(
  step: Step,
  program: Program,
): Omit<StepInfo, 'flops' | 'bytes' | 'formula' | 'wgsl' | 'coveredBy'> {
  const { name, op, layer, attrs, axes, stream, inputs, params } = step
  const output = { shape: shapeOf(step), dtype: 'f32' } as const
  return { name, op, aliases: aliasesOf(step, program), layer, attrs, axes, stream, inputs, params, output }
}

/** Resources of dispatches that are looked at and never run. */
export function nowhere(runner: Runner, changes: ForwardChanges): BindResources {
  const { gpu } = runner.records
  const pages = { k: gpu, v: gpu, format: runner.pool.format }
  return runner.resources({ batch: gpu, tensor: () => gpu, scratch: () => gpu, pages: () => pages }, changes)
}

/** The kernel of a step as its author wrote it: the first where it takes several. */
export async function writtenWgsl(runner: Runner): Promise<(dispatches: readonly Dispatch[]) => string> {
  const { asWritten } = await import('./writtenShaders.ts')
  return ([first]) => (first ? composeWgsl(asWritten(first.shader), runner.pipelines.variant) : '')
}

/** Every fine step of a forward of `rows` rows, with what the stepper and `steps()` show of it. */
export async function describeSteps(
  runner: Runner,
  rows: number,
  changes: ForwardChanges = { adapters: runner.adapters, edits: null },
): Promise<StepInfo[]> {
  const wgslOf = await writtenWgsl(runner)
  const positions = Math.min(runner.context, rows)
  const fine = runner.record({ rows, logitRows: rows, positions }, EVERY_STEP, changes)
  const bucket = rowBucket(Math.min(rows, 128))
  await loadOps(fine)
  const fused = runner.record(
    { rows: bucket, logitRows: Math.min(bucket, MAX_LOGIT_ROWS), positions: runner.context },
    [],
    changes,
  )
  const coveredBy = new Map(
    fused.steps.flatMap((step) => step.covers.map((name) => [name, step.name] as const)),
  )
  return planDispatches(fine, nowhere(runner, changes), runner.pipelines).map(({ step, dispatches }) => ({
    ...factsOf(step, fine),
    flops: step.flops,
    bytes: stepBytes(step, fine, runner),
    formula: formulaOf(step),
    wgsl: wgslOf(dispatches),
    coveredBy: coveredBy.get(step.name) ?? null,
  }))
}
