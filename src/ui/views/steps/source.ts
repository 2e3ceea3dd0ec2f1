import type { Edit, Inspection, Mask, Model } from '../../../api/model.ts'

/** Weights behind one output column of a product, as the kernels see them. */
export interface WeightRow {
  /** `[inputs]`. */
  weights: Float32Array
  /** Null where the matrix has none. */
  bias: number | null
}

/**
 * What the stepper reads: one forward over the tokens, every step of it, kept where the model is. An engine that can also read
 * single rows of its matrices lets a product be shown term by term.
 */
export type StepsSource = Inspection & {
  weights?: (step: string, output: number) => Promise<WeightRow>
}

/** Tokens from which on not every output may fit: then those that a view of all layers reads come first. */
const LONG_TEXT = 128

/** Opens a forward over the tokens, under edits or none and a mask or the model's own; everything it holds is freed by `close`. */
export async function openSteps(
  model: Model,
  ids: readonly number[],
  edits: readonly Edit[] = [],
  mask?: Mask,
): Promise<StepsSource> {
  const under = { ...(edits.length === 0 ? {} : { edits }), ...(mask === undefined ? {} : { mask }) }
  if (ids.length < LONG_TEXT) return model.inspect(ids, under)
  const { readAnatomy } = await import('../../../analysis/anatomy.ts')
  const { list } = await readAnatomy(model)
  const retain = list.flatMap(({ name, op, stream }) => (op === 'add' || stream === 'writes' ? [name] : []))
  return model.inspect(ids, { ...under, retain })
}

/** Elements of a tensor that the page still reads whole; of larger ones it reads rows, and the GPU draws them. */
export const WHOLE_LIMIT = 1 << 19

export function isLarge(shape: readonly number[]): boolean {
  return shape.reduce((count, size) => count * size, 1) > WHOLE_LIMIT
}
