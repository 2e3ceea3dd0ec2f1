import type { Counters, Variant } from '../api/model.ts'
import type { BufferLedger, LedgerBuffer } from '../gpu/ledger.ts'
import { PipelineCache } from '../gpu/pipelines.ts'
import { mapStaging, readBack, type ByteRange } from '../gpu/readback.ts'
import type { Program } from '../program/step.ts'
import { bindProgram, encodeSteps, type BindResources, type BoundProgram } from './bind.ts'

/** Elements `[begin, end)` of a buffer of f32. */
export type ElementRange = readonly [begin: number, end: number]

/** One forward: a bound program and the batch it runs on. */
export interface Run {
  readonly label: string
  readonly bound: BoundProgram
  readonly batch: LedgerBuffer
  /** Words of the batch, written before. */
  readonly words: Uint32Array<ArrayBuffer>
  /** Rows of the batch, for the counters. */
  readonly rows: number
  /** Copies before the pass. */
  readonly beforePass?: ((encoder: GPUCommandEncoder) => void) | undefined
  /** Dispatches behind the program's, in its pass; returns how many. */
  readonly inPass?: ((pass: GPUComputePassEncoder) => number) | undefined
  /** Copies behind the pass. */
  readonly afterPass?: ((encoder: GPUCommandEncoder) => void) | undefined
}

/** Binds any program to buffers, runs it in one pass and one submit, and reads back. It knows no cache and no sampler. */
export class Executor {
  readonly device: GPUDevice
  readonly ledger: BufferLedger
  readonly pipelines: PipelineCache
  readonly #tally = {
    forwards: 0,
    rows: 0,
    submits: 0,
    passes: 0,
    dispatches: 0,
    bytesUploaded: 0,
    readbacks: 0,
  }

  /** `pipelines`: those of another on the same device, to share what it has compiled. */
  constructor(
    device: GPUDevice,
    ledger: BufferLedger,
    variant: Variant,
    pipelines = new PipelineCache(device, variant),
  ) {
    this.device = device
    this.ledger = ledger
    this.pipelines = pipelines
  }

  bind(program: Program, resources: BindResources): Promise<BoundProgram> {
    return bindProgram(program, resources, this.pipelines, this.ledger)
  }

  /** Runs one forward. */
  run(run: Run): void {
    this.#begin(run)
    this.#submit(run, run.bound.steps, true, true)
  }

  /**
   * Runs one forward in about so many submits, each once the one before has ended: what else draws with this GPU, as the page itself,
   * gets its turn between them.
   */
  async runInPieces(run: Run, pieces: number): Promise<void> {
    const { steps } = run.bound
    const each = Math.max(1, Math.ceil(steps.length / pieces))
    this.#begin(run)
    for (let at = 0; at < steps.length; at += each) {
      const isLast = at + each >= steps.length
      this.#submit(run, steps.slice(at, at + each), at === 0, isLast)
      if (!isLast) await this.device.queue.onSubmittedWorkDone()
    }
  }

  #begin({ batch, words, rows }: Run): void {
    this.device.queue.writeBuffer(batch.gpu, 0, words)
    this.#tally.forwards += 1
    this.#tally.rows += rows
    this.#tally.bytesUploaded += words.byteLength
  }

  /** Submits some of a forward's steps, in one pass. */
  #submit(
    { label, beforePass, inPass, afterPass }: Run,
    steps: BoundProgram['steps'],
    isFirst: boolean,
    isLast: boolean,
  ): void {
    const encoder = this.device.createCommandEncoder({ label })
    if (isFirst) beforePass?.(encoder)
    const pass = encoder.beginComputePass({ label })
    const dispatches = encodeSteps(pass, steps) + (isLast ? (inPass?.(pass) ?? 0) : 0)
    pass.end()
    if (isLast) afterPass?.(encoder)
    this.device.queue.submit([encoder.finish()])
    this.#tally.submits += 1
    this.#tally.passes += 1
    this.#tally.dispatches += dispatches
  }

  countReadback(): void {
    this.#tally.readbacks += 1
  }

  counters(): Omit<Counters, 'pagesAllocated'> {
    return { ...this.#tally, pipelinesCompiled: this.pipelines.compiled }
  }

  /** Copies bytes of a buffer to the host. Throws `device-lost`. */
  read(source: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    return this.#readBytes(source, [[offset, offset + bytes]])
  }

  /** Reads back just these elements, joined, in one mapping. Throws `device-lost`. */
  async readElements(source: GPUBuffer, ranges: readonly ElementRange[]): Promise<Float32Array> {
    return new Float32Array(
      await this.#readBytes(
        source,
        ranges.map(([begin, end]) => [begin * 4, end * 4]),
      ),
    )
  }

  async #readBytes(source: GPUBuffer, ranges: readonly ByteRange[]): Promise<ArrayBuffer> {
    const bytes = await readBack(this.device, this.ledger, source, ranges)
    if (bytes.byteLength > 0) this.countReadback()
    return bytes
  }

  /** The bytes of a staging buffer once the copies into it are done; valid until it is unmapped. Throws `device-lost`. */
  async map(staging: LedgerBuffer): Promise<ArrayBuffer> {
    const bytes = await mapStaging(staging)
    this.countReadback()
    return bytes
  }
}
