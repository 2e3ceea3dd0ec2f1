import type { Variant } from '../api/model.ts'

export type AdapterClass = 'cpu' | 'gpu'

/** What an adapter class runs best. Measured: `npm run bench -- --autotune` writes this file; see docs/variants.md. */
export const VARIANT_TABLE: Record<AdapterClass, Pick<Variant, 'threadPerOutput' | 'workgroup'>> = {
  cpu: { threadPerOutput: true, workgroup: 32 },
  gpu: { threadPerOutput: false, workgroup: 64 },
}
