import { invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { lmHeadSteps, streamName, type Program } from '../program/step.ts'
import { FROM_SAMPLER } from '../run/batch.ts'
import { InspectionRun } from '../run/inspectionRun.ts'
import { MAX_ROWS } from '../run/rows.ts'
import type { ForwardInput } from './forward.ts'

/** Bytes of logits that one run of the head makes. */
const CHUNK_BYTES = 8 * 1024 * 1024

/** A row of a residual stream: which tensor [rows, hidden], which row of it. */
export interface ResidualRow {
  readonly buffer: LedgerBuffer
  readonly row: number
  /** Token whose rank is wanted, by those who rank. */
  readonly token?: number | null
}

/** Logits of some residual rows, [rows, vocab], still on the GPU. */
export interface UnembedOutput {
  readonly run: InspectionRun
  readonly batch: GPUBuffer
  readonly logits: GPUBuffer
  readonly rows: number
}

/** What becomes of the logits. */
export interface UnembedReader<T> {
  /** Candidates that the batch asks for, at most 256. */
  readonly candidates: number
  bind(output: UnembedOutput): Promise<BoundReader<T>>
}

export interface BoundReader<T> {
  /** May add dispatches behind the head; returns their number. */
  readonly encode: (pass: GPUComputePassEncoder) => number
  /** Called once all of it is submitted. */
  readonly read: () => Promise<T>
}

/** Name of the residual stream after a layer; −1 is the embedding. */
export function residualName({ runner, ids }: ForwardInput, layer: number): string {
  return streamName(runner.model.record({ rows: ids.length, logitRows: 0, positions: ids.length }), layer)
}

/** The end of the forward by itself: last norm and head, with what adapters add there. */
function lmHeadProgram(input: ForwardInput, rows: number): Program {
  // What the head reads is there already: no kernel may make it anew.
  const observed = ['logits', residualName(input, input.runner.model.layers - 1)]
  const program = input.runner.record({ rows, logitRows: rows, positions: 1 }, observed)
  return { ...program, steps: lmHeadSteps(program) }
}

async function unembedChunk<T>(
  input: ForwardInput,
  residuals: readonly ResidualRow[],
  reader: UnembedReader<T>,
): Promise<T> {
  const { runner, conditions } = input
  const { hidden, vocab, layers } = runner.model
  const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage
  const run = new InspectionRun(runner, 1, conditions)
  try {
    const stacked = run.create('stacked', residuals.length * hidden * 4, STORAGE | COPY_DST)
    const logits = run.create('logits', residuals.length * vocab * 4, STORAGE | COPY_SRC)
    const tensors = new Map([
      [residualName(input, layers - 1), stacked],
      ['logits', logits],
    ])
    const forward = await run.bind(lmHeadProgram(input, residuals.length), tensors)
    const output = { run, batch: forward.batch.gpu, logits: logits.gpu, rows: residuals.length }
    const { encode, read } = await reader.bind(output)
    const ids = residuals.map(({ token }) => token ?? FROM_SAMPLER)
    const rows = run.rows(ids, 0, true)
    for (const { logits: wanted } of rows) if (wanted) wanted.candidates = reader.candidates
    const beforePass = (encoder: GPUCommandEncoder): void => {
      residuals.forEach(({ buffer, row }, i) => {
        encoder.copyBufferToBuffer(buffer.gpu, row * hidden * 4, stacked.gpu, i * hidden * 4, hidden * 4)
      })
    }
    run.submit(forward, rows, { label: 'unembed', beforePass, inPass: encode })
    return await read()
  } finally {
    run.dispose()
  }
}

/**
 * Sends rows of any layer's residual stream through the final norm and the head, many rows in one product, and gives what the reader
 * makes of each such product's logits. The caller holds the turn ({@link Runner.exclusive}).
 */
export async function* unembed<T>(
  input: ForwardInput,
  residuals: readonly ResidualRow[],
  reader: UnembedReader<T>,
): AsyncGenerator<T> {
  const { vocab } = input.runner.model
  const chunk = Math.max(1, Math.min(MAX_ROWS, Math.floor(CHUNK_BYTES / (vocab * 4))))
  for (let begin = 0; begin < residuals.length; begin += chunk) {
    yield await unembedChunk(input, residuals.slice(begin, begin + chunk), reader)
  }
}

/** Logits [vocab] of rows of residual streams, read back whole. The caller holds the turn. */
export async function* unembedLogits(
  input: ForwardInput,
  residuals: readonly ResidualRow[],
): AsyncGenerator<Float32Array> {
  const { runner } = input
  const { vocab } = runner.model
  const reader: UnembedReader<Float32Array> = {
    candidates: 1,
    bind: ({ logits, rows }) =>
      Promise.resolve({
        encode: () => 0,
        read: () => runner.executor.readElements(logits, [[0, rows * vocab]]),
      }),
  }
  for await (const logits of unembed(input, residuals, reader)) {
    for (let at = 0; at < logits.length; at += vocab) yield logits.subarray(at, at + vocab)
  }
}

/** The tensor kept under a name. */
export function keptTensor(tensors: ReadonlyMap<string, LedgerBuffer>, name: string): LedgerBuffer {
  const tensor = tensors.get(name)
  invariant(tensor, `${name} was kept`)
  return tensor
}
