import { TokenscopeError } from '../errors.ts'
import type { TensorStats } from '../api/model.ts'
import { statsOf } from '../maths/stats.ts'
import type { ElementRange } from '../run/executor.ts'
import type { Runner } from '../run/runner.ts'

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
  const areIntegers = Number.isInteger(begin) && Number.isInteger(end)
  if (areIntegers && begin >= 0 && begin <= end && end <= limit) return
  throw new TokenscopeError(
    'bad-argument',
    `${what} has ${limit} elements; [${begin}, ${end}) is not in it.`,
    {
      hint: 'Give whole numbers with 0 ≤ begin ≤ end.',
      details: { what, begin, end, limit },
    },
  )
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
