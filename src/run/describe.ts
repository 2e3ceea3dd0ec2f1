import { composeWgsl } from '../gpu/shader.ts'
import { OPS } from '../ops/index.ts'
import type { StepInfo } from '../api/model.ts'
import { planDispatches } from './bind.ts'
import { elements, type Program, type Step } from '../program/program.ts'
import { rowBucket, MAX_LOGIT_ROWS, type ForwardChanges, type Runner } from './runner.ts'
import { rowUnits } from '../weights/store.ts'

const EVERY_STEP = ['*', '*.*', '*.*.*', '*.*.*.*']

/** Bytes a step reads and writes when nothing is cached: inputs, weights in their GPU format, output. */
function stepBytes(step: Step, program: Program, runner: Runner): number {
  const shapes = new Map(program.steps.map(({ name, shape }) => [name, shape]))
  const tensors = [step.shape, ...step.inputs.map((name) => shapes.get(name) ?? [])]
  const activations = tensors.reduce((sum, shape) => sum + elements(shape) * 4, 0)
  const { hidden } = runner.spec
  if (step.op === 'embed') return activations + program.rows * hidden * 4
  if (step.op === 'rms_norm') return activations + hidden * 4
  if (step.op === 'layer_norm') return activations + hidden * 8
  if (step.op !== 'linear') return activations
  const { matrix, begin, end } = runner.weights.view(step.weights[0] ?? step.name)
  const scales = matrix.format === 'q8_0' || matrix.format === 'q4_0' ? matrix.cols / 16 : 0
  return activations + (end - begin) * (rowUnits(matrix.format, matrix.cols) * 16 + scales)
}

/** Every fine step of a forward of `rows` rows, with what the stepper and `steps()` show of it. */
export function describeSteps(
  runner: Runner,
  rows: number,
  changes: ForwardChanges = { bank: runner.bank, edits: null },
): StepInfo[] {
  const positions = Math.min(runner.context, rows)
  const fine = runner.record({ rows, logitRows: rows, positions }, EVERY_STEP, changes)
  const bucket = rowBucket(Math.min(rows, 128))
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
      pages: () => ({ k: nowhere, v: nowhere }),
    },
    changes,
  )
  return planDispatches(fine, resources, runner.pipelines).map(({ step, dispatches }) => ({
    name: step.name,
    op: step.op,
    inputs: step.inputs,
    weights: step.weights,
    output: { shape: step.shape, dtype: 'f32' },
    flops: step.flops,
    bytes: stepBytes(step, fine, runner),
    formula: OPS[step.op].formula(step, fine),
    wgsl: dispatches[0] ? composeWgsl(dispatches[0].shader, runner.pipelines.variant) : '',
    coveredBy: coveredBy.get(step.name) ?? null,
  }))
}
