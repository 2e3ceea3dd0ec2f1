import { TokenscopeError, invariant } from '../errors.ts'
import type { BufferLedger, LedgerBuffer } from '../gpu/ledger.ts'
import type { DecoderSpec } from '../arch/spec.ts'

/** Positions of a page; the same number stands in the kernels. */
export const PAGE = 32

/** Bytes of K and V of one position over all layers. */
export function cacheBytesPerPosition({ layers, kvHeads, headDim }: DecoderSpec): number {
  return 2 * layers * kvHeads * headDim * 4
}

/**
 * Keys and values of all layers in pages of {@link PAGE} positions: per layer `[pages, kvHeads, PAGE, headDim]` f32, twice.
 * Pages are counted by reference, so branches share them.
 */
export class PagePool {
  readonly pages: number
  allocated = 0
  private readonly references: Uint16Array
  private readonly free: number[]
  private readonly layers: { k: LedgerBuffer; v: LedgerBuffer }[]
  /** One page in passing: WebGPU copies between different buffers only. */
  private readonly passing: LedgerBuffer
  private readonly ledger: BufferLedger
  private readonly bytesPerPage: number

  constructor(ledger: BufferLedger, spec: DecoderSpec, pages: number, label = 'kv-cache') {
    this.ledger = ledger
    this.pages = pages
    this.references = new Uint16Array(pages)
    this.free = Array.from({ length: pages }, (_, i) => pages - 1 - i)
    this.bytesPerPage = PAGE * spec.kvHeads * spec.headDim * 4
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    this.layers = Array.from({ length: spec.layers }, (_, n) => ({
      k: ledger.create(`${label}:k${n}`, pages * this.bytesPerPage, usage),
      v: ledger.create(`${label}:v${n}`, pages * this.bytesPerPage, usage),
    }))
    this.passing = ledger.create(`${label}:passing`, this.bytesPerPage, usage)
  }

  layer(n: number): { k: GPUBuffer; v: GPUBuffer } {
    const layer = this.layers[n]
    invariant(layer, `layer ${n} has pages`)
    return { k: layer.k.gpu, v: layer.v.gpu }
  }

  get freePages(): number {
    return this.free.length
  }

  /** Of K and V together. */
  get bytesPerPageAndLayer(): number {
    return 2 * this.bytesPerPage
  }

  /** A page nobody uses, or null. */
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
  sharers(page: number): number {
    return this.references[page] ?? 0
  }

  /** Records copies of one page over all layers; a branch's own last page starts so. */
  copyPage(encoder: GPUCommandEncoder, from: number, to: number): void {
    const size = this.bytesPerPage
    for (const { gpu } of this.layers.flatMap(({ k, v }) => [k, v])) {
      encoder.copyBufferToBuffer(gpu, from * size, this.passing.gpu, 0, size)
      encoder.copyBufferToBuffer(this.passing.gpu, 0, gpu, to * size, size)
    }
  }

  dispose(): void {
    for (const { k, v } of this.layers) {
      this.ledger.destroy(k)
      this.ledger.destroy(v)
    }
    this.ledger.destroy(this.passing)
  }
}

/** One run of text in the cache. Its pages are valid for exactly these tokens under this adapter mix and these edits. */
export interface Sequence {
  /** Sampler slot, below {@link MAX_SEQUENCES}. */
  readonly slot: number
  /** Names the adapter mix and edits the pages were made under; '' is the plain base. */
  readonly mix: string
  /** Tokens whose keys and values are in the pages. */
  readonly tokens: number[]
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

/** Which sequences are in the cache, and who shares what. */
export class SequenceStore {
  private readonly live = new Set<Sequence>()
  private readonly freeSlots = Array.from({ length: MAX_SEQUENCES }, (_, i) => MAX_SEQUENCES - 1 - i)
  private clock = 0
  private readonly pool: PagePool
  private readonly device: GPUDevice

  constructor(device: GPUDevice, pool: PagePool) {
    this.device = device
    this.pool = pool
  }

  all(): readonly Sequence[] {
    return [...this.live]
  }

  /** The sequence that shares the longest prefix of `tokens` under the same mix, and how long that is. */
  longestPrefix(
    tokens: readonly number[],
    { key, unedited }: PageOrigin,
  ): { sequence: Sequence; length: number } | null {
    let best: { sequence: Sequence; length: number } | null = null
    for (const sequence of this.live) {
      const limit = sequence.mix === key ? tokens.length : sequence.mix === unedited?.key ? unedited.below : 0
      let length = 0
      while (length < Math.min(limit, tokens.length) && sequence.tokens[length] === tokens[length])
        length += 1
      if (length > (best?.length ?? 0)) best = { sequence, length }
    }
    return best
  }

  /** A new sequence that shares the first `length` positions of `parent`; only a partly filled last page is copied. */
  fork(parent: Sequence | null, length: number, mix: string): Sequence {
    if (!parent) return this.start(mix)
    invariant(parent.tokens.length >= length, 'a fork starts inside its parent')
    const wasBusy = parent.busy
    // Neither the slot nor the page made free below may be the parent's own.
    parent.busy = true
    const sequence = this.start(mix)
    const full = Math.floor(length / PAGE)
    for (const page of parent.pages.slice(0, full)) {
      this.pool.retain(page)
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

  private start(mix: string): Sequence {
    const slot = this.freeSlots.pop() ?? this.evict()
    const sequence: Sequence = { slot, mix, tokens: [], pages: [], lastUse: ++this.clock, busy: true }
    this.live.add(sequence)
    return sequence
  }

  /** Makes room for positions below `length`. */
  reserve(sequence: Sequence, length: number): void {
    while (sequence.pages.length * PAGE < length) sequence.pages.push(this.takePage())
  }

  /** Forgets positions from `length` on. Pages shared with a branch stay the branch's. */
  truncate(sequence: Sequence, length: number): void {
    sequence.tokens.length = Math.min(sequence.tokens.length, length)
    const needed = Math.ceil(length / PAGE)
    for (const page of sequence.pages.splice(needed)) this.pool.release(page)
  }

  /** Ends the use of a sequence; its pages stay until somebody needs them. */
  rest(sequence: Sequence): void {
    sequence.busy = false
    sequence.lastUse = ++this.clock
  }

  drop(sequence: Sequence): void {
    invariant(this.live.delete(sequence), 'a sequence is dropped once')
    for (const page of sequence.pages.splice(0)) this.pool.release(page)
    this.freeSlots.push(sequence.slot)
  }

  /** Drops every resting sequence, e.g. when a mix they were made under no longer exists. */
  dropResting(): void {
    for (const sequence of this.live) if (!sequence.busy) this.drop(sequence)
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
