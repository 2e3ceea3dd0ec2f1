import type { TrainOptions } from '../api/train.ts'
import { TokenscopeError } from '../errors.ts'
import { passesOfRound } from './schedule.ts'

/** Options with their defaults, checked. */
export interface TrainSettings {
  readonly objective: 'likelihood' | 'dpo'
  readonly beta: number
  readonly optimizer: 'adamw' | 'adafactor' | 'sgd'
  readonly learningRate: number
  readonly betas: readonly [number, number]
  /** adamw: ε; adafactor: ε₁. */
  readonly eps: number
  readonly weightDecay: number
  readonly decayRate: number
  readonly clipThreshold: number
  readonly clipNorm: number | null
  readonly schedule: 'constant' | 'linear' | 'cosine'
  readonly warmupSteps: number
  readonly finalRate: number
  readonly steps: number
  readonly batchSize: number
  /** Null: passes hold {@link batchSize} examples each. */
  readonly packRows: number | null
  readonly accumulate: number
  readonly finalAccumulate: number
  readonly shuffle: number | false
  readonly spikeFactor: number | null
  readonly keep: 'auto' | 'everything' | 'layers'
  readonly norms: boolean
}

function fail(field: string, got: unknown, expected: string): TokenscopeError {
  return new TokenscopeError(
    'bad-argument',
    `${field} is ${JSON.stringify(got) ?? String(got)}; expected ${expected}.`,
    {
      hint: `Give ${expected}, or leave it out.`,
      details: { field, got: String(got), expected },
    },
  )
}

function oneOf<T extends string>(field: string, got: T | undefined, allowed: readonly [T, ...T[]]): T {
  if (got === undefined) return allowed[0]
  if (allowed.includes(got)) return got
  throw fail(field, got, allowed.join(', '))
}

function number(
  field: string,
  got: number | undefined,
  fallback: number,
  { min = -Infinity, below = Infinity }: { min?: number; below?: number } = {},
): number {
  const value = got ?? fallback
  const range =
    min === -Infinity
      ? 'a finite number'
      : `a number from ${min}${below === Infinity ? '' : ` to below ${below}`}`
  if (Number.isFinite(value) && value >= min && value < below) return value
  throw fail(field, value, range)
}

function count(field: string, got: number | undefined, fallback: number, min = 1): number {
  const value = got ?? fallback
  if (Number.isInteger(value) && value >= min) return value
  throw fail(field, value, `a whole number from ${min}`)
}

function positiveOrNull(field: string, got: number | null | undefined): number | null {
  if (got === null || got === undefined) return null
  if (Number.isFinite(got) && got > 0) return got
  throw fail(field, got, 'a number above 0, or null')
}

function epsOf({ eps, optimizer }: TrainOptions): number {
  if (optimizer === 'adafactor') {
    if (typeof eps === 'number') throw fail('eps', eps, 'two numbers [ε₁, ε₂] for adafactor')
    return number('eps', eps?.[0], 1e-30, { min: 0 })
  }
  if (eps !== undefined && typeof eps !== 'number') throw fail('eps', eps, 'one number')
  return number('eps', eps, 1e-8, { min: 0 })
}

function shuffleOf(shuffle: TrainOptions['shuffle']): number | false {
  if (shuffle === undefined || shuffle === false) return false
  if (Number.isInteger(shuffle)) return shuffle
  throw fail('shuffle', shuffle, 'a whole number as seed, or false')
}

function packRowsOf({ packRows, objective }: TrainOptions): number | null {
  if (packRows === undefined || packRows === null) return null
  if (objective === 'dpo')
    throw fail('packRows', packRows, "null under 'dpo': passes hold batchSize pairs each")
  return count('packRows', packRows, 1)
}

/** Throws `bad-argument`, naming the option. `rows`: of each example. */
export function checkOptions(options: TrainOptions, rows: readonly number[]): TrainSettings {
  const accumulate = count('accumulate', options.accumulate, 1)
  const passes = {
    batchSize: count('batchSize', options.batchSize, 1),
    packRows: packRowsOf(options),
    shuffle: shuffleOf(options.shuffle),
  }
  const [first, second] = options.betas ?? [0.9, 0.999]
  return {
    objective: oneOf('objective', options.objective, ['likelihood', 'dpo']),
    beta: number('beta', options.beta, 0.1, { min: Number.MIN_VALUE }),
    optimizer: oneOf('optimizer', options.optimizer, ['adamw', 'adafactor', 'sgd']),
    learningRate: number('learningRate', options.learningRate, 1e-3, { min: 0 }),
    betas: [
      number('betas[0]', first, 0.9, { min: 0, below: 1 }),
      number('betas[1]', second, 0.999, { min: 0, below: 1 }),
    ],
    eps: epsOf(options),
    weightDecay: number('weightDecay', options.weightDecay, 0, { min: 0 }),
    decayRate: number('decayRate', options.decayRate, -0.8),
    clipThreshold: number('clipThreshold', options.clipThreshold, 1, { min: Number.MIN_VALUE }),
    clipNorm: positiveOrNull('clipNorm', options.clipNorm),
    schedule: oneOf('schedule', options.schedule, ['constant', 'linear', 'cosine']),
    warmupSteps: count('warmupSteps', options.warmupSteps, 0, 0),
    finalRate: number('finalRate', options.finalRate, 0, { min: 0 }),
    steps: count('steps', options.steps, Math.ceil(passesOfRound(rows, passes) / accumulate)),
    ...passes,
    accumulate,
    finalAccumulate: count('finalAccumulate', options.finalAccumulate, accumulate),
    spikeFactor: positiveOrNull('spikeFactor', options.spikeFactor),
    keep: oneOf('keep', options.keep, ['auto', 'everything', 'layers']),
    norms: options.norms === true,
  }
}
