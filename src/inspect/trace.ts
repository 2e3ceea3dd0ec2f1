import { TokenscopeError, invariant, throwIfAborted } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import type { TensorData } from '../api/model.ts'
import { planArena, tensorBytes } from '../program/arena.ts'
import type { Mix } from '../engine/adapterSet.ts'
import { batchWords, type BatchRow } from '../run/batch.ts'
import { bindProgram, encodeProgram, type BoundProgram } from '../run/bind.ts'
import { PAGE, PagePool } from '../run/cache.ts'
import { elements, matchesPattern, type Program, type Step } from '../program/program.ts'
import { MAX_ROWS, type ForwardChanges, type Runner } from '../run/runner.ts'

/** Patterns that observe all steps. */
export const EVERY_STEP = ['*', '*.*', '*.*.*', '*.*.*.*'] as const

/** Axis of a step's shape that runs over the rows of the forward. */
export function rowAxis({ shape }: Step): number {
  return shape.length === 3 ? 1 : 0
}

/** Buffers of one inspecting forward: its own pages and outputs, so that nothing of a live sequence can change. */
export class Bench {
  private readonly buffers: LedgerBuffer[] = []
  readonly pool: PagePool
  readonly pages: number[]
  /** Adapters and edits the forward is recorded with. */
  readonly changes: ForwardChanges
  private readonly runner: Runner

  constructor(runner: Runner, positions: number, mix: Mix) {
    this.runner = runner
    this.changes = { bank: runner.bank, edits: mix.edits }
    const count = Math.ceil(positions / PAGE)
    this.pool = new PagePool(runner.ledger, runner.spec, count, 'inspection')
    this.pages = Array.from({ length: count }, (_, i) => i)
  }

  create(label: string, bytes: number, usage: GPUBufferUsageFlags): LedgerBuffer {
    const max = this.runner.device.limits.maxStorageBufferBindingSize
    if (bytes > max) {
      throw new TokenscopeError('limit', `${label} takes ${bytes} bytes; this device can bind ${max}.`, {
        hint: 'Inspect fewer tokens at once, or fewer probes.',
        details: { label, bytes, maxStorageBufferBindingSize: max },
      })
    }
    const buffer = this.runner.ledger.create(`inspection:${label}`, bytes, usage)
    this.buffers.push(buffer)
    return buffer
  }

  /** Binds a program whose observed steps write into `tensors`; the other outputs share an arena. */
  async bind(
    program: Program,
    tensors: ReadonlyMap<string, LedgerBuffer>,
  ): Promise<{ bound: BoundProgram; batch: LedgerBuffer }> {
    const { STORAGE, COPY_DST } = GPUBufferUsage
    const batch = this.create('batch', batchWords(program.rows, 1, this.pages.length) * 4, STORAGE | COPY_DST)
    const plan = planArena(program, new Set(tensors.keys()))
    const arena = plan.bytes.map((bytes, i) => this.create(`arena${i}`, bytes, STORAGE))
    const resources = this.runner.resources(
      {
        batch: batch.gpu,
        pages: (layer) => this.pool.layer(layer),
        scratch: (bytes) => this.create('parts', bytes, STORAGE).gpu,
        tensor: (name) => {
          const buffer = tensors.get(name) ?? arena[plan.slots.get(name) ?? -1]
          invariant(buffer, `${name} has a buffer`)
          return buffer.gpu
        },
      },
      this.changes,
    )
    const bound = await bindProgram(program, resources, this.runner.pipelines, this.runner.ledger)
    this.buffers.push(bound.params)
    return { bound, batch }
  }

  dispose(): void {
    for (const buffer of this.buffers.splice(0)) this.runner.ledger.destroy(buffer)
    this.pool.dispose()
  }
}

const GREEDY = {
  candidates: 1,
  inverseTemperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  seed: [0, 0] as const,
  counter: 0,
}

/** The tokens as rows of one sequence from `begin` on; with `logits`, row i of the chunk has its logits in ring row i. */
export function inspectionRows(
  ids: readonly number[],
  begin: number,
  pages: readonly number[],
  logits: boolean,
  { scales }: Mix,
): BatchRow[] {
  return ids.map((token, i) => ({
    token,
    position: begin + i,
    pages,
    slot: 0,
    scales,
    logits: logits ? { ...GREEDY, ringRow: i } : undefined,
  }))
}

/** Puts the rows of one chunk into the whole tensor. */
function place(step: Step, chunk: Float32Array, whole: Float32Array, begin: number, total: number): void {
  const axis = rowAxis(step)
  const rows = step.shape[axis] ?? 1
  const inner = elements(step.shape.slice(axis + 1))
  const outer = elements(step.shape.slice(0, axis))
  for (let o = 0; o < outer; o++) {
    whole.set(chunk.subarray(o * rows * inner, (o + 1) * rows * inner), (o * total + begin) * inner)
  }
}

async function runChunk(
  runner: Runner,
  bench: Bench,
  program: Program,
  observed: readonly Step[],
  rows: BatchRow[],
): Promise<ReadonlyMap<string, Float32Array>> {
  const { STORAGE, COPY_SRC } = GPUBufferUsage
  const tensors = new Map(
    observed.map(({ name, shape }) => [name, bench.create(name, tensorBytes(shape), STORAGE | COPY_SRC)]),
  )
  const { bound, batch } = await bench.bind(program, tensors)
  const words = runner.pack(rows)
  runner.device.queue.writeBuffer(batch.gpu, 0, words)
  const total = observed.reduce((sum, step) => sum + tensorBytes(step.shape), 0)
  const staging = bench.create(
    'staging',
    Math.max(16, total),
    GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  )
  const encoder = runner.device.createCommandEncoder({ label: 'inspection' })
  const pass = encoder.beginComputePass({ label: 'inspection' })
  encodeProgram(pass, bound)
  pass.end()
  let at = 0
  for (const step of observed) {
    const buffer = tensors.get(step.name)
    invariant(buffer, `${step.name} is observed`)
    encoder.copyBufferToBuffer(buffer.gpu, 0, staging.gpu, at, tensorBytes(step.shape))
    at += tensorBytes(step.shape)
  }
  runner.device.queue.submit([encoder.finish()])
  runner.countInspection(rows.length, bound.dispatchCount, words.byteLength)
  const mapped = await runner.map(staging)
  const result = new Map<string, Float32Array>()
  at = 0
  for (const step of observed) {
    result.set(step.name, new Float32Array(mapped, at, elements(step.shape)).slice())
    at += tensorBytes(step.shape)
  }
  return result
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

/** Logits [vocab] behind the last of the tokens, computed from an empty cache of their own. */
export function lastLogits(runner: Runner, ids: readonly number[], mix: Mix): Promise<Float32Array> {
  return runner.exclusive(() => computeLastLogits(runner, ids, mix))
}

async function computeLastLogits(runner: Runner, ids: readonly number[], mix: Mix): Promise<Float32Array> {
  const bench = new Bench(runner, ids.length, mix)
  try {
    for (let begin = 0; ; begin += MAX_ROWS) {
      const part = ids.slice(begin, begin + MAX_ROWS)
      const last = begin + part.length === ids.length
      const size = { rows: part.length, logitRows: last ? 1 : 0, positions: ids.length }
      const program = runner.record(size, last ? ['logits'] : [], bench.changes)
      const observed = program.steps.filter(({ name }) => last && name === 'logits')
      const rows = inspectionRows(part, begin, bench.pages, false, mix)
      const final = rows.at(-1)
      invariant(final, 'a chunk has rows')
      if (last) final.logits = { ...GREEDY, ringRow: 0 }
      const read = await runChunk(runner, bench, program, observed, rows)
      const logits = read.get('logits')
      if (logits) return logits
    }
  } finally {
    bench.dispose()
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
  mix: Mix,
  signal?: AbortSignal,
): Promise<Map<string, TensorData>> {
  return runner.exclusive(() => traceAlone(runner, ids, probes, mix, signal))
}

async function traceAlone(
  runner: Runner,
  ids: readonly number[],
  probes: readonly string[],
  mix: Mix,
  signal: AbortSignal | undefined,
): Promise<Map<string, TensorData>> {
  const total = ids.length
  const fine = runner.record({ rows: total, logitRows: total, positions: total }, EVERY_STEP, {
    bank: runner.bank,
    edits: mix.edits,
  })
  checkProbes(fine, probes)
  const wanted = fine.steps.filter(({ name }) => probes.some((probe) => matchesPattern(name, probe)))
  const names = wanted.map(({ name }) => name)
  const chunkRows = wanted.some(({ name }) => name.endsWith('attn.scores')) ? total : MAX_ROWS
  const result = new Map(
    wanted.map((step): [string, TensorData] => [
      step.name,
      { shape: step.shape, data: new Float32Array(elements(step.shape)) },
    ]),
  )
  const bench = new Bench(runner, total, mix)
  try {
    for (let begin = 0; begin < total; begin += chunkRows) {
      throwIfAborted(signal)
      const part = ids.slice(begin, begin + chunkRows)
      const wantLogits = names.some((name) => name === 'logits' || name === 'final_norm')
      const size = { rows: part.length, logitRows: wantLogits ? part.length : 0, positions: total }
      const program = runner.record(size, names, bench.changes)
      const observed = program.steps.filter(({ name }) => names.includes(name))
      const rows = inspectionRows(part, begin, bench.pages, wantLogits, mix)
      const chunk = await runChunk(runner, bench, program, observed, rows)
      for (const step of observed) {
        const data = chunk.get(step.name)
        const whole = result.get(step.name)
        invariant(data && whole, `${step.name} was read`)
        place(step, data, whole.data, begin, total)
      }
    }
  } finally {
    bench.dispose()
  }
  return result
}
