import { PAGE } from '../program/batchLayout.ts'
import { cacheBytesPerPosition, type CacheLayer } from './cache.ts'
import { MAX_LOGIT_ROWS } from './rows.ts'

/** Bytes of the ring that keeps the logits of generated tokens. */
const RING_BYTES = 64 * 1024 * 1024
/** Bytes of cache that may be spent on keeping more than one full context. */
const SPARE_CACHE_BYTES = 64 * 1024 * 1024
const MAX_CONTEXTS = 4

/** Pages of keys and values for texts of `context` positions; a runner that proposes tokens holds one text. */
export function cachePages(layers: readonly CacheLayer[], context: number, single = false): number {
  const spare = Math.floor(SPARE_CACHE_BYTES / (cacheBytesPerPosition(layers) * context))
  const contexts = single ? 1 : Math.max(1, Math.min(MAX_CONTEXTS, spare))
  return Math.ceil(context / PAGE) * contexts + 1
}

/** Rows of logits that are kept: one for each token of a text, as far as the ring reaches. */
export function ringRows(vocab: number, context: number, maxBytes: number, single = false): number {
  const fitting = Math.floor(Math.min(RING_BYTES, maxBytes) / (vocab * 4))
  return Math.max(MAX_LOGIT_ROWS, single ? MAX_LOGIT_ROWS : Math.min(context, fitting))
}
