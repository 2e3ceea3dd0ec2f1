import type { StepInfo } from '../api/forward.ts'
import type { TrainOptions } from '../api/train.ts'
import { parseTileMatrix } from '../ops/backward/head.ts'
import { trainDispatchesOf, trainFormulaOf } from '../ops/backward/index.ts'
import { type Program, type ProgramSize, type Step } from '../program/step.ts'
import { planDispatches } from '../run/bind.ts'
import { factsOf, nowhere, stepBytes, writtenWgsl } from '../run/describe.ts'
import type { Runner } from '../run/runner.ts'
import { optimizerCost } from './costs.ts'
import { flatLayout } from './flatLayout.ts'
import { recordPass } from './gradients.ts'
import { optimizerProgram, publishSteps } from './optimizerProgram.ts'
import { passProgram } from './passProgram.ts'
import { viewOf } from './trainBuffers.ts'
import type { TrainedAdapter } from './trainer.ts'

/** What one step of training an adapter runs: forward, loss, backward pass, optimiser. */
function trainingProgram(
  runner: Runner,
  size: ProgramSize,
  { parsed, slot }: TrainedAdapter,
  { optimizer = 'adamw', objective }: Pick<TrainOptions, 'optimizer' | 'objective'>,
): Program {
  const { model, adapters } = runner
  if (!adapters) return recordPass(runner, size).program
  const layout = flatLayout(parsed)
  const pairs = objective === 'dpo' ? 1 : null
  const asked = { layout, slot, size, pairs, keep: 'everything' } as const
  const { program, parts } = passProgram(model, adapters, asked)
  const update = optimizerProgram(layout, optimizer, publishSteps(layout, parts, slot))
  return { ...program, steps: [...program.steps, ...update.steps] }
}

/** Everything that gradients can be read of. */
function gradientProgram(runner: Runner, size: ProgramSize): Program {
  const { program, pass } = recordPass(runner, size)
  return { ...program, steps: [...program.steps, ...pass.steps] }
}

function bytesOf(step: Step, program: Program, runner: Runner): number {
  const cost = optimizerCost(step)
  if (cost) return 4 * cost.values
  const tile = 'matrix' in step.attrs ? parseTileMatrix(step.attrs.matrix) : null
  const [outputs = 1] = step.params[0]?.shape ?? []
  return stepBytes(step, program, runner, tile ? (tile.end - tile.begin) / outputs : 1)
}

/**
 * The steps of training over one text of `rows` rows that all count: those that gradients are read of, or with `trained` what one step
 * of training that adapter runs. The caller has checked the rows, and that gradients flow through every loaded adapter.
 */
export async function describeTraining(
  runner: Runner,
  rows: number,
  trained: TrainedAdapter | null,
  options: Pick<TrainOptions, 'optimizer' | 'objective'>,
): Promise<StepInfo[]> {
  const wgslOf = await writtenWgsl(runner)
  const size = { rows, logitRows: rows, positions: rows }
  const program = trained ? trainingProgram(runner, size, trained, options) : gradientProgram(runner, size)
  const resources = nowhere(runner, { adapters: runner.adapters, edits: null })
  const matrix = (name: string) => viewOf(name, resources.matrix)
  const parts = { ...resources, matrix, dispatchesOf: trainDispatchesOf }
  return planDispatches(program, parts, runner.pipelines).map(({ step, dispatches }) => ({
    ...factsOf(step, program),
    flops: optimizerCost(step)?.flops ?? step.flops,
    bytes: bytesOf(step, program, runner),
    formula: trainFormulaOf(step),
    wgsl: wgslOf(dispatches),
    coveredBy: null,
  }))
}
