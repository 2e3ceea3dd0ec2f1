import { TokenscopeError, invariant } from '../errors.ts'
import { checkIds, checkOptions } from '../decode/options.ts'
import { generateTokens, type GenerateContext, type RunRecord } from '../decode/generate.ts'
import type { ChatMessage } from '../text/types.ts'
import type { TextTokenizer } from '../text/tokenizer.ts'
import type {
  AdapterAnalysis,
  AdapterReport,
  AdapterScale,
  Attribution,
  AttributionOptions,
  Counters,
  DirectionTokens,
  LoadedAdapterInfo,
  ForwardOptions,
  GeneratedToken,
  GenerateOptions,
  Inspection,
  InspectOptions,
  Lens,
  LensOptions,
  MemoryReport,
  Model,
  ModelInfo,
  ModelSource,
  Prompt,
  StepInfo,
  TensorData,
} from '../api/model.ts'
import { underEdits, type Conditions } from '../run/conditions.ts'
import { EditSet } from '../run/editSet.ts'
import { describeSteps } from '../run/describe.ts'
import { EngineTools } from './tools.ts'
import { EngineInspections } from './inspections.ts'
import { EngineAdapters, type AddAdapterOptions, type ExportOptions } from './adapters.ts'
import { lastLogits, traceSteps } from '../inspect/trace.ts'
import type { ForwardInput } from '../inspect/forward.ts'
import { isStream } from '../program/recorder.ts'
import type { Runner } from '../run/runner.ts'

/** Sets of edits that stay on the GPU. */
const KEPT_EDITS = 8

export interface EngineParts {
  info: ModelInfo
  runner: Runner
  tokenizer: TextTokenizer | null
  /** True when the engine made the device itself and ends it too. */
  ownsDevice: boolean
  /** Where ids and relative addresses of adapters are resolved from. */
  modelsUrl: URL
  /** Configuration and tokenizer of the checkpoint, by file name. */
  readCompanions: () => Promise<Map<string, Uint8Array>>
}

/** A loaded model on one device: the {@link Model} of the library and of the worker. */
export class Engine implements Model {
  readonly info: ModelInfo
  readonly runner: Runner
  private readonly tokenizer: TextTokenizer | null
  private readonly adapters: EngineAdapters
  private readonly inspections = new EngineInspections()
  private readonly tools: EngineTools
  private readonly ownsDevice: boolean
  private disposed = false
  private fault: TokenscopeError | null = null
  private tellFault: (error: TokenscopeError) => void = () => undefined
  /** Resolves when the device fails outside a call; never for a model that is disposed of in good health. */
  readonly faulted = new Promise<TokenscopeError>((resolve) => (this.tellFault = resolve))
  private lastRun: RunRecord | null = null
  /** Newest first. */
  private readonly editSets: EditSet[] = []
  /** Generations take turns. */
  private turn: Promise<void> = Promise.resolve()
  /** The generation whose turn it is. */
  private current: { tokens: AsyncGenerator<GeneratedToken>; release: () => void } | null = null
  /** Inspections and readbacks under way, which own buffers. */
  private readonly reading = new Set<Promise<unknown>>()

  constructor({ info, runner, tokenizer, ownsDevice, modelsUrl, readCompanions }: EngineParts) {
    this.info = info
    this.runner = runner
    this.tokenizer = tokenizer
    this.adapters = new EngineAdapters({ runner, tokenizer, modelId: info.id, modelsUrl, readCompanions })
    this.ownsDevice = ownsDevice
    this.tools = new EngineTools({
      model: this,
      runner,
      tokenizer,
      checkHealth: () => this.checkHealth(),
      refuseMerged: (what) => this.adapters.refuseMerged(what),
      conditionsOf: (options) => this.conditionsOf(options),
      promptIds: (prompt) => this.promptIds(prompt),
      takeTurn: () => this.takeTurn(),
      read: (work) => this.read(work),
      forgetLogits: () => (this.lastRun = null),
    })
    runner.device.addEventListener('uncapturederror', this.onFault)
    void runner.device.lost.then(({ message, reason }) => {
      if (this.disposed) return
      this.fail(
        new TokenscopeError('device-lost', 'The GPU device was lost.', {
          hint: 'The text is kept. Load the model again to go on.',
          details: { reason, message },
        }),
      )
    })
  }

  private readonly onFault = ({ error }: GPUUncapturedErrorEvent): void => {
    const code = error instanceof GPUOutOfMemoryError ? 'out-of-memory' : 'device-lost'
    this.fail(
      new TokenscopeError(code, `The GPU reported a fault: ${error.message}`, {
        hint: 'Load the model again; with little GPU memory, a smaller model or a quantised weight format.',
      }),
    )
  }

  /** The first fault stays: later ones follow from it. */
  private fail(error: TokenscopeError): void {
    if (this.fault) return
    this.fault = error
    this.tellFault(error)
  }

  /** Throws when the model was disposed of or its device has failed. */
  private checkHealth(): void {
    if (this.fault) throw this.fault
    if (this.disposed) {
      throw new TokenscopeError('bad-argument', 'This model was disposed of.', { hint: 'Load it again.' })
    }
  }

  private needTokenizer(): TextTokenizer {
    if (this.tokenizer) return this.tokenizer
    throw new TokenscopeError('unsupported', 'This model was loaded without a tokenizer.', {
      hint: 'Give token ids, or put tokenizer.json beside the weights.',
    })
  }

  encode(text: string, options?: { addSpecialTokens?: boolean; parseSpecial?: boolean }): Promise<number[]> {
    return this.needTokenizer().encode(text, options)
  }

  decode(ids: readonly number[]): Promise<string> {
    return Promise.resolve(this.needTokenizer().decode(ids))
  }

  /** Ids of a prompt, as `generate` reads it; an empty text is the token that starts one. */
  private async promptIds(prompt: Prompt): Promise<number[]> {
    const ids = typeof prompt === 'string' ? await this.encode(prompt) : await this.listIds(prompt)
    return ids.length === 0 && this.info.bosId !== null ? [this.info.bosId] : ids
  }

  private async listIds(prompt: readonly number[] | readonly ChatMessage[]): Promise<number[]> {
    if (prompt.every((entry) => typeof entry === 'number')) return [...prompt]
    const messages = prompt.filter((entry): entry is ChatMessage => typeof entry === 'object')
    const tokenizer = this.needTokenizer()
    const text = await tokenizer.applyChatTemplate(messages)
    return tokenizer.encode(text, { addSpecialTokens: false, parseSpecial: true })
  }

  async logits(ids: readonly number[], options: ForwardOptions = {}): Promise<TensorData> {
    const traced = await this.trace(ids, { probes: ['logits'], ...options })
    const logits = traced.get('logits')
    invariant(logits, 'logits were probed')
    return logits
  }

  async trace(
    ids: readonly number[],
    { probes, adapters, edits }: { probes: readonly string[] } & ForwardOptions,
  ): Promise<Map<string, TensorData>> {
    this.checkHealth()
    checkIds(ids, this.info.vocab, this.info.context + 1)
    return this.read(() => traceSteps(this.runner, ids, probes, this.conditionsOf({ adapters, edits })))
  }

  private forwardInput(ids: readonly number[], options: ForwardOptions): ForwardInput {
    this.checkHealth()
    checkIds(ids, this.info.vocab, this.info.context + 1)
    const { set } = this.adapters
    return {
      runner: this.runner,
      ids: [...ids],
      conditions: this.conditionsOf(options),
      weights: () => set.merged,
    }
  }

  async inspect(ids: readonly number[], options: InspectOptions = {}): Promise<Inspection> {
    // An inspection outlives the edits of recent runs, so it holds its own.
    const input = this.forwardInput(ids, { adapters: options.adapters })
    return this.read(() => this.inspections.inspect(input, options))
  }

  async lens(ids: readonly number[], options: LensOptions = {}): Promise<Lens> {
    const input = this.forwardInput(ids, options)
    return this.read(() => this.inspections.lens(input, options))
  }

  async attribution(ids: readonly number[], options: AttributionOptions): Promise<Attribution> {
    const input = this.forwardInput(ids, { adapters: options.adapters })
    return this.read(() => this.inspections.attribution(input, options))
  }

  /** Runs work that owns buffers: `dispose` waits for it, and a fault on the way makes its result void. */
  private async read<T>(work: () => Promise<T>): Promise<T> {
    const result = work()
    this.reading.add(result)
    try {
      return await result
    } finally {
      this.reading.delete(result)
      this.checkHealth()
    }
  }

  /** What a run is made under. Edits of recent runs stay on the GPU, so that comparing and stepping reuse them. */
  private conditionsOf({ adapters, edits = [] }: ForwardOptions): Conditions {
    const conditions = this.adapters.set.conditionsOf(adapters)
    if (edits.length === 0) return conditions
    const program = this.runner.model.record({ rows: 1, logitRows: 1, positions: 1 })
    const made = new EditSet(this.runner.device, this.runner.ledger, program, edits)
    const known = this.editSets.find(({ key }) => key === made.key)
    if (known) made.dispose()
    else this.editSets.unshift(made)
    for (const old of this.editSets.splice(KEPT_EDITS)) old.dispose()
    return underEdits(conditions, known ?? made)
  }

  steps({ rows }: { rows: number }): Promise<StepInfo[]> {
    return Promise.resolve(describeSteps(this.runner, rows))
  }

  async *generate(prompt: Prompt, options: GenerateOptions = {}): AsyncGenerator<GeneratedToken> {
    this.checkHealth()
    const checked = checkOptions(options, this.info.eosIds)
    const conditions = this.conditionsOf(options)
    const ids = await this.promptIds(prompt)
    checkIds(ids, this.info.vocab, this.info.context)
    const release = await this.takeTurn()
    try {
      this.checkHealth()
      const context: GenerateContext = {
        runner: this.runner,
        tokenizer: this.tokenizer,
        conditions,
        checkHealth: () => this.checkHealth(),
        explainNotFinite: (sequence) => this.explainNotFinite(sequence, conditions),
      }
      const tokens = generateTokens(context, ids, checked, (run) => (this.lastRun = run))
      this.current = { tokens, release }
      yield* tokens
      if (this.disposed) this.checkHealth()
    } finally {
      release()
    }
  }

  private async takeTurn(): Promise<() => void> {
    const before = this.turn
    let release = (): void => undefined
    this.turn = new Promise((resolve) => (release = resolve))
    await before
    return release
  }

  private async explainNotFinite(ids: readonly number[], conditions: Conditions): Promise<TokenscopeError> {
    const { steps } = this.runner.model.record({ rows: 1, logitRows: 1, positions: 1 })
    const probes = steps.filter((step) => isStream(step) || step.rows === 'logits').map(({ name }) => name)
    const traced = await traceSteps(this.runner, ids, probes, conditions)
    const first = [...traced].find(([, { data }]) => !data.every(Number.isFinite))
    const name = first?.[0] ?? 'logits'
    return new TokenscopeError(
      'bad-file',
      `The model computed NaN or infinity; the first step where it appears is ${name}.`,
      {
        hint: 'The weights are damaged or too large for this precision. Load them again, or as f32.',
        details: { step: name },
      },
    )
  }

  async tokenLogits(index: number): Promise<{ data: Float32Array; recomputed: boolean }> {
    this.checkHealth()
    const run = this.lastRun
    if (!run || !Number.isInteger(index) || index < 0 || index >= run.tokens.length) {
      throw new TokenscopeError('bad-argument', `The last run has no token ${index}.`, {
        hint: 'Indices count the generated tokens from 0.',
        details: { got: index, tokens: run?.tokens.length ?? 0 },
      })
    }
    const { vocab } = this.info
    if (index >= run.submitted - this.runner.ringRows) {
      const row = index % this.runner.ringRows
      const bytes = await this.read(() =>
        this.runner.read(this.runner.logits.gpu, row * vocab * 4, vocab * 4),
      )
      return { data: new Float32Array(bytes), recomputed: false }
    }
    const ids = [...run.prompt, ...run.tokens.slice(0, index)]
    return { data: await this.read(() => lastLogits(this.runner, ids, run.conditions)), recomputed: true }
  }

  prepareAdapters(): Promise<void> {
    this.checkHealth()
    return this.read(() => this.adapters.prepare())
  }

  addAdapter(
    source: ModelSource,
    options: AddAdapterOptions = {},
  ): Promise<{ id: string; report: AdapterReport }> {
    this.checkHealth()
    return this.read(() => this.adapters.add(source, options))
  }

  setAdapterScale(id: string, scale: number): Promise<void> {
    this.checkHealth()
    this.adapters.set.setScale(id, scale)
    return Promise.resolve()
  }

  removeAdapter(id: string): Promise<void> {
    this.checkHealth()
    return this.read(() => this.adapters.set.remove(id))
  }

  listAdapters(): Promise<readonly LoadedAdapterInfo[]> {
    return Promise.resolve(this.adapters.set.list())
  }

  analyseAdapter(id: string): Promise<AdapterAnalysis> {
    this.checkHealth()
    return this.read(() => this.adapters.analyse(id))
  }

  adapterDirections(id: string, step: string, k: number): Promise<DirectionTokens> {
    this.checkHealth()
    return this.read(() => this.adapters.directions(id, step, k))
  }

  adapterSimilarity(first: string, second: string): Promise<{ step: string; cosine: number | null }[]> {
    return Promise.resolve(this.adapters.similarity(first, second))
  }

  async mergeAdapters(scales: readonly AdapterScale[]): Promise<void> {
    this.checkHealth()
    const release = await this.takeTurn()
    try {
      await this.read(() => this.adapters.merge(scales))
    } finally {
      release()
    }
  }

  async unmergeAdapters(): Promise<void> {
    this.checkHealth()
    const release = await this.takeTurn()
    this.adapters.unmerge()
    release()
  }

  exportAdapter(
    scales: readonly AdapterScale[],
    options: ExportOptions = {},
  ): Promise<Map<string, Uint8Array>> {
    this.checkHealth()
    return this.read(() => this.adapters.export(scales, options))
  }

  fork = (...args: Parameters<Model['fork']>) => this.tools.fork(...args)
  expand = (...args: Parameters<Model['expand']>) => this.tools.expand(...args)
  compare = (...args: Parameters<Model['compare']>) => this.tools.compare(...args)
  score = (...args: Parameters<Model['score']>) => this.tools.score(...args)
  speculate = (...args: Parameters<Model['speculate']>) => this.tools.speculate(...args)
  cache = () => this.tools.cache()
  saveTrace = (...args: Parameters<Model['saveTrace']>) => this.tools.saveTrace(...args)

  memory(): Promise<MemoryReport> {
    return Promise.resolve(this.runner.ledger.report())
  }

  counters(): Promise<Counters> {
    return Promise.resolve(this.runner.counters())
  }

  async dispose(): Promise<void> {
    if (this.disposed) return
    this.disposed = true
    // A reader may have walked away from its generation without ending it.
    await this.current?.tokens.return(undefined)
    this.current?.release()
    await Promise.allSettled([this.turn, ...this.reading])
    await this.inspections.dispose()
    this.runner.device.removeEventListener('uncapturederror', this.onFault)
    this.runner.ledger.destroyAll()
    this.tokenizer?.dispose()
    if (this.ownsDevice) this.runner.device.destroy()
  }
}
