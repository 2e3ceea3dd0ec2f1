import { invariant, TokenscopeError } from '../errors.ts'
import type { BufferLedger, LedgerBuffer } from '../gpu/ledger.ts'
import { allocate } from '../gpu/memory.ts'
import { dim4Of, type KvFormat, type KvPages } from '../ops/kvFormats.ts'
import type { Attrs } from '../program/attrs.ts'
import { PAGE } from '../program/batchLayout.ts'
import { isOp, type Program } from '../program/step.ts'

/** What a program keeps of each position, by layer. */
export type CacheLayer = Attrs['cache']

/** The cache that a forward pass writes and reads. */
export function cacheLayers({ steps }: Program): readonly CacheLayer[] {
  return steps.filter((step) => isOp(step, 'cache')).map(({ attrs }) => attrs)
}

/** Bytes of K, or of V, of one position in a layer. */
export function layerBytesPerPosition({ kvHeads, headDim }: CacheLayer, format: KvFormat): number {
  return kvHeads * format.rowBytes(dim4Of(headDim))
}

/** Bytes of K and V of one position over all layers. */
export function cacheBytesPerPosition(layers: readonly CacheLayer[], format: KvFormat): number {
  return layers.reduce((sum, layer) => sum + 2 * layerBytesPerPosition(layer, format), 0)
}

/** A pool doubles until it grows by so much at a time: free pages cost no more than this. */
const STEP_BYTES = 8 * 1024 * 1024
/** Bytes that are copied at a time while a pool grows: what it holds twice for that moment, unless one layer takes more. */
const MOVED_BYTES = 64 * 1024 * 1024

export interface PoolSize {
  /** Pages at the start. */
  readonly pages: number
  /** Pages it may grow to, as far as the device can bind them. */
  readonly most: number
  readonly format: KvFormat
  readonly label?: string
}

interface LayerPages {
  k: LedgerBuffer
  v: LedgerBuffer
}

/**
 * Keys and values of all layers in pages of {@link PAGE} positions: per layer `[pages, kvHeads, PAGE]` rows of a
 * format, twice.
 * Pages are counted by reference, so branches share them. The pool grows by copying each layer into larger buffers.
 */
export class PagePool {
  allocated = 0
  /** Counts up with every buffer that another has taken the place of: what was bound before is bound to freed ones. */
  moves = 0
  readonly most: number
  readonly format: KvFormat
  #pages: number
  readonly #references: number[]
  readonly #free: number[]
  readonly #layers: LayerPages[]
  /** A page on its way: WebGPU copies between different buffers only. */
  readonly #scratchPage: LedgerBuffer
  readonly #ledger: BufferLedger
  readonly #label: string
  /** Of K or V, by layer. */
  readonly #pageBytes: readonly number[]

  constructor(
    ledger: BufferLedger,
    layers: readonly CacheLayer[],
    { pages, most, format, label = 'kv-cache' }: PoolSize,
  ) {
    this.#ledger = ledger
    this.#label = label
    this.format = format
    this.#pageBytes = layers.map((layer) => PAGE * layerBytesPerPosition(layer, format))
    const largest = Math.max(1, ...this.#pageBytes)
    const bindable = Math.floor(ledger.largestBinding / largest)
    this.#pages = pages
    this.most = Math.max(pages, Math.min(most, bindable))
    this.#references = Array.from({ length: pages }, () => 0)
    this.#free = Array.from({ length: pages }, (_, i) => pages - 1 - i)
    this.#layers = this.#pageBytes.map((_, n) => this.#create(n, pages))
    const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    this.#scratchPage = ledger.create(`${label}:scratch`, Math.max(0, ...this.#pageBytes), usage)
  }

  #create(n: number, pages: number): LayerPages {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    const bytes = pages * (this.#pageBytes[n] ?? 0)
    const k = this.#ledger.create(`${this.#label}:k${n}`, bytes, usage)
    return { k, v: this.#ledger.create(`${this.#label}:v${n}`, bytes, usage) }
  }

  layer(n: number): KvPages {
    const layer = this.#layers[n]
    invariant(layer, `layer ${n} has pages`)
    return { k: layer.k.gpu, v: layer.v.gpu, format: this.format }
  }

  /** Pages there are now, free ones included. */
  get pages(): number {
    return this.#pages
  }

  get freePages(): number {
    return this.#free.length
  }

  /** Of K and V together; layers that differ share the mean. */
  get bytesPerPageAndLayer(): number {
    return this.bytesPerPage / this.#pageBytes.length
  }

  /** Of K and V over all layers. */
  get bytesPerPage(): number {
    return 2 * this.#pageBytes.reduce((sum, bytes) => sum + bytes, 0)
  }

  /** A page that no sequence uses, or null. */
  allocate(): number | null {
    const page = this.#free.pop()
    if (page === undefined) return null
    this.#references[page] = 1
    this.allocated += 1
    return page
  }

  retain(page: number): void {
    this.#references[page] = this.refCount(page) + 1
  }

  release(page: number): void {
    const left = this.refCount(page) - 1
    invariant(left >= 0, `page ${page} released twice`)
    this.#references[page] = left
    if (left === 0) this.#free.push(page)
  }

  /** Sequences that hold this page. */
  refCount(page: number): number {
    return this.#references[page] ?? 0
  }

  /** Records copies of one page over all layers. */
  copyPage(encoder: GPUCommandEncoder, from: number, to: number): void {
    this.#layers.forEach(({ k, v }, n) => {
      const size = this.#pageBytes[n] ?? 0
      for (const { gpu } of [k, v]) {
        encoder.copyBufferToBuffer(gpu, from * size, this.#scratchPage.gpu, 0, size)
        encoder.copyBufferToBuffer(this.#scratchPage.gpu, 0, gpu, to * size, size)
      }
    })
  }

  /**
   * Adds pages until `wanted` are free, and `spare` more where they can be had. What the pages hold stays, whatever happens. Resolves to
   * null, or to why there are too few: `limit` where the device binds no larger buffer, `out-of-memory` where it has none left.
   */
  async grow(device: GPUDevice, wanted: number, spare = 0): Promise<TokenscopeError | null> {
    const least = this.#pages + wanted - this.freePages
    const step = Math.max(1, Math.min(this.#pages, Math.floor(STEP_BYTES / this.bytesPerPage)))
    const pages = Math.min(this.most, Math.max(least + spare, this.#pages + step))
    const shortage = pages > this.#pages ? await this.#growTo(device, pages) : null
    if (shortage) return this.#refusal('out-of-memory', least, shortage.message)
    return least > this.#pages ? this.#refusal('limit', least, 'this device binds no larger buffers') : null
  }

  async #growTo(device: GPUDevice, pages: number): Promise<GPUError | null> {
    for (let n = 0; n < this.#layers.length;) {
      const end = this.#endOfBatch(n, pages)
      const shortage = await this.#move(device, [n, end], pages)
      if (shortage) return shortage
      n = end
    }
    const added = Array.from({ length: pages - this.#pages }, (_, i) => pages - 1 - i)
    this.#free.unshift(...added)
    this.#references.push(...added.map(() => 0))
    this.#pages = pages
    return null
  }

  /** Layers from `begin` on that move together: {@link MOVED_BYTES} of them, and at least one. */
  #endOfBatch(begin: number, pages: number): number {
    let end = begin
    let bytes = 0
    while (end < this.#layers.length && (end === begin || bytes < MOVED_BYTES)) {
      bytes += 2 * pages * (this.#pageBytes[end] ?? 0)
      end += 1
    }
    return end
  }

  /** Moves layers into buffers of `pages` pages, and waits until the old ones are gone. Resolves to what the GPU lacked. */
  async #move(
    device: GPUDevice,
    [begin, end]: readonly [number, number],
    pages: number,
  ): Promise<GPUError | null> {
    const created: LayerPages[] = []
    const shortage = await allocate(device, () => {
      for (let n = begin; n < end; n++) created.push(this.#create(n, pages))
    })
    const unused = shortage ? created : this.#layers.slice(begin, end)
    if (!shortage) {
      const encoder = device.createCommandEncoder({ label: 'grow the cache' })
      created.forEach((next, i) => {
        const old = this.#layers[begin + i]
        invariant(old, `layer ${begin + i} has pages`)
        const bytes = Math.min(old.k.bytes, next.k.bytes)
        encoder.copyBufferToBuffer(old.k.gpu, 0, next.k.gpu, 0, bytes)
        encoder.copyBufferToBuffer(old.v.gpu, 0, next.v.gpu, 0, bytes)
        this.#layers[begin + i] = next
      })
      device.queue.submit([encoder.finish()])
      this.moves += 1
    }
    for (const { k, v } of unused) {
      this.#ledger.destroy(k)
      this.#ledger.destroy(v)
    }
    if (!shortage) await device.queue.onSubmittedWorkDone()
    return shortage
  }

  #refusal(code: 'limit' | 'out-of-memory', pages: number, why: string): TokenscopeError {
    const [has, wanted] = [this.#pages, pages].map((count) => count * PAGE)
    const bytes = pages * this.bytesPerPage
    return new TokenscopeError(
      code,
      `The cache holds ${has} positions; ${wanted} would take ${bytes} bytes: ${why}.`,
      {
        hint: 'What is written so far is kept. Use a shorter text, fewer at a time, or a smaller format of the cache.',
        details: { positions: has, wanted, bytes, bytesPerPosition: this.bytesPerPage / PAGE },
      },
    )
  }

  dispose(): void {
    for (const { k, v } of this.#layers) {
      this.#ledger.destroy(k)
      this.#ledger.destroy(v)
    }
    this.#ledger.destroy(this.#scratchPage)
  }
}
