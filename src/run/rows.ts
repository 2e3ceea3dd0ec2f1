import { invariant } from '../errors.ts'

/** Row counts that programs are recorded for; a forward takes the next larger. */
export const ROW_BUCKETS = [1, 2, 4, 8, 32, 128] as const
export const MAX_ROWS = 128
/** Most rows of one forward whose logits are wanted. */
export const MAX_LOGIT_ROWS = 8

export function rowBucket(rows: number): number {
  const bucket = ROW_BUCKETS.find((size) => rows <= size)
  invariant(bucket !== undefined, `${rows} rows exceed the largest bucket`)
  return bucket
}
