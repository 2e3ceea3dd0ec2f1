import { TokenscopeError, invariant, throwIfAborted } from '../errors.ts'
import type { TensorData } from '../api/model.ts'
import { tensorBytes } from '../program/arena.ts'
import {
  elements,
  elementsOf,
  headSteps,
  isOp,
  matchesPattern,
  rowAxis,
  shapeOf,
  type Program,
  type Step,
} from '../program/step.ts'
import { plainLogits, type BatchRow } from '../run/batch.ts'
import type { Conditions } from '../run/conditions.ts'
import { EVERY_STEP } from '../run/describe.ts'
import { InspectionRun } from '../run/inspectionRun.ts'
import { MAX_ROWS } from '../run/rows.ts'
import type { Runner } from '../run/runner.ts'

/** Puts the rows of one chunk into the whole tensor. */
function place(step: Step, chunk: Float32Array, whole: Float32Array, begin: number, total: number): void {
  const shape = shapeOf(step)
  const axis = rowAxis(step)
  const rows = shape[axis] ?? 1
  const inner = elements(shape.slice(axis + 1))
  const outer = elements(shape.slice(0, axis))
  for (let o = 0; o < outer; o++) {
    whole.set(chunk.subarray(o * rows * inner, (o + 1) * rows * inner), (o * total + begin) * inner)
  }
}

/** Bytes of the observed steps of one chunk: what is wanted of all rows is read back in pieces. */
const CHUNK_BYTES = 8 * 1024 * 1024
/** Fewer rows are not worth a forward of their own. */
const LEAST_ROWS = 8

/** Rows that run at a time where `steps` of a program are read back. */
function rowsOfChunk(steps: readonly Step[], rows: number): number {
  const bytes = steps.reduce((sum, step) => sum + tensorBytes(shapeOf(step)), 0)
  const fitting = Math.floor((CHUNK_BYTES * rows) / Math.max(1, bytes))
  return Math.min(MAX_ROWS, Math.max(LEAST_ROWS, fitting))
}

/** Runs one chunk and reads back its observed steps, each once: they share one mapping. Its buffers are freed again. */
async function runChunk(
  runner: Runner,
  run: InspectionRun,
  program: Program,
  observed: readonly Step[],
  rows: BatchRow[],
): Promise<ReadonlyMap<string, Float32Array>> {
  const free = run.mark()
  try {
    return await readChunk(runner, run, program, observed, rows)
  } finally {
    free()
  }
}

async function readChunk(
  runner: Runner,
  run: InspectionRun,
  program: Program,
  observed: readonly Step[],
  rows: BatchRow[],
): Promise<ReadonlyMap<string, Float32Array>> {
  const { STORAGE, COPY_SRC } = GPUBufferUsage
  const sizes = observed.map((step) => tensorBytes(shapeOf(step)))
  const tensors = new Map(
    observed.map(({ name }, i) => [name, run.create(name, sizes[i] ?? 0, STORAGE | COPY_SRC)]),
  )
  const forward = await run.bind(program, tensors)
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0)
  const staging = run.create(
    'staging',
    Math.max(16, total),
    GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  )
  const offsets = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, bytes) => sum + bytes, 0))
  const after = (encoder: GPUCommandEncoder): void => {
    observed.forEach(({ name }, i) => {
      const buffer = tensors.get(name)
      invariant(buffer, `${name} is observed`)
      encoder.copyBufferToBuffer(buffer.gpu, 0, staging.gpu, offsets[i] ?? 0, sizes[i] ?? 0)
    })
  }
  run.submit(forward, rows, { label: 'inspection', after })
  const mapped = await runner.executor.map(staging)
  return new Map(
    observed.map((step, i) => [
      step.name,
      new Float32Array(mapped, offsets[i] ?? 0, elementsOf(step)).slice(),
    ]),
  )
}

/** Throws `bad-argument`, naming the first pattern that no step matches. */
export function checkProbes(program: Program, probes: readonly string[]): void {
  for (const probe of probes) {
    if (program.steps.some(({ name }) => matchesPattern(name, probe))) continue
    throw new TokenscopeError('bad-argument', `No step of this model matches the probe "${probe}".`, {
      hint: 'Names are listed by model.steps(); * stands for a run of characters without a dot.',
      details: { probe },
    })
  }
}

/** Logits [vocab] behind the last of the tokens, from an empty cache of their own. The caller holds the turn. */
export async function lastLogits(
  runner: Runner,
  ids: readonly number[],
  conditions: Conditions,
): Promise<Float32Array> {
  const run = new InspectionRun(runner, ids.length, conditions)
  try {
    for (let begin = 0; ; begin += MAX_ROWS) {
      const part = ids.slice(begin, begin + MAX_ROWS)
      const last = begin + part.length === ids.length
      const size = { rows: part.length, logitRows: last ? 1 : 0, positions: ids.length }
      const program = runner.record(size, last ? ['logits'] : [], run.changes)
      const observed = program.steps.filter(({ name }) => last && name === 'logits')
      const rows = run.rows(part, begin, false)
      const final = rows.at(-1)
      invariant(final, 'a chunk has rows')
      if (last) final.logits = plainLogits(0)
      const read = await runChunk(runner, run, program, observed, rows)
      const logits = read.get('logits')
      if (logits) return logits
    }
  } finally {
    run.dispose()
  }
}

/**
 * Runs the tokens from an empty cache of its own and reads back the probed steps, whole: `[rows, …]`, attention as
 * `[heads, rows, positions]`. Long inputs go in chunks, except when scores are probed: those look ahead of their row.
 */
export function traceSteps(
  runner: Runner,
  ids: readonly number[],
  probes: readonly string[],
  conditions: Conditions,
  signal?: AbortSignal,
): Promise<Map<string, TensorData>> {
  return runner.exclusive(() => traceInTurn(runner, ids, probes, conditions, signal))
}

/** Scores look ahead of their row, so all rows run at once where they are wanted. */
export function looksAhead(steps: readonly Step[], { steps: all }: Program): boolean {
  const scores = new Set(all.filter((step) => isOp(step, 'scores')).map(({ name }) => name))
  const isScores = (step: Step): boolean =>
    isOp(step, 'scores') || (isOp(step, 'edit') && step.inputs.some((name) => scores.has(name)))
  return steps.some(isScores)
}

async function traceInTurn(
  runner: Runner,
  ids: readonly number[],
  probes: readonly string[],
  conditions: Conditions,
  signal: AbortSignal | undefined,
): Promise<Map<string, TensorData>> {
  const total = ids.length
  const fine = runner.record({ rows: total, logitRows: total, positions: total }, EVERY_STEP, {
    adapters: runner.adapters,
    edits: conditions.edits,
  })
  checkProbes(fine, probes)
  const wanted = fine.steps.filter(({ name }) => probes.some((probe) => matchesPattern(name, probe)))
  const names = wanted.map(({ name }) => name)
  const chunkRows = looksAhead(wanted, fine) ? total : rowsOfChunk(wanted, total)
  const head = headSteps(fine)
  const wantLogits = wanted.some((step) => head.includes(step))
  const result = new Map(
    wanted.map((step): [string, TensorData] => [
      step.name,
      { shape: shapeOf(step), axes: step.axes, data: new Float32Array(elementsOf(step)) },
    ]),
  )
  const run = new InspectionRun(runner, total, conditions)
  try {
    for (let begin = 0; begin < total; begin += chunkRows) {
      throwIfAborted(signal)
      const part = ids.slice(begin, begin + chunkRows)
      const size = { rows: part.length, logitRows: wantLogits ? part.length : 0, positions: total }
      const program = runner.record(size, names, run.changes)
      const observed = program.steps.filter(({ name }) => names.includes(name))
      const chunk = await runChunk(runner, run, program, observed, run.rows(part, begin, wantLogits))
      for (const step of observed) {
        const data = chunk.get(step.name)
        const whole = result.get(step.name)
        invariant(data && whole, `${step.name} was read`)
        place(step, data, whole.data, begin, total)
      }
    }
  } finally {
    run.dispose()
  }
  return result
}
