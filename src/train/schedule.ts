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

type BatchPlan = Pick<TrainSettings, 'steps' | 'batchSize' | 'accumulate' | 'finalAccumulate' | 'shuffle'>

/** Passes of step `index`: from `accumulate` of the first to `finalAccumulate` of the last. */
export function passesOf(
  index: number,
  { steps, accumulate, finalAccumulate }: Pick<BatchPlan, 'steps' | 'accumulate' | 'finalAccumulate'>,
): number {
  const t = index / Math.max(1, steps - 1)
  return Math.round(accumulate + (finalAccumulate - accumulate) * t)
}

/** The passes of every optimiser step, as numbers of examples. */
export function planSteps(count: number, plan: BatchPlan): number[][][] {
  const { steps, batchSize, shuffle } = plan
  const order = exampleOrder(count, shuffle)
  const next = (): number => order.next().value as number
  const pass = (): number[] => Array.from({ length: batchSize }, next)
  return Array.from({ length: steps }, (_, index) => Array.from({ length: passesOf(index, plan) }, pass))
}
