import type { Variant } from '../api/model.ts'

export type AdapterClass = 'cpu' | 'gpu'

/** What an adapter class runs best. Measured: `npm run bench -- --autotune` writes this file; see docs/variants.md. */
export const VARIANT_TABLE: Record<AdapterClass, Pick<Variant, 'alone' | 'workgroup'>> = {
  cpu: { alone: true, workgroup: 32 },
  gpu: { alone: false, workgroup: 64 },
}
