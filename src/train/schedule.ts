import { random, shuffledOrder } from './order.ts'
import type { TrainSettings } from './options.ts'

/** Factor on the learning rate of step `index`: a linear warm-up, then the schedule down to `finalRate`. */
export function rateFactor(
  index: number,
  {
    schedule,
    warmupSteps,
    finalRate,
    steps,
  }: Pick<TrainSettings, 'schedule' | 'warmupSteps' | 'finalRate' | 'steps'>,
): number {
  if (index < warmupSteps) return (index + 1) / warmupSteps
  const t = (index - warmupSteps) / Math.max(1, steps - warmupSteps)
  switch (schedule) {
    case 'constant':
      return 1
    case 'linear':
      return finalRate + (1 - finalRate) * (1 - t)
    case 'cosine':
      return finalRate + ((1 - finalRate) * (1 + Math.cos(Math.PI * t))) / 2
  }
}

/** What the kernels of an optimiser step read: shaders/train/control.wgsl says which word is what. */
export const CONTROL_WORDS = 16

/** The largest number that no loss exceeds, for steps that no loss holds back. */
const NO_LIMIT = 3e38

/** The numbers of one step. `taken`: steps taken before, which bias corrections go by; `weight`: that of one token, or of one pair. */
export function controlOf(
  settings: TrainSettings,
  {
    index,
    taken,
    weight,
    largestLoss,
  }: { index: number; taken: number; weight: number; largestLoss: number | null },
): Float32Array<ArrayBuffer> {
  const { optimizer, learningRate, betas, eps, weightDecay, decayRate, clipNorm, clipThreshold } = settings
  const rate = learningRate * rateFactor(index, settings)
  const t = taken + 1
  const [b1, b2] = betas
  const words = new Float32Array(CONTROL_WORDS)
  words[0] = weight
  words[1] = optimizer === 'adamw' ? rate / (1 - b1 ** t) : rate
  words[2] = optimizer === 'adamw' ? 1 / Math.sqrt(1 - b2 ** t) : 1 - t ** decayRate
  words[3] = optimizer === 'sgd' ? weightDecay : 1 - rate * weightDecay
  words.set(
    [b1, b2, eps, clipNorm ?? 0, largestLoss ?? NO_LIMIT, clipThreshold, 1 - b1, 1 - b2, settings.beta],
    4,
  )
  return words
}

/** Numbers of the examples in the order they are taken: round after round, each as given or in an order of its own. */
export function* exampleOrder(count: number, shuffle: number | false): Generator<number> {
  const uniform = shuffle === false ? null : random(shuffle)
  for (;;) yield* uniform ? shuffledOrder(count, uniform) : Array.from({ length: count }, (_, i) => i)
}

type PassPlan = Pick<TrainSettings, 'batchSize' | 'packRows' | 'shuffle'>
type BatchPlan = PassPlan & Pick<TrainSettings, 'steps' | 'accumulate' | 'finalAccumulate'>

/** Passes of step `index`: from `accumulate` of the first to `finalAccumulate` of the last. */
export function passesOf(
  index: number,
  { steps, accumulate, finalAccumulate }: Pick<BatchPlan, 'steps' | 'accumulate' | 'finalAccumulate'>,
): number {
  const t = index / Math.max(1, steps - 1)
  return Math.round(accumulate + (finalAccumulate - accumulate) * t)
}

/**
 * Numbers of the examples of one pass after the other: so many each, or under `packRows` as many as fit, within one round. `rows`:
 * of each example.
 */
function* passesOver(
  rows: readonly number[],
  { batchSize, packRows, shuffle }: PassPlan,
): Generator<number[]> {
  let [pass, filled, taken]: [number[], number, number] = [[], 0, 0]
  for (const example of exampleOrder(rows.length, shuffle)) {
    const size = rows[example] ?? 0
    const isFull =
      packRows === null
        ? pass.length === batchSize
        : pass.length > 0 && (taken % rows.length === 0 || filled + size > packRows)
    if (isFull) {
      yield pass
      pass = []
      filled = 0
    }
    pass.push(example)
    filled += size
    taken += 1
  }
}

/** Passes of one round over the examples. */
export function passesOfRound(rows: readonly number[], plan: PassPlan): number {
  if (plan.packRows === null) return Math.ceil(rows.length / plan.batchSize)
  let [passes, taken] = [0, 0]
  for (const { length } of passesOver(rows, plan)) {
    passes += 1
    taken += length
    if (taken === rows.length) break
  }
  return passes
}

/** The passes of every optimiser step, as numbers of examples. `rows`: of each example. */
export function planSteps(rows: readonly number[], plan: BatchPlan): number[][][] {
  const passes = passesOver(rows, plan)
  const next = (): number[] => passes.next().value as number[]
  return Array.from({ length: plan.steps }, (_, index) => Array.from({ length: passesOf(index, plan) }, next))
}
