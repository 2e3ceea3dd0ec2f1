/** Rows of logits that others are held against. */
export class BaseLogits {
  readonly #logits: Float32Array
  readonly #vocab: number
  /** ln Σ exp of each row, once it is known. */
  readonly #normalisers: (number | undefined)[] = []

  /** `logits`: [rows, vocab]. */
  constructor(logits: Float32Array, vocab: number) {
    this.#logits = logits
    this.#vocab = vocab
  }

  /** KL(edited ‖ base) of one row, nats, in f64; NaN where a logit is no number. */
  divergence(row: number, edited: Float32Array): number {
    const baseRow = this.#logits.subarray(row * this.#vocab, (row + 1) * this.#vocab)
    const baseNormaliser = (this.#normalisers[row] ??= normaliser(baseRow))
    const peak = largest(edited)
    let mass = 0
    let moment = 0
    for (let id = 0; id < edited.length; id++) {
      const logit = edited[id]!
      const weight = Math.exp(logit - peak)
      mass += weight
      // A weight of 0 times an infinite difference would be NaN.
      if (weight !== 0) moment += weight * (logit - baseRow[id]!)
    }
    // Rounding alone can make it negative.
    const kl = moment / mass - (peak + Math.log(mass)) + baseNormaliser
    return Math.max(0, kl)
  }
}

function largest(logits: Float32Array): number {
  let most = -Infinity
  for (const logit of logits) if (logit > most) most = logit
  return most
}

function normaliser(logits: Float32Array): number {
  const peak = largest(logits)
  let mass = 0
  for (const logit of logits) mass += Math.exp(logit - peak)
  return peak + Math.log(mass)
}
