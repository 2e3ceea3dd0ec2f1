import { invariant } from '../errors.ts'
import type { RopePositions } from '../arch/spec.ts'

/**
 * Inverse frequencies in f64, one per rotated pair: θ^(−2i/rotaryDim), then the scaling of the config.
 * The Llama 3 rule follows the reference implementation's `apply_scaling`.
 */
export function ropeFrequencies({ theta, rotaryDim, scaling }: RopePositions): Float64Array {
  return Float64Array.from({ length: rotaryDim / 2 }, (_, pair) => {
    const frequency = theta ** ((-2 * pair) / rotaryDim)
    switch (scaling.kind) {
      case 'none':
        return frequency
      case 'linear':
        return frequency / scaling.factor
      case 'llama3': {
        const { factor, lowFreqFactor, highFreqFactor, originalContext } = scaling
        const turns = (originalContext * frequency) / (2 * Math.PI)
        if (turns > highFreqFactor) return frequency
        if (turns < lowFreqFactor) return frequency / factor
        const keep = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor)
        return (1 - keep) * (frequency / factor) + keep * frequency
      }
    }
  })
}

/**
 * cos and sin of every angle of positions `0 … positions − 1`, computed in f64 because WGSL only specifies its own on [−π, π].
 * Both are `[positions, rotaryDim / 2]`, row-major.
 */
export function ropeTable(rope: RopePositions, positions: number): { cos: Float32Array; sin: Float32Array } {
  invariant(rope.rotaryDim % 2 === 0, 'rotaryDim is even')
  const frequencies = ropeFrequencies(rope)
  const pairs = frequencies.length
  const cos = new Float32Array(positions * pairs)
  const sin = new Float32Array(positions * pairs)
  for (let position = 0; position < positions; position++) {
    for (let pair = 0; pair < pairs; pair++) {
      const angle = position * (frequencies[pair] ?? 0)
      cos[position * pairs + pair] = Math.cos(angle)
      sin[position * pairs + pair] = Math.sin(angle)
    }
  }
  return { cos, sin }
}
