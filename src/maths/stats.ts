import type { TensorStats } from '../api/model.ts'

const BINS = 64

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
