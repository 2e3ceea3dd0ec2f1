import { invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { planArena, tensorBytes } from '../program/arena.ts'
import { batchWords } from '../run/batch.ts'
import { bindProgram, encodeProgram, type BoundProgram } from '../run/bind.ts'
import { MAX_SEQUENCES, PAGE } from '../run/cache.ts'
import type { ForwardInput } from './forward.ts'
import type { Program } from '../program/program.ts'
import type { Runner } from '../run/runner.ts'

/** More rows than these are not worth a branch: the whole text is run then. */
const MOST_ROWS = 8

/** Outputs of steps over the last tokens of a text alone. They belong to the caller. */
export interface Tail {
  /** Position of row 0. */
  readonly begin: number
  readonly tensors: ReadonlyMap<string, LedgerBuffer>
}

/** True when a branch finds everything before it in the cache, and room that nobody has to give up. */
function hasRoom({ runner, ids, mix }: ForwardInput, begin: number): boolean {
  const { sequences, pool } = runner
  const held = sequences.longestPrefix(ids.slice(0, begin), mix)?.length ?? 0
  const pages = Math.ceil(ids.length / PAGE) - Math.floor(begin / PAGE)
  return held >= begin && pool.freePages >= pages && sequences.all().length < MAX_SEQUENCES
}

/** What a tail's program is bound to besides the cache; freed together. */
async function bindTail(
  runner: Runner,
  program: Program,
  tail: Tail,
  pages: number,
  mix: ForwardInput['mix'],
) {
  const { STORAGE, COPY_DST } = GPUBufferUsage
  const own: LedgerBuffer[] = []
  const create = (label: string, bytes: number, usage: GPUBufferUsageFlags): LedgerBuffer => {
    const buffer = runner.ledger.create(`inspection:${label}`, bytes, usage)
    own.push(buffer)
    return buffer
  }
  const batch = create('batch', batchWords(program.rows, 1, pages) * 4, STORAGE | COPY_DST)
  const plan = planArena(program, new Set(tail.tensors.keys()))
  const arena = plan.bytes.map((bytes, i) => create(`arena${i}`, bytes, STORAGE))
  const resources = runner.resources(
    {
      batch: batch.gpu,
      pages: (layer) => runner.pool.layer(layer),
      scratch: (bytes) => create('parts', bytes, STORAGE).gpu,
      tensor: (name) => {
        const buffer = tail.tensors.get(name) ?? arena[plan.slots.get(name) ?? -1]
        invariant(buffer, `${name} has a buffer`)
        return buffer.gpu
      },
    },
    { bank: runner.bank, edits: mix.edits },
  )
  const bound = await bindProgram(program, resources, runner.pipelines, runner.ledger)
  own.push(bound.params)
  return { bound, batch, free: () => own.forEach((buffer) => runner.ledger.destroy(buffer)) }
}

/**
 * Runs the rows in a branch of the sequence that holds what is before them. Nothing else comes between its beginning and its end: the
 * queue keeps the order, so pages given back here are used again only afterwards.
 */
function submitBranch(input: ForwardInput, begin: number, bound: BoundProgram, batch: LedgerBuffer): void {
  const { runner, ids, mix } = input
  const { sequences } = runner
  const parent = sequences.longestPrefix(ids.slice(0, begin), mix)
  const branch = sequences.fork(parent?.sequence ?? null, begin, mix.key)
  try {
    sequences.reserve(branch, ids.length)
    const pages = [...branch.pages]
    const rows = ids.slice(begin).map((token, i) => {
      return { token, position: begin + i, pages, slot: branch.slot, scales: mix.scales, logits: undefined }
    })
    const words = runner.pack(rows)
    runner.device.queue.writeBuffer(batch.gpu, 0, words)
    const encoder = runner.device.createCommandEncoder({ label: 'tail' })
    const pass = encoder.beginComputePass({ label: 'tail' })
    encodeProgram(pass, bound)
    pass.end()
    runner.device.queue.submit([encoder.finish()])
    runner.countInspection(rows.length, bound.dispatchCount, words.byteLength)
  } finally {
    sequences.drop(branch)
  }
}

/** False when the cache no longer holds what it held before the kernels were compiled. */
async function runBound(input: ForwardInput, program: Program, tail: Tail): Promise<boolean> {
  const pages = Math.ceil(input.ids.length / PAGE)
  const { bound, batch, free } = await bindTail(input.runner, program, tail, pages, input.mix)
  try {
    const found = hasRoom(input, tail.begin)
    if (found) submitBranch(input, tail.begin, bound, batch)
    return found
  } finally {
    free()
  }
}

/**
 * The outputs of steps over the tokens from `begin` on, over keys and values that live runs left in the cache: no live sequence is
 * written to or given up. Null when the cache does not hold what is before them. The caller holds the turn
 * ({@link Runner.exclusive}) and frees the tensors.
 */
export async function runTail(
  input: ForwardInput,
  names: ReadonlySet<string>,
  begin: number,
): Promise<Tail | null> {
  const { runner, ids, mix } = input
  const rows = ids.length - begin
  if (rows > MOST_ROWS || !hasRoom(input, begin)) return null
  const size = { rows, logitRows: 0, positions: runner.context }
  const program = runner.record(size, [...names], { bank: runner.bank, edits: mix.edits })
  const { STORAGE, COPY_SRC } = GPUBufferUsage
  const kept = program.steps.filter(({ name }) => names.has(name))
  invariant(kept.length === names.size, 'every kept step is a step of the program')
  const tensors = new Map(
    kept.map(({ name, shape }) => [
      name,
      runner.ledger.create(`inspection:${name}`, tensorBytes(shape), STORAGE | COPY_SRC),
    ]),
  )
  let ran = false
  try {
    ran = await runBound(input, program, { begin, tensors })
  } finally {
    if (!ran) tensors.forEach((buffer) => runner.ledger.destroy(buffer))
  }
  return ran ? { begin, tensors } : null
}
