import { TokenscopeError, invariant, throwIfAborted } from '../errors.ts'
import type { TensorData, TracedRows } from '../api/model.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { tensorBytes } from '../program/arena.ts'
import { leadingTo } from '../program/behind.ts'
import {
  elements,
  elementsOf,
  lmHeadSteps,
  isOp,
  matchesPattern,
  rowAxis,
  shapeOf,
  type Program,
  type Step,
} from '../program/step.ts'
import { plainLogits, type BatchRow } from '../run/batch.ts'
import type { Conditions } from '../run/conditions.ts'
import { EVERY_STEP } from '../run/everyStep.ts'
import { InspectionRun, type BoundForward } from '../run/inspectionRun.ts'
import { MAX_ROWS } from '../run/rows.ts'
import type { Runner } from '../run/runner.ts'
import { partsOf, type ForwardPart } from './parts.ts'
import type { TakeTurn } from './turn.ts'

/** Puts the rows of one chunk into the whole tensor. */
function place(step: Step, chunk: Float32Array, target: Float32Array, begin: number, total: number): void {
  const shape = shapeOf(step)
  const axis = rowAxis(step)
  const rows = shape[axis] ?? 1
  const inner = elements(shape.slice(axis + 1))
  const outer = elements(shape.slice(0, axis))
  for (let o = 0; o < outer; o++) {
    target.set(chunk.subarray(o * rows * inner, (o + 1) * rows * inner), (o * total + begin) * inner)
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

/** A program with the buffers that its observed steps are read back through. */
interface Observation {
  readonly forward: BoundForward
  readonly observed: readonly Step[]
  readonly tensors: ReadonlyMap<string, LedgerBuffer>
  readonly staging: LedgerBuffer
  readonly offsets: readonly number[]
}

/** Binds a part and makes the buffers of its observed steps, which share one mapping. */
async function openObservation(
  { run, program, carried }: ForwardPart,
  observed: readonly Step[],
): Promise<Observation> {
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage
  const sizes = observed.map((step) => tensorBytes(shapeOf(step)))
  const tensors = new Map(
    [...observed, ...carried].map((step) => [step.name, tensorBytes(shapeOf(step))] as const),
  )
  const buffers = new Map(
    [...tensors].map(([name, bytes]) => [name, run.create(name, bytes, STORAGE | COPY_SRC | COPY_DST)]),
  )
  const forward = await run.bind(program, buffers)
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0)
  const staging = run.create('staging', Math.max(16, total), MAP_READ | COPY_DST)
  const offsets = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, bytes) => sum + bytes, 0))
  return { forward, observed, tensors: buffers, staging, offsets }
}

/** Runs one part and reads back its observed steps, each once. */
async function readPart(
  runner: Runner,
  part: ForwardPart,
  { forward, observed, tensors, staging, offsets }: Observation,
  rows: BatchRow[],
): Promise<ReadonlyMap<string, Float32Array>> {
  const afterPass = (encoder: GPUCommandEncoder): void => {
    part.copyOut(encoder, tensors)
    observed.forEach((step, i) => {
      const buffer = tensors.get(step.name)
      invariant(buffer, `${step.name} is observed`)
      const bytes = tensorBytes(shapeOf(step))
      encoder.copyBufferToBuffer(buffer.gpu, 0, staging.gpu, offsets[i] ?? 0, bytes)
    })
  }
  const beforePass = (encoder: GPUCommandEncoder): void => part.copyIn(encoder, tensors)
  part.run.submit(forward, rows, { label: 'inspection', beforePass, afterPass })
  if (observed.length === 0) return new Map()
  const mapped = await runner.executor.map(staging)
  const read = new Map(
    observed.map((step, i) => [
      step.name,
      new Float32Array(mapped, offsets[i] ?? 0, elementsOf(step)).slice(),
    ]),
  )
  staging.gpu.unmap()
  return read
}

/** Rows of one part of a forward: `read` holds those of each observed step. */
export interface TracedPart {
  readonly part: Pick<ForwardPart, 'begin' | 'end' | 'program'>
  readonly observed: readonly Step[]
  readonly read: ReadonlyMap<string, Float32Array>
  /** The same on the GPU, until the next part runs; with what the part carries. */
  readonly tensors: ReadonlyMap<string, LedgerBuffer>
}

/** Runs parts one after the other, binding each program once; what `observed` says of a program is read back of every part. */
export class ForwardPartReader {
  readonly #runner: Runner
  readonly #observed: (step: Step) => boolean
  readonly #rowsOf: (part: ForwardPart) => BatchRow[]
  readonly #observations = new Map<Program, Observation>()

  constructor(runner: Runner, observed: (step: Step) => boolean, rowsOf: (part: ForwardPart) => BatchRow[]) {
    this.#runner = runner
    this.#observed = observed
    this.#rowsOf = rowsOf
  }

  async read(part: ForwardPart): Promise<TracedPart> {
    const cached = this.#observations.get(part.program)
    const observation = cached ?? (await openObservation(part, part.program.steps.filter(this.#observed)))
    this.#observations.set(part.program, observation)
    const read = await readPart(this.#runner, part, observation, this.#rowsOf(part))
    return { part, observed: observation.observed, read, tensors: observation.tensors }
  }
}

async function* readParts(
  parts: AsyncIterable<ForwardPart>,
  ...how: ConstructorParameters<typeof ForwardPartReader>
): AsyncGenerator<TracedPart> {
  const reader = new ForwardPartReader(...how)
  for await (const part of parts) yield await reader.read(part)
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
  const total = ids.length
  const run = new InspectionRun(runner, total, conditions)
  let logits: Float32Array | undefined
  const record = (begin: number, end: number): Program => {
    const size = { rows: end - begin, logitRows: end === total ? 1 : 0, positions: total }
    return runner.record(size, ['logits'], run.changes)
  }
  const rowsOf = ({ begin, end }: ForwardPart): BatchRow[] => {
    const rows = run.rows(ids, begin, false, end)
    const final = rows.at(-1)
    invariant(final, 'a chunk has rows')
    return end === total ? [...rows.slice(0, -1), { ...final, logits: plainLogits(0) }] : rows
  }
  try {
    const parts = partsOf({ runner, run, total, chunk: MAX_ROWS, record })
    for await (const { read } of readParts(parts, runner, ({ name }) => name === 'logits', rowsOf)) {
      logits = read.get('logits')
    }
    invariant(logits, 'the last part gives logits')
    return logits
  } finally {
    run.dispose()
  }
}

interface TraceLimits {
  signal?: AbortSignal | undefined
  /** Most rows of one forward. */
  maxRows?: number
  /** Rows of the first forward, where something is to be seen soon. */
  firstRows?: number
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
  limits: TraceLimits = {},
): Promise<Map<string, TensorData>> {
  return runner.exclusive(() => traceInTurn(runner, ids, probes, conditions, limits))
}

/** Scores look ahead of their row, so all rows run at once where they are wanted. */
export function looksAhead(steps: readonly Step[], { steps: all }: Program): boolean {
  const scores = new Set(all.filter((step) => isOp(step, 'scores')).map(({ name }) => name))
  const isScores = (step: Step): boolean =>
    isOp(step, 'scores') || (isOp(step, 'edit') && step.inputs.some((name) => scores.has(name)))
  return steps.some(isScores)
}

/** What the probes name of a forward over all the tokens. Throws `bad-argument`. */
function wantedSteps(
  runner: Runner,
  ids: readonly number[],
  probes: readonly string[],
  { edits, mask }: Conditions,
): { fine: Program; wanted: readonly Step[] } {
  const rows = ids.length
  const changes = { adapters: runner.adapters, edits, mask }
  const fine = runner.record({ rows, logitRows: rows, positions: rows }, EVERY_STEP, changes)
  checkProbes(fine, probes)
  return {
    fine,
    wanted: fine.steps.filter(({ name }) => probes.some((probe) => matchesPattern(name, probe))),
  }
}

/** {@link traceSteps} part by part, each read back once it has run. The caller holds the turn while it asks for the next. */
export async function* traceParts(
  runner: Runner,
  ids: readonly number[],
  probes: readonly string[],
  conditions: Conditions,
  { signal, maxRows = MAX_ROWS, firstRows }: TraceLimits = {},
): AsyncGenerator<TracedPart> {
  const total = ids.length
  const { fine, wanted } = wantedSteps(runner, ids, probes, conditions)
  const names = wanted.map(({ name }) => name)
  const lmHead = lmHeadSteps(fine)
  const wantLogits = wanted.some((step) => lmHead.includes(step))
  const run = new InspectionRun(runner, total, conditions)
  const record = (begin: number, end: number): Program => {
    const rows = end - begin
    const size = { rows, logitRows: wantLogits ? rows : 0, positions: total }
    const program = runner.record(size, names, run.changes)
    // What no probe needs does not run: the layers behind the last one, mostly.
    return { ...program, steps: leadingTo(program, names) }
  }
  const rowsOf = ({ begin, end }: ForwardPart): BatchRow[] => {
    throwIfAborted(signal)
    return run.rows(ids, begin, wantLogits, end)
  }
  try {
    const ahead = looksAhead(wanted, fine)
    const fitting = ahead ? total : Math.min(maxRows, rowsOfChunk(wanted, total))
    const chunk = run.isCausal ? fitting : maxRows
    const first = ahead ? total : firstRows
    const parts = partsOf({ runner, run, total, chunk, first, record })
    yield* readParts(parts, runner, ({ name }) => names.includes(name), rowsOf)
  } finally {
    run.dispose()
  }
}

async function traceInTurn(
  runner: Runner,
  ids: readonly number[],
  probes: readonly string[],
  conditions: Conditions,
  limits: TraceLimits,
): Promise<Map<string, TensorData>> {
  const { wanted } = wantedSteps(runner, ids, probes, conditions)
  const result = new Map(
    wanted.map((step): [string, TensorData] => [
      step.name,
      { shape: shapeOf(step), axes: step.axes, data: new Float32Array(elementsOf(step)) },
    ]),
  )
  for await (const { part, observed, read } of traceParts(runner, ids, probes, conditions, limits)) {
    for (const step of observed) {
      const data = read.get(step.name)
      const target = result.get(step.name)
      invariant(data && target, `${step.name} was read`)
      place(step, data, target.data, part.begin, ids.length)
    }
  }
  return result
}

/** Rows of the first part of a trace that is read as it comes. */
const FIRST_ROWS = 16

/** {@link traceParts}, each part in a turn of its own: between two of them other calls get theirs. */
export async function* traceRows(
  runner: Runner,
  ids: readonly number[],
  { probes, signal }: { probes: readonly string[]; signal?: AbortSignal | undefined },
  conditions: Conditions,
  turn: TakeTurn,
): AsyncGenerator<TracedRows> {
  const parts = traceParts(runner, ids, probes, conditions, { signal, firstRows: FIRST_ROWS })
  try {
    for (;;) {
      const { done, value } = await turn(() => parts.next())
      if (done) return
      const { part, observed, read } = value
      const tensors = observed.map((step): [string, TensorData] => {
        const data = read.get(step.name)
        invariant(data, `${step.name} was read`)
        return [step.name, { shape: shapeOf(step), axes: step.axes, data }]
      })
      if (tensors.length > 0) yield { begin: part.begin, end: part.end, tensors: new Map(tensors) }
    }
  } finally {
    await parts.return(undefined)
  }
}
