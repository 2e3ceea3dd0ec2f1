import { TokenscopeError, invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import type { Mix } from '../engine/adapterSet.ts'
import { tensorBytes } from '../program/arena.ts'
import { encodeProgram, type BoundProgram } from '../run/bind.ts'
import { Bench, EVERY_STEP, inspectionRows, rowAxis } from './trace.ts'
import { elements, type Program, type Step } from '../program/program.ts'
import { MAX_ROWS, type Runner } from '../run/runner.ts'

/** The forward that an inspection looks at. */
export interface ForwardInput {
  readonly runner: Runner
  readonly ids: readonly number[]
  readonly mix: Mix
  /** Names what is merged into the weights; null for nothing. */
  weights(): string | null
}

/** A forward that can run again: its bench lives until it is disposed of. */
export interface LastingForward {
  readonly bench: Bench
  readonly bound: BoundProgram
}

/** The fine program over all the tokens, every step observed: shapes are of exactly these rows. */
export function fineProgram({ runner, ids, mix }: ForwardInput): Program {
  const rows = ids.length
  const changes = { bank: runner.bank, edits: mix.edits }
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
    for (const { name, shape } of steps) {
      tensors.set(name, ledger.create(`inspection:${name}`, tensorBytes(shape), usage))
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
    details: { bytes: steps.reduce((sum, { shape }) => sum + tensorBytes(shape), 0), cause: failure.message },
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
  const axis = rowAxis(step)
  const rows = step.shape[axis] ?? 1
  const inner = elements(step.shape.slice(axis + 1))
  const outer = elements(step.shape.slice(0, axis))
  for (let o = 0; o < outer; o++) {
    const source = o * rows * inner * 4
    const target = (o * at.total + at.begin) * inner * 4
    encoder.copyBufferToBuffer(chunk.gpu, source, whole.gpu, target, rows * inner * 4)
  }
}

async function runRows(
  { runner, ids, mix }: ForwardInput,
  bench: Bench,
  whole: ReadonlyMap<string, LedgerBuffer>,
  [begin, end]: readonly [number, number],
): Promise<BoundProgram> {
  const part = ids.slice(begin, end)
  const logits = whole.has('logits') || whole.has('final_norm')
  const size = { rows: part.length, logitRows: logits ? part.length : 0, positions: ids.length }
  const program = runner.record(size, [...whole.keys()], bench.changes)
  const kept = program.steps.filter(({ name }) => whole.has(name))
  invariant(kept.length === whole.size, 'every kept step is a step of the program')
  const inParts = part.length < ids.length
  const { STORAGE, COPY_SRC } = GPUBufferUsage
  const own = inParts
    ? new Map(
        kept.map(({ name, shape }) => [name, bench.create(name, tensorBytes(shape), STORAGE | COPY_SRC)]),
      )
    : whole
  const { bound, batch } = await bench.bind(program, own)
  const rows = inspectionRows(part, begin, bench.pages, logits, mix)
  const words = runner.pack(rows)
  runner.device.queue.writeBuffer(batch.gpu, 0, words)
  const encoder = runner.device.createCommandEncoder({ label: 'inspection' })
  const pass = encoder.beginComputePass({ label: 'inspection' })
  encodeProgram(pass, bound)
  pass.end()
  for (const step of inParts ? kept : []) {
    const [from, to] = [own.get(step.name), whole.get(step.name)]
    invariant(from && to, `${step.name} is kept`)
    place(encoder, step, from, to, { begin, total: ids.length })
  }
  runner.device.queue.submit([encoder.finish()])
  runner.countInspection(rows.length, bound.dispatchCount, words.byteLength)
  return bound
}

/**
 * Runs the tokens from an empty cache of their own; the outputs of the steps named in `tensors` end up there. Long inputs go in
 * chunks, except when all of them fit anyway (`atOnce`) or scores are kept, which look ahead of their row. The caller holds the turn
 * ({@link Runner.exclusive}) and disposes of the bench.
 */
export async function runKept(
  input: ForwardInput,
  tensors: ReadonlyMap<string, LedgerBuffer>,
  atOnce: boolean,
): Promise<LastingForward> {
  const total = input.ids.length
  const scores = [...tensors.keys()].some((name) => name.endsWith('.scores'))
  const chunk = atOnce || scores ? total : MAX_ROWS
  const bench = new Bench(input.runner, total, input.mix)
  try {
    for (let begin = 0; ; begin += chunk) {
      const end = Math.min(total, begin + chunk)
      const bound = await runRows(input, bench, tensors, [begin, end])
      if (end === total) return { bench, bound }
    }
  } catch (error) {
    bench.dispose()
    throw error
  }
}
