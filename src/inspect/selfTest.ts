import type { KernelCheck } from '../api/resources.ts'
import { invariant } from '../errors.ts'
import { plainLogits } from '../run/batch.ts'
import type { Sequence } from '../run/cache.ts'
import type { Runner } from '../run/runner.ts'
import { parseRecord, RECORD_BYTES, type SelectRecord } from '../ops/select.ts'
import { hasPassed, rememberPass } from './selfTestPasses.ts'
import { WeightReader } from '../weights/reader.ts'
import { compareValues } from './selfTestValues.ts'

/** Rows of the test's prompt: enough for attention to conditions, few enough for the 8-row program that is compiled anyway. */
const ROWS = 4
const CANDIDATES = 8
/** NMSE. Two orders of summation differ by about 1e-12 after one layer; a wrong component or load is off by far more than 1e-5. */
const TOLERANCE = 1e-5
/** Of log Σ e^logit, absolute: WGSL's exp and log are good to a few ulp. */
const LOG_TOLERANCE = 1e-3

/**
 * Runs the kernels of a freshly loaded model on its own weights: the first rows as one chunk, then the last of them again by
 * itself. Agreement is asked of
 * - the first layer's values in the cache (embedding, norm, weight reads, reductions) with the host's own, in f64;
 * - the logits of both ways (tiled against split attention, many rows against one);
 * - a row of every weight format with the host's own reading of its bytes;
 * - what the sampler kernel found in those logits with what the host finds.
 *
 * @returns null, or what disagrees and by how much. Remembered, where possible, per adapter and set of kernels.
 */
export async function findDisagreement(runner: Runner): Promise<string | null> {
  const { device, pipelines, model } = runner
  // Kernels are right or wrong at the sizes they run at: a pass is one of these sizes.
  const tested = [...pipelines.sources, ...new Set(model.params.map(({ shape }) => shape.join()))]
  if (await hasPassed(device, tested)) return null
  const complaint = (await checkKernels(runner)).find((check) => check.complaint !== null)?.complaint ?? null
  if (complaint === null) await rememberPass(device, tested)
  return complaint
}

/** Makes every comparison of {@link findDisagreement}, whatever has passed before. */
export async function checkKernels(runner: Runner): Promise<KernelCheck[]> {
  const { sequences, model } = runner
  const sequence = sequences.fork(null, 0, 'self-test')
  try {
    const tokens = Array.from({ length: ROWS }, (_, i) => Math.floor(((i + 1) * model.vocab) / (ROWS + 1)))
    await runForwards(runner, sequence, tokens)
    const bytes = model.vocab * 4
    const [logits, record, values] = await Promise.all([
      runner.read(runner.logits.gpu, 0, 2 * bytes),
      runner.read(runner.records.gpu, 0, RECORD_BYTES),
      compareValues(runner, sequence, tokens),
    ])
    const [many, one] = [
      new Float32Array(logits, 0, model.vocab),
      new Float32Array(logits, bytes, model.vocab),
    ]
    return [
      ...(values
        ? [check(`${values.step} of one chunk`, values.got, values.expected, values.tolerance)]
        : []),
      ...(await checkFormats(runner)),
      check('logits of one row by itself', one, many),
      checkRecord(parseRecord(record), one),
    ]
  } finally {
    sequences.drop(sequence)
  }
}

/** A row of every format that the model's matrices have, as kernels read it and as the host does. */
async function checkFormats(runner: Runner): Promise<KernelCheck[]> {
  const { readRowOnHost } = await import('../weights/hostRow.ts')
  const views = new Map(
    runner.model.params
      .filter(({ role }) => role === 'matrix')
      .map(({ name }) => runner.weights.view(name))
      .map((view) => [view.matrix.format.name, view]),
  )
  const checks: KernelCheck[] = []
  for (const [name, view] of views) {
    const row = Math.floor((view.end - view.begin) / 2)
    const { weights } = await new WeightReader(runner).row(view, row)
    const read = (source: GPUBuffer, offset: number, bytes: number) => runner.read(source, offset, bytes)
    const hostRow = await readRowOnHost(read, view, row)
    checks.push(check(`${name} weights of ${view.matrix.name}`, weights, hostRow))
  }
  return checks
}

/** Both ways to the last row's logits: ring row 0 from the chunk, ring row 1 from the row by itself. */
async function runForwards(runner: Runner, sequence: Sequence, tokens: readonly number[]): Promise<void> {
  runner.sequences.reserve(sequence, ROWS)
  const { pages, slot } = sequence
  const rows = tokens.map((token, position) => ({ token, position, pages, slot }))
  const last = rows.at(-1)
  invariant(last, 'the test has rows')
  const [chunk, single] = await Promise.all([runner.live(8, 1), runner.live(1, 1)])
  runner.submit(chunk, [...rows.slice(0, -1), { ...last, logits: plainLogits(0, CANDIDATES) }])
  runner.submit(single, [{ ...last, logits: plainLogits(1, CANDIDATES) }])
}

function finite(values: ArrayLike<number>): boolean {
  return Array.prototype.every.call(values, Number.isFinite)
}

/** Compares what the kernels gave with what was wanted. Damaged weights are another matter, reported elsewhere: NaN agrees with NaN. */
function check(
  what: string,
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance = TOLERANCE,
): KernelCheck {
  if (!finite(expected) && !finite(got)) return { what, error: 0, complaint: null }
  let difference = 0
  let size = 0
  for (let i = 0; i < expected.length; i++) {
    difference += ((got[i] ?? NaN) - (expected[i] ?? NaN)) ** 2
    size += (expected[i] ?? NaN) ** 2
  }
  const error = difference === 0 ? 0 : difference / size
  return { what, error, complaint: error <= tolerance ? null : `${what}: NMSE ${error.toExponential(1)}` }
}

function checkRecord(record: SelectRecord, logits: Float32Array): KernelCheck {
  const complaint = recordComplaint(record, logits)
  return { what: 'select', error: complaint === null ? 0 : 1, complaint }
}

function recordComplaint(record: SelectRecord, logits: Float32Array): string | null {
  if (!finite(logits)) return record.notFinite ? null : 'select: NaN logits went unnoticed'
  const order = Array.from(logits.keys()).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b)
  const wanted = order.slice(0, CANDIDATES)
  const differs = (id: number, i: number): boolean => record.ids[i] !== id || record.logits[i] !== logits[id]
  if (record.token !== wanted[0] || wanted.some(differs)) {
    return `select: candidates ${[...record.ids].join(' ')}, expected ${wanted.join(' ')}`
  }
  const peak = logits[wanted[0] ?? 0] ?? 0
  const logSumExp = peak + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - peak), 0))
  const error = Math.abs(record.logSumExp - logSumExp)
  return error <= LOG_TOLERANCE ? null : `select: log-sum-exp off by ${error}`
}
