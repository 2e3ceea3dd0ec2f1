import { invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { tensorBytes } from '../program/arena.ts'
import { PAGE } from '../program/batchLayout.ts'
import { isCausal } from '../program/mask.ts'
import { lmHeadSteps, shapeOf, type Program } from '../program/step.ts'
import { MAX_SEQUENCES } from '../run/cache.ts'
import { InspectionRun, type BoundForward } from '../run/inspectionRun.ts'
import type { ForwardInput } from './forward.ts'

/** More rows than these are not worth a branch: the whole text is run then. */
const MAX_SUFFIX_ROWS = 32

/** Outputs of steps over only the last tokens of a text. They belong to the caller. */
export interface SuffixTensors {
  /** Position of row 0. */
  readonly begin: number
  readonly tensors: ReadonlyMap<string, LedgerBuffer>
}

/** True when a branch finds everything before it in the cache, and free room. */
function hasRoom({ runner, ids, conditions }: ForwardInput, begin: number): boolean {
  const { sequences, pool } = runner
  const origin = runner.origin(conditions, ids.length)
  const held = sequences.longestPrefix(ids.slice(0, begin), origin)?.length ?? 0
  const pages = Math.ceil(ids.length / PAGE) - Math.floor(begin / PAGE)
  return held >= begin && pool.freePages >= pages && sequences.all().length < MAX_SEQUENCES
}

/**
 * Runs the rows in a branch of the sequence that holds what is before them. Nothing else comes between its beginning and its end: the
 * queue keeps the order, so pages given back here are used again only afterwards.
 */
function submitBranch(
  input: ForwardInput,
  begin: number,
  run: InspectionRun,
  { forward, logits }: { forward: BoundForward; logits: boolean },
): void {
  const { runner, ids, conditions } = input
  const { sequences } = runner
  const origin = runner.origin(conditions, ids.length)
  const parent = sequences.longestPrefix(ids.slice(0, begin), origin)
  const branch = sequences.fork(parent?.sequence ?? null, begin, origin.key)
  try {
    sequences.reserve(branch, ids.length)
    const pages = [...branch.pages]
    const rows = run.rows(ids, begin, logits).map((row) => ({ ...row, pages, slot: branch.slot }))
    run.submit(forward, rows, { label: 'suffix' })
  } finally {
    sequences.drop(branch)
  }
}

/** False when the cache no longer holds what it held before the kernels were compiled, or holds it elsewhere. */
async function runBound(
  input: ForwardInput,
  program: Program,
  { begin, tensors }: SuffixTensors,
): Promise<boolean> {
  const run = new InspectionRun(input.runner, input.ids.length, input.conditions, {
    cache: input.runner.pool,
  })
  try {
    const { pool } = input.runner
    const { moves } = pool
    const forward = await run.bind(program, tensors)
    const hasPages = pool.moves === moves && hasRoom(input, begin)
    if (hasPages) submitBranch(input, begin, run, { forward, logits: program.logitRows > 0 })
    return hasPages
  } finally {
    run.dispose()
  }
}

/**
 * The outputs of steps over the tokens from `begin` on, over keys and values that live runs left in the cache: no live sequence is
 * written to or given up. Null when the cache does not hold what is before them. The caller holds the turn
 * ({@link Runner.exclusive}) and frees the tensors.
 */
export async function runSuffix(
  input: ForwardInput,
  names: ReadonlySet<string>,
  begin: number,
): Promise<SuffixTensors | null> {
  const { runner, ids, conditions } = input
  const rows = ids.length - begin
  // Under another mask than causal what is before them has seen what comes after: no live sequence holds that.
  if (!isCausal(conditions.mask ?? runner.model.mask)) return null
  if (rows > MAX_SUFFIX_ROWS || !hasRoom(input, begin)) return null
  const changes = { adapters: runner.adapters, edits: conditions.edits }
  const record = (logitRows: number): Program =>
    runner.record({ rows, logitRows, positions: ids.length }, [...names], changes)
  const fullProgram = record(rows)
  const program = lmHeadSteps(fullProgram).some(({ name }) => names.has(name)) ? fullProgram : record(0)
  const { STORAGE, COPY_SRC } = GPUBufferUsage
  const kept = program.steps.filter(({ name }) => names.has(name))
  invariant(kept.length === names.size, 'every kept step is a step of the program')
  const create = (label: string, bytes: number): LedgerBuffer =>
    runner.ledger.create(`inspection:${label}`, bytes, STORAGE | COPY_SRC)
  const tensors = new Map(kept.map((step) => [step.name, create(step.name, tensorBytes(shapeOf(step)))]))
  let ran = false
  try {
    ran = await runBound(input, program, { begin, tensors })
  } finally {
    if (!ran) tensors.forEach((buffer) => runner.ledger.destroy(buffer))
  }
  return ran ? { begin, tensors } : null
}
