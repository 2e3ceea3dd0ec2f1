import type { KvFormat } from '../ops/kvFormats.ts'
import { PAGE } from '../program/batchLayout.ts'
import { MAX_SEQUENCES } from './cache.ts'
import { cacheBytesPerPosition, type CacheLayer } from './pagePool.ts'
import { MAX_LOGIT_ROWS } from './rows.ts'

/** Bytes of the ring that keeps the logits of generated tokens. */
const RING_BYTES = 8 * 1024 * 1024
/** Bytes of cache up to which idle texts are kept rather than given up for room. */
export const SPARE_CACHE_BYTES = 64 * 1024 * 1024
/** Pages that stay free: a look at a running text takes a copy of its last page, and one behind it. */
export const SPARE_PAGES = 2
/** Room to begin with: bytes of cache, and positions that live programs are bound for. Both grow with the texts. */
export const FIRST_ROOM = { cacheBytes: 4 * 1024 * 1024, positions: 512 }

/** Pages that a cache begins with: what `bytes` hold, and no more than all texts together can take. */
export function firstPages(
  layers: readonly CacheLayer[],
  format: KvFormat,
  { perContext, bytes }: { perContext: number; bytes: number },
): number {
  const affordable = Math.floor(bytes / (PAGE * cacheBytesPerPosition(layers, format)))
  return SPARE_PAGES + Math.min(MAX_SEQUENCES * perContext, Math.max(1, affordable))
}

/** Pages of keys and values once one text of `context` positions is written. */
export function cachePages(context: number): number {
  return Math.ceil(context / PAGE) + SPARE_PAGES
}

/** Rows of logits that are kept: one for each token of a text, as far as the ring reaches. */
export function ringRows(vocab: number, context: number, maxBytes: number, single = false): number {
  const fitting = Math.floor(Math.min(RING_BYTES, maxBytes) / (vocab * 4))
  return Math.max(MAX_LOGIT_ROWS, single ? MAX_LOGIT_ROWS : Math.min(context, fitting))
}
