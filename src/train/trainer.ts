import type { ParsedAdapter } from '../adapters/types.ts'
import type { ModuleNorm, TrainedStep } from '../api/train.ts'
import { invariant, TokenscopeError } from '../errors.ts'
import type { LedgerBuffer } from '../gpu/ledger.ts'
import { CONTROL, STATISTICS, TARGETS } from '../ops/backward/loss.ts'
import { FLAT } from '../ops/backward/optimizers.ts'
import { PARTS } from '../ops/backward/preference.ts'
import { encodeSteps } from '../run/bind.ts'
import type { Run } from '../run/executor.ts'
import type { Runner } from '../run/runner.ts'
import { bindPasses, type BoundPasses } from './boundPasses.ts'
import { flatWords, STATISTIC_WORDS } from './flatBuffers.ts'
import { flatLayout, packFactors, unpackFactors, type FlatLayout } from './flatLayout.ts'
import { factoredTables } from './optimizerProgram.ts'
import type { TrainSettings } from './options.ts'
import { moduleNorms } from './moduleNorms.ts'
import { Pieces } from './pieces.ts'
import { RunningMean } from './runningMean.ts'
import { controlOf, planSteps, rateFactor } from './schedule.ts'
import { Snapshot } from './snapshot.ts'
import { packTexts, rowsOfTexts, sizeOf, type PackedTexts, type PassText } from './texts.ts'
import { TrainBuffers } from './trainBuffers.ts'
import { readTrainState, writeTrainState, type StateOwner } from './trainState.ts'

const STATISTIC_BYTES = 4 * STATISTIC_WORDS

/** The adapter that learns, and where it stands. */
export interface TrainedAdapter {
  readonly parsed: ParsedAdapter
  readonly slot: number
}

/** Buffers that an optimiser keeps between steps, beside the parameters. */
const MOMENTS = [FLAT.first, FLAT.second, FLAT.rows, FLAT.columns]

/**
 * Trains one adapter. All is allocated and compiled before the first step; a step is as many submits as it has passes, or as pieces of
 * them where the GPU takes long, the last with the optimiser behind it, and one readback of eight numbers.
 */
export class Trainer {
  readonly layout: FlatLayout
  readonly #runner: Runner
  readonly #trained: TrainedAdapter
  /** Texts of each example. */
  readonly #examples: readonly (readonly PassText[])[]
  readonly #settings: TrainSettings
  /** Examples of each pass of each step. */
  readonly #plan: readonly (readonly (readonly number[])[])[]
  readonly #buffers: TrainBuffers
  readonly #flat: ReadonlyMap<string, LedgerBuffer>
  readonly #staging: LedgerBuffer
  readonly #snapshot: Snapshot | null
  #bound: BoundPasses | null = null
  /** Step that comes next. */
  #next = 0
  /** Steps taken before; those left out do not count. */
  #taken = 0
  #mean = new RunningMean()
  readonly #pieces = new Pieces()
  /** Parameters on the GPU that the adapter's own arrays do not hold yet. */
  #ahead = false

  /**
   * `resume`: a state to go on from, as {@link state} gives it. Throws `unsupported`, `limit`, or what {@link readTrainState} does;
   * nothing stays allocated then.
   */
  constructor(
    runner: Runner,
    trained: TrainedAdapter,
    examples: readonly (readonly PassText[])[],
    settings: TrainSettings,
    resume: Uint8Array | null = null,
  ) {
    this.layout = flatLayout(trained.parsed)
    this.#runner = runner
    this.#trained = trained
    this.#examples = examples
    this.#settings = settings
    this.#plan = planSteps(examples.map(rowsOfTexts), settings)
    this.#buffers = new TrainBuffers(runner)
    try {
      this.#flat = this.#makeFlat()
      this.#staging = this.#buffers.create(
        'staging',
        STATISTIC_BYTES,
        GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      )
      this.#snapshot =
        settings.spikeFactor === null ? null : new Snapshot(runner, this.#buffers, this.#changing())
      if (resume) this.#goOn(resume)
    } catch (error) {
      this.#buffers.dispose()
      throw error
    }
  }

  #makeFlat(): Map<string, LedgerBuffer> {
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage
    const usage = STORAGE | COPY_SRC | COPY_DST
    const { layout } = this
    const counted = Math.max(...this.#plan.flat().map((pass) => sizeOf(this.#texts(pass)).counted))
    const buffers = new Map<string, LedgerBuffer>()
    for (const [name, words] of flatWords(layout, this.#settings, counted))
      buffers.set(name, this.#buffers.create(name, words * 4, usage))
    this.#write(buffers.get(FLAT.parameters), packFactors(layout))
    if (buffers.has(FLAT.tables)) this.#write(buffers.get(FLAT.tables), factoredTables(layout))
    return buffers
  }

  /** What an optimiser changes. */
  #changing(): LedgerBuffer[] {
    return [FLAT.parameters, ...MOMENTS].flatMap((name) => this.#flat.get(name) ?? [])
  }

  get #owner(): StateOwner {
    const { layout } = this
    const kept = MOMENTS.flatMap((name) => {
      const buffer = this.#flat.get(name)
      return buffer ? [[name, buffer.bytes / 4] as const] : []
    })
    return { layout, settings: this.#settings, sizes: new Map(kept) }
  }

  #goOn(bytes: Uint8Array): void {
    const { index, taken, mean, moments } = readTrainState(bytes, this.#owner)
    if (index >= this.steps) throw nothingLeft(index, this.steps)
    for (const [name, values] of moments) this.#write(this.#buffer(name), values)
    this.#next = index
    this.#taken = taken
    this.#mean = new RunningMean(mean)
  }

  /** Step that comes next. */
  get next(): number {
    return this.#next
  }

  /**
   * Where the run stands, for another one to go on from. A spike goes back no further than here from now on, as it will there: both
   * have the same curve. The caller holds the turn.
   */
  async state(): Promise<Uint8Array> {
    const owner = this.#owner
    const moments = new Map<string, Float32Array<ArrayBuffer>>()
    for (const [name, size] of owner.sizes)
      moments.set(
        name,
        new Float32Array(await this.#runner.executor.read(this.#buffer(name).gpu, 0, 4 * size)),
      )
    this.#snapshot?.update(this.#next, this.#taken)
    return writeTrainState({ index: this.#next, taken: this.#taken, mean: this.#mean.state, moments }, owner)
  }

  get steps(): number {
    return this.#settings.steps
  }

  /** Pairs of a pass; null where texts are to be likely. */
  get #pairs(): number | null {
    return this.#settings.objective === 'dpo' ? this.#settings.batchSize : null
  }

  #texts(pass: readonly number[]): PassText[] {
    return pass.flatMap((number) => this.#examples[number] ?? [])
  }

  #write(
    buffer: LedgerBuffer | undefined,
    values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
  ): void {
    invariant(buffer, 'training has its buffers')
    this.#runner.device.queue.writeBuffer(buffer.gpu, 0, values)
  }

  #buffer(name: string): LedgerBuffer {
    const buffer = this.#flat.get(name)
    invariant(buffer, `training has a buffer ${name}`)
    return buffer
  }

  /** Binds to the adapters that are loaded; anew only when one has come or gone. */
  async #bind(): Promise<BoundPasses> {
    const { adapters } = this.#runner
    invariant(adapters, 'the trained adapter is loaded')
    if (this.#bound?.adapters === adapters) return this.#bound
    this.#bound?.buffers.dispose()
    this.#bound = null
    const sizes = this.#plan.flat().map((pass) => sizeOf(this.#texts(pass)))
    const size = {
      rows: Math.max(...sizes.map(({ rows }) => rows)),
      logitRows: Math.max(...sizes.map(({ counted }) => counted)),
      positions: Math.max(...sizes.map(({ longest }) => longest)),
    }
    this.#bound = await bindPasses(this.#runner, adapters, {
      layout: this.layout,
      slot: this.#trained.slot,
      size,
      pairs: this.#pairs,
      settings: this.#settings,
      flat: this.#flat,
    })
    return this.#bound
  }

  /** Takes the next step. The caller holds the turn. `scales` are those of the other adapters. */
  async step(scales: Float32Array): Promise<TrainedStep> {
    const index = this.#next
    const largestLoss = this.#mean.limit(this.#settings.spikeFactor)
    const bound = await this.#bind()
    const passes = this.#pack(index, scales)
    const began = performance.now()
    const settings = this.#settings
    const pairs = this.#pairs
    const counted = passes.reduce((sum, { targets }) => sum + targets.length, 0)
    // Half of what a pair counts is the reference's.
    const tokens = pairs === null ? counted : counted / 2
    const weight = 1 / (pairs === null ? counted : pairs * passes.length)
    this.#snapshot?.keepOften(index, this.#taken)
    this.#write(
      this.#buffer(CONTROL),
      controlOf(settings, { index, taken: this.#taken, weight, largestLoss }),
    )
    for (const [i, { rows, learned, targets, parts }] of passes.entries()) {
      const isLast = i === passes.length - 1
      this.#write(this.#buffer(TARGETS), targets)
      if (pairs !== null) this.#write(this.#buffer(PARTS), parts)
      if (bound.learned) this.#write(bound.learned, this.#runner.pack(rows.slice(0, learned)))
      const run: Run = {
        label: 'train',
        bound: bound.pass,
        batch: bound.batch,
        words: this.#runner.pack(rows),
        rows: rows.length,
        beforePass: i === 0 ? (encoder) => this.#clear(encoder) : undefined,
        inPass: isLast ? (pass) => encodeSteps(pass, bound.update.steps) : undefined,
        afterPass: isLast ? (encoder) => this.#copyStatistics(encoder) : undefined,
      }
      await this.#runner.executor.runInPieces(run, this.#pieces.count)
    }
    this.#ahead = true
    const { loss, gradNorm, taken, rewards } = await this.#readStatistics()
    this.#pieces.took((performance.now() - began) / passes.length)
    this.#next = index + 1
    if (taken) {
      this.#taken += 1
      this.#mean.add(loss)
    }
    const learningRate = settings.learningRate * rateFactor(index, settings)
    const skipped = taken ? null : this.#rollBack(index, loss, bound)
    const step = { index, loss, gradNorm, learningRate, tokens, skipped }
    const norms = settings.norms ? { norms: await this.#readNorms(gradNorm) } : {}
    return pairs === null ? { ...step, ...norms } : { ...step, ...norms, rewards }
  }

  async #readNorms(gradNorm: number): Promise<ModuleNorm[]> {
    const bytes = await this.#runner.executor.read(this.#buffer(FLAT.gradients).gpu, 0, this.layout.size * 4)
    return moduleNorms(this.layout, new Float32Array(bytes), gradNorm)
  }

  #pack(index: number, scales: Float32Array): PackedTexts[] {
    const without = scales.slice()
    without[this.#trained.slot] = 0
    return (this.#plan[index] ?? []).map((pass) => packTexts(this.#texts(pass), scales, without))
  }

  #clear(encoder: GPUCommandEncoder): void {
    encoder.clearBuffer(this.#buffer(FLAT.gradients).gpu)
    encoder.clearBuffer(this.#buffer(STATISTICS).gpu)
  }

  #copyStatistics(encoder: GPUCommandEncoder): void {
    encoder.copyBufferToBuffer(this.#buffer(STATISTICS).gpu, 0, this.#staging.gpu, 0, STATISTIC_BYTES)
  }

  async #readStatistics() {
    const mapped = new Float32Array(await this.#runner.executor.map(this.#staging))
    const [loss = NaN, gradNorm = NaN, , taken = 0, chosen = NaN, rejected = NaN, accuracy = NaN] = mapped
    this.#staging.gpu.unmap()
    const rewards = { chosen, rejected, margin: chosen - rejected, accuracy }
    return { loss, gradNorm, taken: taken === 1, rewards }
  }

  /** The step was not taken: state goes back to the last snapshot, where there are any. */
  #rollBack(index: number, loss: number, bound: BoundPasses): TrainedStep['skipped'] {
    const reason = Number.isFinite(loss) && this.#snapshot ? 'spike' : 'not-finite'
    const restored = this.#snapshot?.restore()
    if (!restored) return { reason, backTo: index - 1 }
    this.#taken = restored.taken
    this.#runPublish(bound)
    return { reason, backTo: restored.index - 1 }
  }

  #runPublish(bound: BoundPasses): void {
    const words = this.#runner.pack([])
    this.#runner.executor.run({ label: 'publish', bound: bound.publish, batch: bound.batch, words, rows: 0 })
  }

  /** Brings the adapter's own arrays to what the GPU holds. */
  async settle(): Promise<void> {
    if (!this.#ahead) return
    this.#ahead = false
    const bytes = await this.#runner.executor.read(this.#buffer(FLAT.parameters).gpu, 0, this.layout.size * 4)
    unpackFactors(this.layout, new Float32Array(bytes))
  }

  /** Bytes of everything that training holds beside the model. */
  get bytes(): number {
    return this.#buffers.bytes + (this.#bound?.buffers.bytes ?? 0)
  }

  dispose(): void {
    this.#bound?.buffers.dispose()
    this.#bound = null
    this.#buffers.dispose()
  }
}

function nothingLeft(index: number, steps: number): TokenscopeError {
  return new TokenscopeError('bad-argument', `The run to resume has taken ${index} of ${steps} steps.`, {
    hint: 'Give more steps, or train without resuming.',
    details: { index, steps },
  })
}
