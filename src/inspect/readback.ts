import { TokenscopeError } from '../errors.ts'
import type { TensorStats } from '../api/model.ts'
import type { ElementRange } from '../run/executor.ts'
import type { Runner } from '../run/runner.ts'

const BINS = 64
/** Elements read back at a time where the whole need not be held. */
const PIECE = 4 * 1024 * 1024

/** Ranges of one row of a tensor whose row axis has `outer` indices before it: one range each. */
export function rowRanges(shape: readonly number[], axis: number, row: number): ElementRange[] {
  const rows = shape[axis] ?? 1
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1)
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1)
  return Array.from({ length: outer }, (_, o): ElementRange => {
    const begin = (o * rows + row) * inner
    return [begin, begin + inner]
  })
}

/** Whole numbers with 0 ≤ begin ≤ end ≤ limit, or `bad-argument`. */
export function checkRange(what: string, begin: number, end: number, limit: number): void {
  const whole = Number.isInteger(begin) && Number.isInteger(end)
  if (whole && begin >= 0 && begin <= end && end <= limit) return
  throw new TokenscopeError(
    'bad-argument',
    `${what} has ${limit} elements; [${begin}, ${end}) is not in it.`,
    {
      hint: 'Give whole numbers with 0 ≤ begin ≤ end.',
      details: { what, begin, end, limit },
    },
  )
}

interface Moments {
  finite: number
  nan: number
  infinite: number
  min: number
  max: number
  sum: number
  squares: number
}

function gather(moments: Moments, values: Float32Array): void {
  for (const value of values) {
    if (Number.isNaN(value)) moments.nan += 1
    else if (!Number.isFinite(value)) moments.infinite += 1
    else {
      moments.finite += 1
      moments.sum += value
      moments.squares += value * value
      if (value < moments.min) moments.min = value
      if (value > moments.max) moments.max = value
    }
  }
}

/** Counts finite values into bins over [low, high] and returns Σ (x − mean)². */
function spread(counts: number[], values: Float32Array, low: number, high: number, mean: number): number {
  const perBin = high > low ? counts.length / (high - low) : 0
  let deviation = 0
  for (const value of values) {
    if (!Number.isFinite(value)) continue
    const bin = Math.min(counts.length - 1, Math.floor((value - low) * perBin))
    counts[bin] = (counts[bin] ?? 0) + 1
    deviation += (value - mean) ** 2
  }
  return deviation
}

/** Statistics of the values that `pieces` yields; it is gone through twice. All sums in f64. */
export async function statsOf(pieces: () => AsyncIterable<Float32Array>): Promise<TensorStats> {
  const moments: Moments = {
    finite: 0,
    nan: 0,
    infinite: 0,
    min: Infinity,
    max: -Infinity,
    sum: 0,
    squares: 0,
  }
  for await (const values of pieces()) gather(moments, values)
  const { finite, nan, infinite, sum, squares } = moments
  const elements = finite + nan + infinite
  const [min, max] = finite > 0 ? [moments.min, moments.max] : [0, 0]
  const mean = finite > 0 ? sum / finite : 0
  const counts = Array.from({ length: Math.min(BINS, Math.max(1, finite)) }, () => 0)
  let deviation = 0
  for await (const values of pieces()) deviation += spread(counts, values, min, max, mean)
  return {
    elements,
    nan,
    infinite,
    min,
    max,
    mean,
    std: finite > 0 ? Math.sqrt(deviation / finite) : 0,
    norm: Math.sqrt(squares),
    absMax: Math.max(Math.abs(min), Math.abs(max)),
    histogram: { low: min, high: max, counts },
  }
}

/** Statistics of ranges of a buffer. Up to 16 MB is read back once and held; more is read twice, in pieces. */
export function rangeStats(
  runner: Runner,
  source: GPUBuffer,
  ranges: readonly ElementRange[],
): Promise<TensorStats> {
  const count = ranges.reduce((sum, [begin, end]) => sum + end - begin, 0)
  let held: Promise<Float32Array> | null = null
  return statsOf(async function* () {
    if (count <= PIECE) {
      held ??= runner.executor.readElements(source, ranges)
      yield await held
      return
    }
    for (const [begin, end] of ranges) {
      for (let at = begin; at < end; at += PIECE) {
        yield await runner.executor.readElements(source, [[at, Math.min(end, at + PIECE)]])
      }
    }
  })
}
