import { invariant } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { encodeProgram } from './bind.ts'
import { Bench, inspectionRows } from './inspect.ts'
import type { ForwardInput } from './inspectForward.ts'
import { readRanges } from './inspectRead.ts'
import type { Program } from './program.ts'
import { MAX_ROWS } from './runner.ts'

/** Bytes of logits that one run of the head makes. */
const CHUNK_BYTES = 32 * 1024 * 1024

/** A row of a residual stream: which tensor [rows, hidden], which row of it. */
export interface ResidualRow {
  readonly buffer: LedgerBuffer
  readonly row: number
}

/** Name of the residual stream after a layer; −1 is the embedding. */
export const residualName = (layer: number): string => (layer < 0 ? 'embed' : `layers.${layer}.resid`)

/** The end of the decoder by itself: final norm and head, with what adapters add there. */
function headProgram({ runner }: ForwardInput, rows: number): Program {
  const program = runner.record({ rows, logitRows: rows, positions: 1 }, ['logits'])
  const last = program.steps.findLastIndex(({ layer }) => layer !== null)
  return { ...program, steps: program.steps.slice(last + 1) }
}

async function runHead(input: ForwardInput, residuals: readonly ResidualRow[]): Promise<Float32Array> {
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
    const ids = residuals.map(() => 0)
    const rows = inspectionRows(ids, 0, bench.pages, true, mix)
    const words = runner.pack(rows)
    runner.device.queue.writeBuffer(batch.gpu, 0, words)
    const encoder = runner.device.createCommandEncoder({ label: 'head' })
    residuals.forEach(({ buffer, row }, i) => {
      encoder.copyBufferToBuffer(buffer.gpu, row * hidden * 4, stacked.gpu, i * hidden * 4, hidden * 4)
    })
    const pass = encoder.beginComputePass({ label: 'head' })
    encodeProgram(pass, bound)
    pass.end()
    runner.device.queue.submit([encoder.finish()])
    runner.countInspection(rows.length, bound.dispatchCount, words.byteLength)
    return await readRanges(runner, logits.gpu, [[0, residuals.length * vocab]])
  } finally {
    bench.dispose()
  }
}

/**
 * Logits [vocab] of rows of any layer's residual stream, through the final norm and the head: many rows in one product. The caller
 * holds the turn ({@link Runner.exclusive}).
 */
export async function* headLogits(
  input: ForwardInput,
  residuals: readonly ResidualRow[],
): AsyncGenerator<Float32Array> {
  const { vocab } = input.runner.spec
  const chunk = Math.max(1, Math.min(MAX_ROWS, Math.floor(CHUNK_BYTES / (vocab * 4))))
  for (let begin = 0; begin < residuals.length; begin += chunk) {
    const part = residuals.slice(begin, begin + chunk)
    const logits = await runHead(input, part)
    for (let i = 0; i < part.length; i++) yield logits.subarray(i * vocab, (i + 1) * vocab)
  }
}

/** The tensor kept under a name. */
export function keptTensor(tensors: ReadonlyMap<string, LedgerBuffer>, name: string): LedgerBuffer {
  const tensor = tensors.get(name)
  invariant(tensor, `${name} was kept`)
  return tensor
}
