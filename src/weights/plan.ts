import type { LoadFormat } from '../api/model.ts'
import type { ModelDescription } from '../arch/spec.ts'
import { expertStacksOf, stacksOf } from '../program/stacks.ts'
import { isOp, type ParamRef } from '../program/step.ts'
import { tooLarge } from '../gpu/ledger.ts'
import { FORMATS, type FormatRecord } from './formats/index.ts'
import { bytesFor, fits } from './formats/layout.ts'
import type { MatrixPlan } from './store.ts'

/** How a file holds a matrix. */
export interface StoredMatrixType {
  /** The format that keeps it exactly, at the file's own size where there is one. */
  readonly format: FormatRecord
  /** Rows of a head whose halves the file interleaves. */
  readonly headRows?: number | undefined
  /** Columns that share a scale, of a grouped format. */
  readonly group?: number | undefined
}

/** What is asked of the matrices of a model. */
export interface PlanRequest {
  readonly asked: LoadFormat | 'auto'
  /** How the checkpoint holds a tensor. */
  readonly stored: (tensor: string) => StoredMatrixType
  /** Bytes of the largest buffer. Matrices of an expert that exceed it together are kept apart. */
  readonly maxBytes?: number
}

interface Stacked {
  readonly name: string
  readonly params: readonly ParamRef[]
}

/** The matrices of a forward pass, stacked where products share their input; a tied head has none of its own. */
function stacksOfModel(model: ModelDescription): Stacked[] {
  const program = model.record({ rows: 1, logitRows: 1, positions: 1 })
  const tables = program.steps
    .filter((step) => isOp(step, 'embed'))
    .map(({ name, params }) => ({ name, params }))
  const stacks = [...stacksOf(program), ...expertStacksOf(program)].map(({ name, members }) => ({
    name,
    params: members.flatMap(({ params }) => params),
  }))
  const planned = new Set<string>()
  return [...tables, ...stacks].filter(({ params }) => {
    const matrices = params.filter(({ role }) => role === 'matrix').map(({ name }) => name)
    const isNew = matrices.some((name) => !planned.has(name))
    for (const name of matrices) planned.add(name)
    return isNew
  })
}

interface FormatChoice {
  readonly format: FormatRecord
  /** Why it is not the format asked for. */
  readonly reason: string | null
}

function choose(cols: number, stored: StoredMatrixType, asked: PlanRequest['asked']): FormatChoice {
  const { format, headRows } = stored
  if (asked === 'auto' || asked === format.name) return { format, reason: null }
  if (format.grouped) return { format, reason: 'the file holds it quantised' }
  if (format.block > 1) return { format, reason: 'the file holds it in blocks' }
  if (headRows !== undefined) return { format, reason: 'its rows are interleaved in the file' }
  const wanted = FORMATS[asked]
  if (fits(wanted, cols)) return { format: wanted, reason: null }
  return { format, reason: `its width ${cols} is no multiple of ${wanted.block}` }
}

/** Of a stack without a matrix, which there is none of. */
const UNKNOWN: FormatChoice = { format: FORMATS.f32, reason: null }

const rowsOf = ({ shape }: ParamRef): number => shape[0] ?? 0

/** Bytes that lie in one buffer whatever it takes: the rows of an expert with their biases; 0 where rows may be cut anywhere. */
export function bytesOfExpert({ format, cols, group, parts, experts }: MatrixPlan): number {
  if (experts === undefined) return 0
  const rows = parts.reduce((sum, part) => sum + part.rows, 0) / experts
  return bytesFor(format, rows, cols, group) + (parts.some(({ bias }) => bias) ? 4 * (rows + 4) : 0)
}

/**
 * The matrices of a model: which parts share one, and in which format each is kept. A stack of unlike formats is taken apart.
 * @throws `limit` where a matrix of one expert exceeds a buffer
 */
export function planMatrices(
  model: ModelDescription,
  { asked, stored, maxBytes = Infinity }: PlanRequest,
): { plans: MatrixPlan[]; exceptions: string[] } {
  const exceptions: string[] = []
  const plans = stacksOfModel(model).flatMap((stack): MatrixPlan[] => {
    const matrices = stack.params.filter(({ role }) => role === 'matrix')
    const types = matrices.map(({ tensor }) => stored(tensor))
    const choices = types.map((type) => choose(matrices[0]?.shape[1] ?? 0, type, asked))
    const alike = choices.every(
      ({ format }, i) => format === choices[0]?.format && types[i]?.group === types[0]?.group,
    )
    const together = types.reduce((most, { headRows = 1 }) => Math.max(most, headRows), 1)
    let output = 0
    const planOf = ({ name, params: members }: Stacked): MatrixPlan => {
      const at = matrices.findIndex((param) => param === members[0])
      const { format } = choices[at] ?? UNKNOWN
      const { experts, shape: [, cols = 0] = [] } = members[0] ?? {}
      const group = format.grouped ? types[at]?.group : undefined
      const parts = members.map((param) => partOf(param, stack.params))
      const perExpert = experts === undefined ? {} : { experts }
      return { name, cols, format, group, parts, together, output, ...perExpert }
    }
    const fullStack = { name: stack.name, params: matrices }
    const isWhole = alike && bytesOfExpert(planOf(fullStack)) <= maxBytes
    return (isWhole ? [fullStack] : apart(matrices)).map((members): MatrixPlan => {
      const plan = planOf(members)
      const bytes = bytesOfExpert(plan)
      if (bytes > maxBytes) throw tooLarge(`an expert of ${plan.name}`, bytes, maxBytes)
      const { reason } = choices[matrices.findIndex((param) => param === members.params[0])] ?? UNKNOWN
      if (reason !== null) exceptions.push(`${plan.name} is kept as ${plan.format.name}: ${reason}`)
      output += plan.parts.reduce((sum, { rows }) => sum + rows, 0)
      return plan
    })
  })
  return { plans, exceptions }
}

function apart(matrices: readonly ParamRef[]): Stacked[] {
  return matrices.map((param) => ({ name: param.name, params: [param] }))
}

function partOf(param: ParamRef, all: readonly ParamRef[]): MatrixPlan['parts'][number] {
  const bias = all.some(({ role, name }) => role === 'bias' && name === `${param.name}.bias`)
  return { name: param.name, rows: rowsOf(param), bias }
}
