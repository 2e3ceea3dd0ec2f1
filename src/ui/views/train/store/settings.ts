import type { NewAdapterOptions, TrainOptions } from '../../../../api/model.ts'
import { rateFactor } from '../../../../train/schedule.ts'

/** Everything a run is set up with. */
export interface RunSettings {
  rank: number
  alpha: number
  targets: TargetChoice
  optimizer: 'adamw' | 'adafactor' | 'sgd'
  learningRate: number
  schedule: 'constant' | 'linear' | 'cosine'
  warmupSteps: number
  finalRate: number
  steps: number
  batchSize: number
  /** Tokens of a pass that takes as many examples as fit; 0: passes hold {@link batchSize} each. */
  packRows: number
  accumulate: number
  /** Passes of the last step; steps between take their share. 0: as many as of the first. */
  finalAccumulate: number
  /** β of preferences. */
  beta: number
  /** 0: gradients are not clipped. */
  clipNorm: number
  weightDecay: number
  /** 0: only losses that are no numbers are left out. */
  spikeFactor: number
  /** Of A, the split and the order of the examples. */
  seed: number
  /** Examples kept to measure with. */
  heldOut: number
  /** Steps between two checkpoints, each with a held-out loss, a sample and norms. */
  every: number
  /** Tokens of one example. */
  longest: number
}

/** Which products are adapted: all of them, attention's, those of the MLP, or queries and values as LoRA's paper did. */
export const TARGET_CHOICES = ['all', 'attention', 'mlp', 'qv'] as const
export type TargetChoice = (typeof TARGET_CHOICES)[number]

const TARGETS: Readonly<Record<TargetChoice, NewAdapterOptions['targets']>> = {
  all: 'all-linear',
  attention: ['layers.*.attn.*'],
  mlp: ['layers.*.mlp.*'],
  qv: ['layers.*.attn.q', 'layers.*.attn.v'],
}

export const DEFAULT_TRAIN_SETTINGS: RunSettings = {
  rank: 8,
  alpha: 16,
  targets: 'all',
  optimizer: 'adamw',
  learningRate: 3e-3,
  schedule: 'cosine',
  warmupSteps: 4,
  finalRate: 0.1,
  steps: 60,
  batchSize: 4,
  packRows: 0,
  accumulate: 1,
  finalAccumulate: 0,
  beta: 0.1,
  clipNorm: 1,
  weightDecay: 0,
  spikeFactor: 3,
  seed: 0,
  heldOut: 8,
  every: 10,
  longest: 256,
}

export type NumberSetting = {
  [K in keyof RunSettings]: RunSettings[K] extends number ? K : never
}[keyof RunSettings]

/** Allowed values of a number, and those its slider reaches. */
export interface TrainRange {
  min: number
  max: number
  /** Ends of the slider; absent: the number has a box alone. */
  slider?: readonly [low: number, high: number]
  step: number
  digits: number
}

const count = (min: number, max: number, slider?: readonly [number, number]): TrainRange => ({
  min,
  max,
  step: 1,
  digits: 0,
  ...(slider ? { slider } : {}),
})

export const RANGES: Readonly<Record<NumberSetting, TrainRange>> = {
  rank: count(1, 256, [1, 64]),
  alpha: { min: 0.01, max: 1e4, slider: [1, 128], step: 1, digits: 0 },
  learningRate: { min: 0, max: 10, step: 0.0001, digits: 4 },
  warmupSteps: count(0, 1e5, [0, 50]),
  finalRate: { min: 0, max: 1, slider: [0, 1], step: 0.05, digits: 2 },
  steps: count(1, 1e6, [10, 400]),
  batchSize: count(1, 256, [1, 16]),
  packRows: count(0, 1e5, [0, 1024]),
  accumulate: count(1, 256, [1, 16]),
  finalAccumulate: count(0, 256, [0, 16]),
  beta: { min: 0.001, max: 100, slider: [0.01, 1], step: 0.01, digits: 2 },
  clipNorm: { min: 0, max: 1e4, slider: [0, 5], step: 0.1, digits: 1 },
  weightDecay: { min: 0, max: 10, slider: [0, 0.2], step: 0.01, digits: 2 },
  spikeFactor: { min: 0, max: 1e4, slider: [0, 10], step: 0.5, digits: 1 },
  seed: count(0, 2 ** 31 - 1),
  heldOut: count(0, 1e4, [0, 64]),
  every: count(1, 1e5, [1, 50]),
  longest: count(2, 1e5, [16, 1024]),
}

/** A number within its range; whole where the setting is. */
export function withinRange(name: NumberSetting, value: number): number {
  const { min, max, digits } = RANGES[name]
  const kept = Math.min(max, Math.max(min, value))
  return digits === 0 && name !== 'alpha' ? Math.round(kept) : kept
}

/** What `newAdapter` is asked for. */
export function adapterOptions({ rank, alpha, targets, seed }: RunSettings, name: string): NewAdapterOptions {
  return { name, rank, alpha, targets: TARGETS[targets], seed }
}

/** By which loss a run learns: examples are to be likely, of preferences one answer is to win. */
export type Objective = NonNullable<TrainOptions['objective']>

/** What `train` is asked for. */
export function trainOptions(settings: RunSettings, objective: Objective): TrainOptions {
  const { optimizer, learningRate, schedule, warmupSteps, finalRate, steps, batchSize, accumulate } = settings
  const { clipNorm, weightDecay, spikeFactor, seed, finalAccumulate, packRows, beta } = settings
  return {
    ...(objective === 'dpo' ? { objective, beta } : { packRows: packRows === 0 ? null : packRows }),
    optimizer,
    learningRate,
    schedule,
    warmupSteps,
    finalRate,
    steps,
    batchSize,
    accumulate,
    finalAccumulate: finalAccumulate === 0 ? accumulate : finalAccumulate,
    weightDecay,
    clipNorm: clipNorm === 0 ? null : clipNorm,
    spikeFactor: spikeFactor === 0 ? null : spikeFactor,
    shuffle: seed,
  }
}

/** Learning rates that are ahead, step by step. */
export function plannedRates(settings: RunSettings): number[] {
  const { steps, learningRate } = settings
  return Array.from({ length: steps }, (_, index) => learningRate * rateFactor(index, settings))
}

/** Targets of a set's own adapter options as one of the choices; all where they are none of them. */
function choiceOf(targets: NewAdapterOptions['targets']): TargetChoice {
  const key = JSON.stringify(targets)
  return TARGET_CHOICES.find((choice) => JSON.stringify(TARGETS[choice]) === key) ?? 'all'
}

/** The defaults with what a data set says of itself over them. */
export function settingsOfSet(
  train: TrainOptions,
  adapter: Partial<NewAdapterOptions>,
  heldOut: number | undefined,
): RunSettings {
  const base = DEFAULT_TRAIN_SETTINGS
  const rank = adapter.rank ?? base.rank
  const steps = train.steps ?? base.steps
  const seed = typeof train.shuffle === 'number' ? train.shuffle : (adapter.seed ?? base.seed)
  return {
    ...base,
    rank,
    alpha: adapter.alpha ?? 2 * rank,
    targets: choiceOf(adapter.targets ?? 'all-linear'),
    optimizer: train.optimizer ?? base.optimizer,
    learningRate: train.learningRate ?? base.learningRate,
    schedule: train.schedule ?? base.schedule,
    warmupSteps: train.warmupSteps ?? base.warmupSteps,
    finalRate: train.finalRate ?? base.finalRate,
    steps,
    batchSize: train.batchSize ?? base.batchSize,
    packRows: train.packRows ?? base.packRows,
    accumulate: train.accumulate ?? base.accumulate,
    finalAccumulate: train.finalAccumulate ?? base.finalAccumulate,
    beta: train.beta ?? base.beta,
    clipNorm: train.clipNorm === undefined ? base.clipNorm : (train.clipNorm ?? 0),
    weightDecay: train.weightDecay ?? base.weightDecay,
    spikeFactor: train.spikeFactor === undefined ? base.spikeFactor : (train.spikeFactor ?? 0),
    seed,
    heldOut: heldOut ?? base.heldOut,
    every: Math.max(1, Math.round(steps / 8)),
  }
}

/** Settings of an earlier visit over the defaults, field by field: what is out of range is not believed. */
export function parseSettings(saved: unknown): RunSettings {
  const given = (typeof saved === 'object' && saved !== null ? saved : {}) as Record<string, unknown>
  const settings: RunSettings = { ...DEFAULT_TRAIN_SETTINGS }
  for (const name of Object.keys(RANGES) as NumberSetting[]) {
    const value = given[name]
    if (typeof value === 'number' && Number.isFinite(value)) settings[name] = withinRange(name, value)
  }
  const oneOf = <T extends string>(value: unknown, allowed: readonly T[], fallback: T): T =>
    allowed.find((word) => word === value) ?? fallback
  settings.targets = oneOf(given['targets'], TARGET_CHOICES, settings.targets)
  settings.optimizer = oneOf(given['optimizer'], ['adamw', 'adafactor', 'sgd'], settings.optimizer)
  settings.schedule = oneOf(given['schedule'], ['constant', 'linear', 'cosine'], settings.schedule)
  return settings
}
