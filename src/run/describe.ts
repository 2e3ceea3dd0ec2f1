import type { StepInfo } from '../api/model.ts'
import { composeWgsl } from '../gpu/shader.ts'
import { formulaOf, loadOps } from '../ops/index.ts'
import { aliasesOf } from '../program/aliases.ts'
import { elements, elementsOf, isOp, shapeOf, type Program, type Step } from '../program/step.ts'
import { viewBytes } from '../weights/store.ts'
import { planDispatches } from './bind.ts'
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

/** Bytes a step reads and writes when nothing is cached: inputs, weights in their GPU format, output. */
function stepBytes(step: Step, program: Program, runner: Runner): number {
  const steps = new Map(program.steps.map((other) => [other.name, other]))
  const tensors = [step, ...step.inputs.flatMap((name) => steps.get(name) ?? [])]
  const activations = tensors.reduce((sum, tensor) => sum + elementsOf(tensor) * 4, 0)
  return activations + parameterBytes(step, program, runner)
}

/** Every fine step of a forward of `rows` rows, with what the stepper and `steps()` show of it. */
export async function describeSteps(
  runner: Runner,
  rows: number,
  changes: ForwardChanges = { adapters: runner.adapters, edits: null },
): Promise<StepInfo[]> {
  const { asWritten } = await import('./writtenShaders.ts')
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
  const nowhere = runner.records.gpu
  const resources = runner.resources(
    {
      batch: nowhere,
      tensor: () => nowhere,
      scratch: () => nowhere,
      pages: () => ({ k: nowhere, v: nowhere, format: runner.pool.format }),
    },
    changes,
  )
  return planDispatches(fine, resources, runner.pipelines).map(({ step, dispatches }) => ({
    name: step.name,
    op: step.op,
    aliases: aliasesOf(step, fine),
    layer: step.layer,
    attrs: step.attrs,
    axes: step.axes,
    stream: step.stream,
    inputs: step.inputs,
    params: step.params,
    output: { shape: shapeOf(step), dtype: 'f32' },
    flops: step.flops,
    bytes: stepBytes(step, fine, runner),
    formula: formulaOf(step),
    wgsl: dispatches[0] ? composeWgsl(asWritten(dispatches[0].shader), runner.pipelines.variant) : '',
    coveredBy: coveredBy.get(step.name) ?? null,
  }))
}
