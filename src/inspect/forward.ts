import { TokenscopeError, invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { tensorBytes } from '../program/arena.ts'
import { elements, headSteps, rowAxis, shapeOf, type Program, type Step } from '../program/step.ts'
import type { BoundProgram } from '../run/bind.ts'
import type { Conditions } from '../run/conditions.ts'
import { EVERY_STEP } from '../run/describe.ts'
import { InspectionRun } from '../run/inspectionRun.ts'
import { MAX_ROWS } from '../run/rows.ts'
import type { Runner } from '../run/runner.ts'
import { looksAhead } from './trace.ts'

/** The forward that an inspection looks at. */
export interface ForwardInput {
  readonly runner: Runner
  readonly ids: readonly number[]
  readonly conditions: Conditions
  /** Names what is merged into the weights; null for nothing. */
  weights(): string | null
}

/** A forward that can run again: its buffers live until the run is disposed of. */
export interface LastingForward {
  readonly run: InspectionRun
  readonly bound: BoundProgram
}

/** The fine program over all the tokens, every step observed: shapes are of exactly these rows. */
export function fineProgram({ runner, ids, conditions }: ForwardInput): Program {
  const rows = ids.length
  const changes = { adapters: runner.adapters, edits: conditions.edits }
  return runner.record({ rows, logitRows: rows, positions: rows }, EVERY_STEP, changes)
}

/**
 * Buffers for the outputs of steps, all or none. They belong to the caller. Throws `limit` and `out-of-memory`; the latter is seen
 * only once the device has tried, hence the promise.
 */
export async function createTensors(
  { device, ledger }: Runner,
  steps: readonly Step[],
): Promise<Map<string, LedgerBuffer>> {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
  const tensors = new Map<string, LedgerBuffer>()
  const free = (): void => tensors.forEach((buffer) => ledger.destroy(buffer))
  device.pushErrorScope('out-of-memory')
  let failure: GPUError | null | undefined
  try {
    for (const step of steps) {
      tensors.set(step.name, ledger.create(`inspection:${step.name}`, tensorBytes(shapeOf(step)), usage))
    }
  } catch (error) {
    free()
    throw error
  } finally {
    failure = await device.popErrorScope()
  }
  if (!failure) return tensors
  free()
  throw new TokenscopeError('out-of-memory', 'The GPU has no memory left to keep these tensors.', {
    hint: 'Inspect fewer tokens, or give a smaller budget.',
    details: {
      bytes: steps.reduce((sum, step) => sum + tensorBytes(shapeOf(step)), 0),
      cause: failure.message,
    },
  })
}

/** Copies the rows of one chunk into the whole tensor. */
function place(
  encoder: GPUCommandEncoder,
  step: Step,
  chunk: LedgerBuffer,
  whole: LedgerBuffer,
  at: { begin: number; total: number },
): void {
  const shape = shapeOf(step)
  const axis = rowAxis(step)
  const rows = shape[axis] ?? 1
  const inner = elements(shape.slice(axis + 1))
  const outer = elements(shape.slice(0, axis))
  for (let o = 0; o < outer; o++) {
    const source = o * rows * inner * 4
    const target = (o * at.total + at.begin) * inner * 4
    encoder.copyBufferToBuffer(chunk.gpu, source, whole.gpu, target, rows * inner * 4)
  }
}

async function runRows(
  { runner, ids }: ForwardInput,
  run: InspectionRun,
  whole: ReadonlyMap<string, LedgerBuffer>,
  [begin, end]: readonly [number, number],
): Promise<BoundProgram> {
  const part = ids.slice(begin, end)
  const size = { rows: part.length, logitRows: part.length, positions: ids.length }
  const all = runner.record(size, [...whole.keys()], run.changes)
  const kept = all.steps.filter(({ name }) => whole.has(name))
  invariant(kept.length === whole.size, 'every kept step is a step of the program')
  const head = headSteps(all)
  const logits = kept.some((step) => head.includes(step))
  const program = logits ? all : runner.record({ ...size, logitRows: 0 }, [...whole.keys()], run.changes)
  const inParts = part.length < ids.length
  const { STORAGE, COPY_SRC } = GPUBufferUsage
  const own = inParts
    ? new Map(
        kept.map((step) => [
          step.name,
          run.create(step.name, tensorBytes(shapeOf(step)), STORAGE | COPY_SRC),
        ]),
      )
    : whole
  const forward = await run.bind(program, own)
  const after = (encoder: GPUCommandEncoder): void => {
    for (const step of inParts ? kept : []) {
      const [from, to] = [own.get(step.name), whole.get(step.name)]
      invariant(from && to, `${step.name} is kept`)
      place(encoder, step, from, to, { begin, total: ids.length })
    }
  }
  run.submit(forward, run.rows(part, begin, logits), { label: 'inspection', after })
  return forward.bound
}

/**
 * Runs the tokens from an empty cache of their own; the outputs of the steps named in `tensors` end up there. Long inputs go in
 * chunks, except when all of them fit anyway (`atOnce`) or scores are kept, which look ahead of their row. The caller holds the turn
 * ({@link Runner.exclusive}) and disposes of the run.
 */
export async function runKept(
  input: ForwardInput,
  tensors: ReadonlyMap<string, LedgerBuffer>,
  atOnce: boolean,
): Promise<LastingForward> {
  const total = input.ids.length
  const fine = fineProgram(input)
  const kept = fine.steps.filter(({ name }) => tensors.has(name))
  const chunk = atOnce || looksAhead(kept, fine) ? total : MAX_ROWS
  const run = new InspectionRun(input.runner, total, input.conditions)
  try {
    for (let begin = 0; ; begin += chunk) {
      const end = Math.min(total, begin + chunk)
      const free = run.mark()
      const bound = await runRows(input, run, tensors, [begin, end])
      if (end === total) return { run, bound }
      free()
    }
  } catch (error) {
    run.dispose()
    throw error
  }
}
