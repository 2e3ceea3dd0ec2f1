import { TokenscopeError, invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { tensorBytes } from '../program/arena.ts'
import { elements, lmHeadSteps, rowAxis, shapeOf, type Program, type Step } from '../program/step.ts'
import type { BoundProgram } from '../run/bind.ts'
import type { Conditions } from '../run/conditions.ts'
import { EVERY_STEP } from '../run/everyStep.ts'
import { InspectionRun, type BoundForward } from '../run/inspectionRun.ts'
import { MAX_ROWS } from '../run/rows.ts'
import type { Runner } from '../run/runner.ts'
import { partsOf, type ForwardPart } from './parts.ts'
import { looksAhead } from './trace.ts'

/** The forward that an inspection looks at. */
export interface ForwardInput {
  readonly runner: Runner
  readonly ids: readonly number[]
  readonly conditions: Conditions
  /** Tokens of the whole text, where `ids` are only its beginning. */
  readonly length?: number
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
  const changes = { adapters: runner.adapters, edits: conditions.edits, mask: conditions.mask }
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
  fullBuffer: LedgerBuffer,
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
    encoder.copyBufferToBuffer(chunk.gpu, source, fullBuffer.gpu, target, rows * inner * 4)
  }
}

/** A program with buffers for only the rows of a part, where those are not all. */
interface Chunk {
  readonly forward: BoundForward
  readonly kept: readonly Step[]
  readonly tensors: ReadonlyMap<string, LedgerBuffer>
}

async function openChunk(
  { run, program, carried }: ForwardPart,
  fullTensors: ReadonlyMap<string, LedgerBuffer>,
  total: number,
): Promise<Chunk> {
  const kept = program.steps.filter(({ name }) => fullTensors.has(name))
  if (program.rows === total)
    return { forward: await run.bind(program, fullTensors), kept, tensors: fullTensors }
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage
  const sizes = new Map([...kept, ...carried].map((step) => [step.name, tensorBytes(shapeOf(step))] as const))
  const tensors = new Map(
    [...sizes].map(([name, bytes]) => [name, run.create(name, bytes, STORAGE | COPY_SRC | COPY_DST)]),
  )
  return { forward: await run.bind(program, tensors), kept, tensors }
}

function runPart(
  part: ForwardPart,
  { forward, kept, tensors }: Chunk,
  input: KeptInput,
  logits: boolean,
): void {
  const { begin, end, run } = part
  const { ids, fullTensors } = input
  const afterPass = (encoder: GPUCommandEncoder): void => {
    part.copyOut(encoder, tensors)
    for (const step of tensors === fullTensors ? [] : kept) {
      const [from, to] = [tensors.get(step.name), fullTensors.get(step.name)]
      invariant(from && to, `${step.name} is kept`)
      place(encoder, step, from, to, { begin, total: ids.length })
    }
  }
  const beforePass = (encoder: GPUCommandEncoder): void => part.copyIn(encoder, tensors)
  run.submit(forward, run.rows(ids, begin, logits, end), { label: 'inspection', beforePass, afterPass })
}

interface KeptInput {
  readonly ids: readonly number[]
  readonly fullTensors: ReadonlyMap<string, LedgerBuffer>
}

/**
 * Runs the tokens from an empty cache of their own; the outputs of the steps named in `tensors` end up there. Long inputs go in
 * parts as {@link partsOf} says, except when all of them fit anyway (`atOnce`) or scores are kept, which look ahead of their row. The caller holds the turn
 * ({@link Runner.exclusive}) and disposes of the run.
 */
export async function runKept(
  input: ForwardInput,
  tensors: ReadonlyMap<string, LedgerBuffer>,
  atOnce: boolean,
): Promise<LastingForward> {
  const { runner, ids, conditions, length } = input
  const total = ids.length
  const fine = fineProgram(input)
  const kept = fine.steps.filter(({ name }) => tensors.has(name))
  invariant(kept.length === tensors.size, 'every kept step is a step of the program')
  const lmHead = lmHeadSteps(fine)
  const logits = kept.some((step) => lmHead.includes(step))
  const run = new InspectionRun(runner, total, conditions, length === undefined ? {} : { textLength: length })
  const record = (begin: number, end: number): Program => {
    const rows = end - begin
    const size = { rows, logitRows: logits ? rows : 0, positions: total }
    return runner.record(size, [...tensors.keys()], run.changes)
  }
  const chunk = atOnce || (run.isCausal && looksAhead(kept, fine)) ? total : MAX_ROWS
  const chunks = new Map<Program, Chunk>()
  try {
    let bound: BoundProgram | null = null
    for await (const part of partsOf({ runner, run, total, chunk, record })) {
      const opened = chunks.get(part.program) ?? (await openChunk(part, tensors, total))
      chunks.set(part.program, opened)
      runPart(part, opened, { ids, fullTensors: tensors }, logits)
      bound = opened.forward.bound
    }
    invariant(bound, 'a text has rows')
    return { run, bound }
  } catch (error) {
    run.dispose()
    throw error
  }
}
