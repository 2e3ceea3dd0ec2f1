import { PAGE } from '../program/batchLayout.ts'
import { FREED_PAGE } from '../run/cache.ts'
import type { Runner } from '../run/runner.ts'
import type { CacheReport } from '../api/model.ts'

/** The cache as it stands: read off the page tables, without touching the GPU. */
export function reportCache({ pool, sequences, model }: Runner): CacheReport {
  return {
    pageSize: PAGE,
    pages: pool.pages,
    freePages: pool.freePages,
    layers: model.layers,
    bytesPerPageAndLayer: pool.bytesPerPageAndLayer,
    sequences: sequences
      .all()
      .toSorted((a, b) => a.lastUse - b.lastUse)
      .map(({ key, tokens, pages, busy }) => ({
        key,
        tokens: [...tokens],
        // Pages that every window has passed belong to no sequence any more.
        pages: pages
          .filter((page) => page !== FREED_PAGE)
          .map((page) => ({ page, refCount: pool.refCount(page) })),
        busy,
      })),
  }
}
