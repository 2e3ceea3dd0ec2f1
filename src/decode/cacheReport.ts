import { PAGE } from '../run/cache.ts'
import type { Runner } from '../run/runner.ts'
import type { CacheReport } from '../api/model.ts'

/** The cache as it stands: read off the page tables, without touching the GPU. */
export function reportCache({ pool, sequences, spec }: Runner): CacheReport {
  return {
    pageSize: PAGE,
    pages: pool.pages,
    freePages: pool.freePages,
    layers: spec.layers,
    bytesPerPageAndLayer: pool.bytesPerPageAndLayer,
    sequences: sequences
      .all()
      .toSorted((a, b) => a.lastUse - b.lastUse)
      .map(({ mix, tokens, pages, busy }) => ({
        mix,
        tokens: [...tokens],
        pages: pages.map((page) => ({ page, sharers: pool.sharers(page) })),
        busy,
      })),
  }
}
