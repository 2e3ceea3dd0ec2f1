import type { WeightFormat } from '../api/model.ts'
import type { ModelDescription } from '../arch/spec.ts'
import { stacksOf } from '../program/stacks.ts'
import { isOp, type ParamRef } from '../program/step.ts'
import { BLOCK } from './blocks.ts'
import type { MatrixPlan } from './store.ts'

const rowsOf = ({ shape }: ParamRef): number => shape[0] ?? 0

interface PlannedMatrix {
  name: string
  params: readonly ParamRef[]
}

/** The matrices of a forward pass, stacked where products share their input; a tied head has none of its own. */
function matricesOf(model: ModelDescription): PlannedMatrix[] {
  const program = model.record({ rows: 1, logitRows: 1, positions: 1 })
  const tables = program.steps
    .filter((step) => isOp(step, 'embed'))
    .map(({ name, params }) => ({ name, params }))
  const stacks = stacksOf(program).map(({ name, members }) => ({
    name,
    params: members.flatMap(({ params }) => params),
  }))
  const planned = new Set<string>()
  return [...tables, ...stacks].filter(({ params }) => {
    const own = params.filter(({ role }) => role === 'matrix').map(({ name }) => name)
    const isNew = own.some((name) => !planned.has(name))
    for (const name of own) planned.add(name)
    return isNew
  })
}

/** The matrices of a model: which parts share one, and in which format each is kept. */
export function planMatrices(
  model: ModelDescription,
  format: WeightFormat,
): { plans: MatrixPlan[]; exceptions: string[] } {
  const exceptions: string[] = []
  // What cannot be quantised stays as stored; bf16 is kept exactly by f32 only.
  const kept: WeightFormat = model.storedAs === 'F16' ? 'f16' : 'f32'
  const plans = matricesOf(model).map(({ name, params }): MatrixPlan => {
    const biased = new Set(params.filter(({ role }) => role === 'bias').map((param) => param.name))
    const matrices = params.filter(({ role }) => role === 'matrix')
    const parts = matrices.map((param) => ({
      name: param.name,
      rows: rowsOf(param),
      bias: biased.has(`${param.name}.bias`),
    }))
    const cols = matrices[0]?.shape[1] ?? 0
    const quantised = format === 'q8_0' || format === 'q4_0'
    const straddles = parts.length > 1 && parts.some(({ rows }) => (rows * cols) % (2 * BLOCK) !== 0)
    const partial = quantised && (cols % BLOCK !== 0 || straddles)
    if (partial) exceptions.push(`${name} is kept as ${kept}: its width ${cols} is no multiple of ${BLOCK}`)
    return { name, cols, format: partial ? kept : format, parts }
  })
  return { plans, exceptions }
}
