import { TokenscopeError } from '../errors.ts'
import type { Model } from '../api/model.ts'

/**
 * What a step computes at one position of a text, `[width]`; behind its last token where no position is given.
 * @throws `bad-argument` when the model has no such step or the text no such position.
 */
export async function readActivation(
  model: Pick<Model, 'trace'>,
  ids: readonly number[],
  step: string,
  position: number = ids.length - 1,
): Promise<Float32Array> {
  const tensor = (await model.trace(ids, { probes: [step] })).get(step)
  if (tensor === undefined || position < 0 || position >= ids.length) {
    throw new TokenscopeError('bad-argument', `There is no ${step} at position ${position}.`, {
      hint: 'Name a step of model.steps() with one row for each token, and a position inside the text.',
      details: { step, got: position, tokens: ids.length },
    })
  }
  const width = tensor.shape.at(-1) ?? 0
  return tensor.data.slice(position * width, (position + 1) * width)
}

/** `to − from`, `[width]`: added at the step it was read at, it steers from one towards the other. */
export function directionBetween(to: Float32Array, from: Float32Array): Float32Array {
  return to.map((value, index) => value - (from[index] ?? 0))
}

/** Euclidean lengths of a direction and of the two activations it is the difference of. */
export interface DirectionNorms {
  direction: number
  toward: number
  away: number
}

export function directionNorms(to: Float32Array, from: Float32Array): DirectionNorms {
  const direction = directionBetween(to, from)
  return { direction: Math.hypot(...direction), toward: Math.hypot(...to), away: Math.hypot(...from) }
}

/** What a text computes at a step behind its last token minus what another does there (Turner et al. 2023), `[width]`. */
export async function steeringVector(
  model: Pick<Model, 'trace'>,
  step: string,
  texts: { toward: readonly number[]; away: readonly number[] },
): Promise<Float32Array> {
  const to = await readActivation(model, texts.toward, step)
  return directionBetween(to, await readActivation(model, texts.away, step))
}
