import type { TrainedStep } from '../../../../api/model.ts'

/** A step as the page keeps it: `ms` from the one before, or from the start, without what was measured or waited for. */
export interface CurveStep extends TrainedStep {
  ms: number
}

/** A loss measured on the examples kept back, after so many steps. */
export interface HeldOutLoss {
  steps: number
  /** Mean nats over their counted tokens; of preferences −ln σ of their margins. */
  loss: number
  /** Of preferences: mean margin of their rewards, and the share of positive ones. */
  margin?: number
  accuracy?: number
}

/** Everything a run's plots are drawn from. */
export interface Curve {
  steps: CurveStep[]
  held: HeldOutLoss[]
}

/** What of a curve is kept: without the norms of every step, which checkpoints have. */
export const plainCurve = ({ steps, held }: Curve): Curve => ({
  steps: steps.map((step) => {
    const plain = { ...step }
    delete plain.norms
    return plain
  }),
  held,
})

export const emptyCurve = (): Curve => ({ steps: [], held: [] })

/** Weight of what came before in the smoothed loss. */
const KEEP = 0.9

/** Losses as an exponential mean without its start's bias; of steps that were not taken nothing goes in. */
export function smoothedLosses(steps: readonly Pick<CurveStep, 'loss' | 'skipped'>[]): number[] {
  let [sum, weight] = [0, 0]
  return steps.map(({ loss, skipped }) => {
    if (skipped === null) {
      sum = KEEP * sum + (1 - KEEP) * loss
      weight = KEEP * weight + (1 - KEEP)
    }
    return weight === 0 ? NaN : sum / weight
  })
}

/** Steps that the speed is measured over. */
const RECENT = 12

/** Milliseconds of a step and counted tokens a second, over the last steps; the first one, which compiles, only while it is alone. */
export function speedOf(steps: readonly CurveStep[]): { ms: number; perSecond: number } | null {
  const recent = steps.length > 1 ? steps.slice(1).slice(-RECENT) : steps
  const ms = recent.reduce((sum, step) => sum + step.ms, 0)
  if (recent.length === 0 || ms <= 0) return null
  const tokens = recent.reduce((sum, step) => sum + step.tokens, 0)
  return { ms: ms / recent.length, perSecond: (1000 * tokens) / ms }
}

/** Milliseconds until the last step, by the speed of late and by what measuring took. Null before the first. */
export function timeLeft(
  { steps }: Pick<Curve, 'steps'>,
  all: number,
  measuring: { ms: number; every: number },
): number | null {
  const speed = speedOf(steps)
  if (speed === null) return null
  const left = all - steps.length
  return left * speed.ms + Math.ceil(left / measuring.every) * measuring.ms
}

/** Milliseconds as minutes and seconds: 1:07. */
export function clockText(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  const two = (value: number): string => String(value).padStart(2, '0')
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}

/** Checks the fields plots rely on; what another version has kept is dropped. */
export function parseCurve(saved: unknown): Curve {
  const given = (typeof saved === 'object' && saved !== null ? saved : {}) as Partial<Curve>
  const steps = Array.isArray(given.steps) ? given.steps : []
  const held = Array.isArray(given.held) ? given.held : []
  // JSON writes what is no number as null.
  const number = (value: unknown): number => (typeof value === 'number' ? value : NaN)
  return {
    steps: steps
      .filter((step) => typeof step === 'object' && Number.isInteger(step.index))
      .map((step) => ({ ...step, loss: number(step.loss), gradNorm: number(step.gradNorm) })),
    held: held.filter(({ steps, loss }) => Number.isInteger(steps) && typeof loss === 'number'),
  }
}
