/** Weight of what came before. */
const KEEP = 0.9
/** Losses before which nothing is held against one. */
const FIRST = 5

/** What the mean is made of; another one goes on from it. */
export interface MeanState {
  readonly sum: number
  readonly weight: number
  readonly count: number
}

/** Mean of the losses so far, later ones counting more, by which a spike is told. */
export class RunningMean {
  #sum: number
  #weight: number
  #count: number

  constructor({ sum, weight, count }: MeanState = { sum: 0, weight: 0, count: 0 }) {
    this.#sum = sum
    this.#weight = weight
    this.#count = count
  }

  get state(): MeanState {
    return { sum: this.#sum, weight: this.#weight, count: this.#count }
  }

  add(loss: number): void {
    this.#sum = KEEP * this.#sum + (1 - KEEP) * loss
    this.#weight = KEEP * this.#weight + (1 - KEEP)
    this.#count += 1
  }

  /** The largest loss that is no spike; null as long as too few are known. */
  limit(factor: number | null): number | null {
    return factor === null || this.#count < FIRST ? null : (factor * this.#sum) / this.#weight
  }
}
