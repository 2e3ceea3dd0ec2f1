import { invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { FROM_SAMPLER } from '../run/batch.ts'
import { encodeProgram } from '../run/bind.ts'
import { Bench, inspectionRows } from './trace.ts'
import type { ForwardInput } from './forward.ts'
import { readRanges } from './readback.ts'
import type { Program } from '../program/program.ts'
import { MAX_ROWS } from '../run/runner.ts'

/** Bytes of logits that one run of the head makes. */
const CHUNK_BYTES = 32 * 1024 * 1024

/** A row of a residual stream: which tensor [rows, hidden], which row of it. */
export interface ResidualRow {
  readonly buffer: LedgerBuffer
  readonly row: number
  /** Token whose rank is wanted, by those who rank. */
  readonly token?: number | null
}

/** Logits of some residual rows, [rows, vocab], still on the GPU. */
export interface HeadOutput {
  readonly bench: Bench
  readonly batch: GPUBuffer
  readonly logits: GPUBuffer
  readonly rows: number
}

/** What becomes of the logits. */
export interface HeadReader<T> {
  /** Candidates that the batch asks for, at most 256. */
  readonly candidates: number
  bind(output: HeadOutput): Promise<BoundReader<T>>
}

export interface BoundReader<T> {
  /** May add dispatches behind the head; returns their number. */
  readonly encode: (pass: GPUComputePassEncoder) => number
  /** Called once all of it is submitted. */
  readonly read: () => Promise<T>
}

/** Name of the residual stream after a layer; −1 is the embedding. */
export const residualName = (layer: number): string => (layer < 0 ? 'embed' : `layers.${layer}.resid`)

/** The end of the decoder by itself: final norm and head, with what adapters add there. */
function headProgram({ runner }: ForwardInput, rows: number): Program {
  const program = runner.record({ rows, logitRows: rows, positions: 1 }, ['logits'])
  const last = program.steps.findLastIndex(({ layer }) => layer !== null)
  return { ...program, steps: program.steps.slice(last + 1) }
}

async function runHead<T>(
  input: ForwardInput,
  residuals: readonly ResidualRow[],
  reader: HeadReader<T>,
): Promise<T> {
  const { runner, mix } = input
  const { hidden, vocab, layers } = runner.spec
  const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage
  const bench = new Bench(runner, 1, mix)
  try {
    const stacked = bench.create('stacked', residuals.length * hidden * 4, STORAGE | COPY_DST)
    const logits = bench.create('logits', residuals.length * vocab * 4, STORAGE | COPY_SRC)
    const tensors = new Map([
      [residualName(layers - 1), stacked],
      ['logits', logits],
    ])
    const { bound, batch } = await bench.bind(headProgram(input, residuals.length), tensors)
    const output = { bench, batch: batch.gpu, logits: logits.gpu, rows: residuals.length }
    const { encode, read } = await reader.bind(output)
    const ids = residuals.map(({ token }) => token ?? FROM_SAMPLER)
    const rows = inspectionRows(ids, 0, bench.pages, true, mix)
    for (const { logits: wanted } of rows) if (wanted) wanted.candidates = reader.candidates
    const words = runner.pack(rows)
    runner.device.queue.writeBuffer(batch.gpu, 0, words)
    const encoder = runner.device.createCommandEncoder({ label: 'head' })
    residuals.forEach(({ buffer, row }, i) => {
      encoder.copyBufferToBuffer(buffer.gpu, row * hidden * 4, stacked.gpu, i * hidden * 4, hidden * 4)
    })
    const pass = encoder.beginComputePass({ label: 'head' })
    encodeProgram(pass, bound)
    const more = encode(pass)
    pass.end()
    runner.device.queue.submit([encoder.finish()])
    runner.countInspection(rows.length, bound.dispatchCount + more, words.byteLength)
    return await read()
  } finally {
    bench.dispose()
  }
}

/**
 * Sends rows of any layer's residual stream through the final norm and the head, many rows in one product, and gives what the reader
 * makes of each such product's logits. The caller holds the turn ({@link Runner.exclusive}).
 */
export async function* readHead<T>(
  input: ForwardInput,
  residuals: readonly ResidualRow[],
  reader: HeadReader<T>,
): AsyncGenerator<T> {
  const { vocab } = input.runner.spec
  const chunk = Math.max(1, Math.min(MAX_ROWS, Math.floor(CHUNK_BYTES / (vocab * 4))))
  for (let begin = 0; begin < residuals.length; begin += chunk) {
    yield await runHead(input, residuals.slice(begin, begin + chunk), reader)
  }
}

/** Logits [vocab] of rows of residual streams, read back whole. The caller holds the turn. */
export async function* headLogits(
  input: ForwardInput,
  residuals: readonly ResidualRow[],
): AsyncGenerator<Float32Array> {
  const { runner } = input
  const { vocab } = runner.spec
  const whole: HeadReader<Float32Array> = {
    candidates: 1,
    bind: ({ logits, rows }) =>
      Promise.resolve({ encode: () => 0, read: () => readRanges(runner, logits, [[0, rows * vocab]]) }),
  }
  for await (const logits of readHead(input, residuals, whole)) {
    for (let at = 0; at < logits.length; at += vocab) yield logits.subarray(at, at + vocab)
  }
}

/** The tensor kept under a name. */
export function keptTensor(tensors: ReadonlyMap<string, LedgerBuffer>, name: string): LedgerBuffer {
  const tensor = tensors.get(name)
  invariant(tensor, `${name} was kept`)
  return tensor
}
