import type { TrainExample } from '../../../../api/model.ts'
import { random, shuffledOrder } from '../../../../train/order.ts'

/** Numbers of the examples that are learned from, and of those kept to measure with; each in the order of the data. */
export interface Split {
  train: readonly number[]
  held: readonly number[]
}

/** Draws `held` examples by a seed, or takes the last where it is null; at least one is left to learn from. */
export function splitExamples(count: number, held: number, seed: number | null): Split {
  const kept = Math.max(0, Math.min(Math.floor(held), count - 1))
  const all = Array.from({ length: count }, (_, at) => at)
  const order = seed === null ? all.toReversed() : shuffledOrder(count, random(seed))
  const isHeld = new Set(order.slice(0, kept))
  return { train: all.filter((at) => !isHeld.has(at)), held: all.filter((at) => isHeld.has(at)) }
}

/** How long examples are, in tokens. */
export interface Lengths {
  shortest: number
  median: number
  longest: number
  tokens: number
  /** Predictions that count. */
  counted: number
  /** Examples that were cut, and the tokens they lost. */
  cut: number
  lost: number
}

export function lengthsOf(examples: readonly (TrainExample & { cut: number })[]): Lengths | null {
  if (examples.length === 0) return null
  const sizes = examples.map(({ ids }) => ids.length).sort((a, b) => a - b)
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  return {
    shortest: sizes[0] ?? 0,
    median: sizes[Math.floor(sizes.length / 2)] ?? 0,
    longest: sizes.at(-1) ?? 0,
    tokens: sum(sizes),
    counted: sum(examples.map(({ mask }) => mask.filter((entry, at) => at > 0 && entry === 1).length)),
    cut: examples.filter(({ cut }) => cut > 0).length,
    lost: sum(examples.map(({ cut }) => cut)),
  }
}
