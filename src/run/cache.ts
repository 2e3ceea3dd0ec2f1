import { TokenscopeError, invariant } from '../errors.ts'
import type { BufferLedger, LedgerBuffer } from '../gpu/ledger.ts'
import type { Attrs } from '../program/attrs.ts'
import { PAGE } from '../program/batchLayout.ts'
import { isOp, type Program } from '../program/step.ts'

/** What a program keeps of each position, by layer. */
export type CacheLayer = Attrs['cache']

/** The cache that a forward pass writes and reads. */
export function cacheLayers({ steps }: Program): readonly CacheLayer[] {
  return steps.filter((step) => isOp(step, 'cache')).map(({ attrs }) => attrs)
}

/** Bytes of K and V of one position over all layers. */
export function cacheBytesPerPosition(layers: readonly CacheLayer[]): number {
  return layers.reduce((sum, { kvHeads, headDim }) => sum + 2 * kvHeads * headDim * 4, 0)
}

/** Positions behind which no layer looks, null when some layer sees all. */
export function widestWindow(layers: readonly CacheLayer[]): number | null {
  const windows = layers.map(({ window }) => window ?? Infinity)
  const widest = Math.max(0, ...windows)
  return Number.isFinite(widest) ? widest : null
}

/**
 * Keys and values of all layers in pages of {@link PAGE} positions: per layer `[pages, kvHeads, PAGE, headDim]` f32,
 * twice.
 * Pages are counted by reference, so branches share them.
 */
export class PagePool {
  readonly pages: number
  allocated = 0
  private readonly references: Uint16Array
  private readonly free: number[]
  private readonly layers: { k: LedgerBuffer; v: LedgerBuffer }[]
  /** A page on its way: WebGPU copies between different buffers only. */
  private readonly scratchPage: LedgerBuffer
  private readonly ledger: BufferLedger
  /** Of K or V, by layer. */
  private readonly pageBytes: readonly number[]

  constructor(ledger: BufferLedger, layers: readonly CacheLayer[], pages: number, label = 'kv-cache') {
    this.ledger = ledger
    this.pages = pages
    this.references = new Uint16Array(pages)
    this.free = Array.from({ length: pages }, (_, i) => pages - 1 - i)
    this.pageBytes = layers.map(({ kvHeads, headDim }) => PAGE * kvHeads * headDim * 4)
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    this.layers = this.pageBytes.map((bytes, n) => ({
      k: ledger.create(`${label}:k${n}`, pages * bytes, usage),
      v: ledger.create(`${label}:v${n}`, pages * bytes, usage),
    }))
    this.scratchPage = ledger.create(`${label}:scratch`, Math.max(0, ...this.pageBytes), usage)
  }

  layer(n: number): { k: GPUBuffer; v: GPUBuffer } {
    const layer = this.layers[n]
    invariant(layer, `layer ${n} has pages`)
    return { k: layer.k.gpu, v: layer.v.gpu }
  }

  get freePages(): number {
    return this.free.length
  }

  /** Of K and V together; layers that differ share the mean. */
  get bytesPerPageAndLayer(): number {
    return (2 * this.pageBytes.reduce((sum, bytes) => sum + bytes, 0)) / this.pageBytes.length
  }

  /** A free page, or null. */
  take(): number | null {
    const page = this.free.pop()
    if (page === undefined) return null
    this.references[page] = 1
    this.allocated += 1
    return page
  }

  retain(page: number): void {
    this.references[page] = (this.references[page] ?? 0) + 1
  }

  release(page: number): void {
    const left = (this.references[page] ?? 0) - 1
    invariant(left >= 0, `page ${page} released twice`)
    this.references[page] = left
    if (left === 0) this.free.push(page)
  }

  /** Sequences that hold this page. */
  refCount(page: number): number {
    return this.references[page] ?? 0
  }

  /** Records copies of one page over all layers; a branch's own last page starts so. */
  copyPage(encoder: GPUCommandEncoder, from: number, to: number): void {
    this.layers.forEach(({ k, v }, n) => {
      const size = this.pageBytes[n] ?? 0
      for (const { gpu } of [k, v]) {
        encoder.copyBufferToBuffer(gpu, from * size, this.scratchPage.gpu, 0, size)
        encoder.copyBufferToBuffer(this.scratchPage.gpu, 0, gpu, to * size, size)
      }
    })
  }

  dispose(): void {
    for (const { k, v } of this.layers) {
      this.ledger.destroy(k)
      this.ledger.destroy(v)
    }
    this.ledger.destroy(this.scratchPage)
  }
}

/** One run of text in the cache. Its pages are valid for exactly these tokens under these adapter scales and edits. */
export interface Sequence {
  /** Sampler slot, below {@link MAX_SEQUENCES}. */
  readonly slot: number
  /** Names the adapter scales and edits the pages were made under; '' is the plain base. */
  readonly key: string
  /** Tokens whose keys and values are in the pages. */
  readonly tokens: number[]
  /** By position / {@link PAGE}; {@link FREED_PAGE} where no layer looks any more. */
  readonly pages: number[]
  /** Counts up with every use; the lowest idle one is given up first. */
  lastUse: number
  /** Held by a running generation: never given up. */
  busy: boolean
}

/** Whose pages a run may share: those made under `key`, and, below the first edited position, those without the edits. */
export interface PageOrigin {
  readonly key: string
  readonly unedited?: { readonly key: string; readonly below: number } | undefined
}

export const MAX_SEQUENCES = 16

/** Stands for a page that was given back because every window has passed it. */
export const FREED_PAGE = -1

/** Positions behind the last that may be taken back after pages were freed: drafts that are rejected, draws that are redone. */
const TAKEN_BACK = PAGE

/** Which sequences are in the cache, and who shares what. */
export class SequenceStore {
  private readonly live = new Set<Sequence>()
  private readonly freeSlots = Array.from({ length: MAX_SEQUENCES }, (_, i) => MAX_SEQUENCES - 1 - i)
  private clock = 0
  private readonly pool: PagePool
  private readonly device: GPUDevice
  private readonly window: number | null

  /** `window`: positions behind which no layer looks, null when some layer sees all. */
  constructor(device: GPUDevice, pool: PagePool, window: number | null) {
    this.device = device
    this.pool = pool
    this.window = window
  }

  all(): readonly Sequence[] {
    return [...this.live]
  }

  /** The sequence that shares the longest prefix of `tokens` under the same conditions, and how long that is. */
  longestPrefix(
    tokens: readonly number[],
    { key, unedited }: PageOrigin,
  ): { sequence: Sequence; length: number } | null {
    let best: { sequence: Sequence; length: number } | null = null
    for (const sequence of this.live) {
      const limit = sequence.key === key ? tokens.length : sequence.key === unedited?.key ? unedited.below : 0
      let length = 0
      while (length < Math.min(limit, tokens.length) && sequence.tokens[length] === tokens[length])
        length += 1
      if (!this.reaches(sequence, length)) continue
      if (length > (best?.length ?? 0)) best = { sequence, length }
    }
    return best
  }

  /** A new sequence that shares the first `length` positions of `parent`; only a partly filled last page is copied. */
  fork(parent: Sequence | null, length: number, key: string): Sequence {
    if (!parent) return this.start(key)
    invariant(parent.tokens.length >= length, 'a fork starts inside its parent')
    const wasBusy = parent.busy
    // Neither the slot nor the page made free below may be the parent's own.
    parent.busy = true
    const sequence = this.start(key)
    const full = Math.floor(length / PAGE)
    for (const page of parent.pages.slice(0, full)) {
      if (page !== FREED_PAGE) this.pool.retain(page)
      sequence.pages.push(page)
    }
    const shared = parent.pages[full]
    if (length % PAGE > 0 && shared !== undefined) {
      const own = this.takePage()
      const encoder = this.device.createCommandEncoder({ label: 'copy page' })
      this.pool.copyPage(encoder, shared, own)
      this.device.queue.submit([encoder.finish()])
      sequence.pages.push(own)
    }
    parent.busy = wasBusy
    sequence.tokens.push(...parent.tokens.slice(0, length))
    return sequence
  }

  private start(key: string): Sequence {
    const slot = this.freeSlots.pop() ?? this.evict()
    const sequence: Sequence = { slot, key, tokens: [], pages: [], lastUse: ++this.clock, busy: true }
    this.live.add(sequence)
    return sequence
  }

  /** Makes room for positions below `length`. */
  reserve(sequence: Sequence, length: number): void {
    this.freePassed(sequence)
    while (sequence.pages.length * PAGE < length) sequence.pages.push(this.takePage())
  }

  /** Forgets positions from `length` on. Pages shared with a branch stay the branch's. */
  truncate(sequence: Sequence, length: number): void {
    sequence.tokens.length = Math.min(sequence.tokens.length, length)
    const needed = Math.ceil(length / PAGE)
    this.release(sequence.pages.splice(needed))
    if (this.reaches(sequence, length)) return
    // What the next row would see is gone: the text has to be read again.
    sequence.tokens.length = 0
    this.release(sequence.pages.splice(0))
  }

  private release(pages: readonly number[]): void {
    for (const page of pages) if (page !== FREED_PAGE) this.pool.release(page)
  }

  /** First position that a row at `position` sees. */
  private firstSeen(position: number): number {
    return this.window === null ? 0 : Math.max(0, position - this.window + 1)
  }

  /** True when the pages hold all that a row behind the first `length` positions sees. */
  private reaches({ pages }: Sequence, length: number): boolean {
    return pages.findLastIndex((page) => page === FREED_PAGE) < Math.floor(this.firstSeen(length) / PAGE)
  }

  /** Gives back the pages that every window has passed. */
  private freePassed({ pages, tokens }: Sequence): void {
    const passed = Math.floor(this.firstSeen(tokens.length - TAKEN_BACK) / PAGE)
    for (let i = 0; i < passed; i++) {
      const page = pages[i]
      if (page === undefined || page === FREED_PAGE) continue
      this.pool.release(page)
      pages[i] = FREED_PAGE
    }
  }

  /** Ends the use of a sequence; its pages stay until they are needed. */
  park(sequence: Sequence): void {
    sequence.busy = false
    sequence.lastUse = ++this.clock
  }

  drop(sequence: Sequence): void {
    invariant(this.live.delete(sequence), 'a sequence is dropped once')
    this.release(sequence.pages.splice(0))
    this.freeSlots.push(sequence.slot)
  }

  private takePage(): number {
    for (;;) {
      const page = this.pool.take()
      if (page !== null) return page
      this.freeSlots.push(this.evict())
    }
  }

  /** Gives up the sequence unused for longest; returns its slot. */
  private evict(): number {
    const resting = [...this.live].filter((sequence) => !sequence.busy)
    const oldest = resting.sort((a, b) => a.lastUse - b.lastUse)[0]
    if (!oldest) {
      throw new TokenscopeError('context-full', 'The cache has no room for another sequence.', {
        hint: 'Stop a running generation or load the model with a shorter context.',
        details: { pages: this.pool.pages, sequences: this.live.size },
      })
    }
    this.drop(oldest)
    const slot = this.freeSlots.pop()
    invariant(slot !== undefined, 'a dropped sequence frees its slot')
    return slot
  }
}
