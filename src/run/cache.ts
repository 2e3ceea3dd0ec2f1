import { TokenscopeError, invariant } from '../errors.ts'
import { PAGE } from '../program/batchLayout.ts'
import type { CacheLayer, PagePool } from './pagePool.ts'

/** Positions behind which no layer looks, null when some layer sees all. */
export function widestWindow(layers: readonly CacheLayer[]): number | null {
  const windows = layers.map(({ window }) => window ?? Infinity)
  const widest = Math.max(0, ...windows)
  return Number.isFinite(widest) ? widest : null
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

  /**
   * A new sequence that shares the pages of the first `length` positions of `parent`. The sequence that first goes on in a partly filled last
   * page takes a copy of it.
   */
  fork(parent: Sequence | null, length: number, key: string): Sequence {
    if (!parent) return this.start(key)
    invariant(parent.tokens.length >= length, 'a fork starts inside its parent')
    const wasBusy = parent.busy
    // The slot made free below may not be the parent's own.
    parent.busy = true
    const sequence = this.start(key)
    for (const page of parent.pages.slice(0, Math.ceil(length / PAGE))) {
      if (page !== FREED_PAGE) this.pool.retain(page)
      sequence.pages.push(page)
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

  /** The page that rows behind the sequence's tokens begin in, where others hold it too; null elsewhere. */
  private sharedLast({ pages, tokens }: Sequence): number | null {
    const page = tokens.length % PAGE > 0 ? pages[Math.floor(tokens.length / PAGE)] : undefined
    return page !== undefined && page !== FREED_PAGE && this.pool.refCount(page) > 1 ? page : null
  }

  /** Pages that must be free for {@link reserve} to give up no sequence. */
  lacking(sequence: Sequence, length: number): number {
    this.freePassed(sequence)
    if (length <= sequence.tokens.length) return 0
    const copied = this.sharedLast(sequence) === null ? 0 : 1
    return copied + Math.max(0, Math.ceil(length / PAGE) - sequence.pages.length)
  }

  /**
   * Makes room for positions below `length`: pages behind the sequence, and one of its own for what it would write into another's.
   * Texts unused for longest are given up where no page is free; where that would not help, none is.
   * @throws `context-full`, or what is given as `refusal`
   */
  reserve(sequence: Sequence, length: number, refusal?: TokenscopeError | null): void {
    const lacking = this.lacking(sequence, length)
    if (lacking > this.pool.freePages + this.idlePages()) throw refusal ?? this.noRoom()
    const shared = lacking === 0 ? null : this.sharedLast(sequence)
    if (shared !== null) {
      const copy = this.takePage()
      const encoder = this.device.createCommandEncoder({ label: 'copy page' })
      this.pool.copyPage(encoder, shared, copy)
      this.device.queue.submit([encoder.finish()])
      sequence.pages[Math.floor(sequence.tokens.length / PAGE)] = copy
      this.pool.release(shared)
    }
    while (sequence.pages.length * PAGE < length) sequence.pages.push(this.takePage())
  }

  /** Gives up texts unused for longest until so many pages are free, or no other is idle. */
  giveUpFor(pages: number): void {
    while (this.pool.freePages < pages && this.oldestIdle()) this.freeSlots.push(this.evict())
  }

  /** Pages that only idle sequences hold. */
  private idlePages(): number {
    const holders = new Map<number, number>()
    for (const page of [...this.live].filter(({ busy }) => !busy).flatMap(({ pages }) => pages))
      if (page !== FREED_PAGE) holders.set(page, (holders.get(page) ?? 0) + 1)
    return [...holders].filter(([page, count]) => this.pool.refCount(page) === count).length
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
      const page = this.pool.allocate()
      if (page !== null) return page
      this.freeSlots.push(this.evict())
    }
  }

  private oldestIdle(): Sequence | undefined {
    return [...this.live].filter(({ busy }) => !busy).sort((a, b) => a.lastUse - b.lastUse)[0]
  }

  private noRoom(): TokenscopeError {
    return new TokenscopeError('context-full', 'The cache has no room for another sequence.', {
      hint: 'Stop a running generation or load the model with a shorter context.',
      details: { pages: this.pool.pages, sequences: this.live.size },
    })
  }

  /** Gives up the sequence unused for longest; returns its slot. */
  private evict(): number {
    const oldest = this.oldestIdle()
    if (!oldest) throw this.noRoom()
    this.drop(oldest)
    const slot = this.freeSlots.pop()
    invariant(slot !== undefined, 'a dropped sequence frees its slot')
    return slot
  }
}
