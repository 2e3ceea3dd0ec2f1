import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StepInfo } from '../../src/api/model.ts'
import { describeModel } from '../describeModel.ts'
import { openCheckpoint } from '../../src/formats/checkpoint.ts'
import { parseStrictJson } from '../../src/formats/strictJson.ts'
import { formulaOf, loadOps } from '../../src/ops/index.ts'
import { aliasesOf } from '../../src/program/aliases.ts'
import { withAdapters } from '../../src/program/changes.ts'
import { shapeOf, type Program } from '../../src/program/step.ts'
import { nodeFolderSource } from '../../src/sources/nodeFolder.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/models')

/** The steps of a forward as the engine tells them, without costs and shaders. */
export function infosOf(program: Program): StepInfo[] {
  return program.steps.map((step) => ({
    name: step.name,
    op: step.op,
    aliases: aliasesOf(step, program),
    layer: step.layer,
    attrs: step.attrs,
    axes: step.axes,
    stream: step.stream,
    inputs: step.inputs,
    params: step.params,
    output: { shape: shapeOf(step), dtype: 'f32' },
    flops: step.flops,
    bytes: 0,
    formula: formulaOf(step),
    wgsl: '',
    coveredBy: null,
  }))
}

/** The forward of a fixture over so many rows. */
export async function recordedProgram(fixture: string, rows = 3): Promise<Program> {
  const folder = join(FIXTURES, fixture)
  const { tensors } = await openCheckpoint(nodeFolderSource(folder))
  const config = parseStrictJson(readFileSync(join(folder, 'config.json')), 'config.json')
  const program = describeModel(config, tensors).record({ rows, logitRows: rows, positions: rows })
  await loadOps(program)
  return program
}

export const recordedSteps = async (fixture: string, rows = 3): Promise<StepInfo[]> =>
  infosOf(await recordedProgram(fixture, rows))

/** The same forward with adapters on every product, and some modules replaced. */
export async function adaptedSteps(fixture: string, replaced: readonly string[]): Promise<StepInfo[]> {
  const program = await recordedProgram(fixture)
  return infosOf(
    withAdapters(program, { ranks: () => 2, replacers: (step) => Number(replaced.includes(step)) }),
  )
}
