import { loadAdapter } from '../adapters/load.ts'
import { exportMix, type MixPart } from '../adapters/mix.ts'
import { compareTokens, klDivergence } from '../decode/compare.ts'
import { logSoftmax } from '../decode/distribution.ts'
import { TokenscopeError, invariant } from '../errors.ts'
import { openSource } from '../formats/sources.ts'
import { checkIds, checkOptions } from '../decode/options.ts'
import { generateTokens, type GenerateContext, type RunRecord } from '../decode/generate.ts'
import type { ChatMessage } from '../text/types.ts'
import type { TextTokenizer } from '../text/tokenizer.ts'
import type {
  AdapterEffect,
  AdapterReport,
  AdapterScale,
  ComparedToken,
  Counters,
  LoadedAdapterInfo,
  ForwardOptions,
  GeneratedToken,
  GenerateOptions,
  MemoryReport,
  Model,
  ModelInfo,
  ModelSource,
  Prompt,
  StepInfo,
  TensorData,
} from '../types.ts'
import { AdapterRack, BASE_MIX, type Mix } from './adapterRack.ts'
import { describeSteps } from './describe.ts'
import { exportMerged, mergeIntoWeights, type Merged } from './merge.ts'
import { lastLogits, traceSteps } from './inspect.ts'
import type { Runner } from './runner.ts'

/** What an adapter's effect is measured on. */
const PROBE_TEXT = 'Once upon a time there was a little'
const PROBE_ROWS = 8

type AddAdapterOptions = NonNullable<Parameters<Model['addAdapter']>[1]>
type CompareOptions = Parameters<Model['compare']>[1]
type ExportOptions = NonNullable<Parameters<Model['exportAdapter']>[1]>

export interface EngineParts {
  info: ModelInfo
  runner: Runner
  tokenizer: TextTokenizer | null
  /** True when the engine made the device itself and ends it too. */
  ownsDevice: boolean
  /** Where ids and relative addresses of adapters are resolved from. */
  modelsUrl: URL
}

/** A loaded model on one device: the {@link Model} of the library and of the worker. */
export class Engine implements Model {
  readonly info: ModelInfo
  readonly runner: Runner
  private readonly tokenizer: TextTokenizer | null
  private readonly rack: AdapterRack
  private readonly modelsUrl: URL
  private readonly ownsDevice: boolean
  private disposed = false
  private fault: TokenscopeError | null = null
  private tellFault: (error: TokenscopeError) => void = () => undefined
  /** Resolves when the device fails outside a call; never for a model that is disposed of in good health. */
  readonly faulted = new Promise<TokenscopeError>((resolve) => (this.tellFault = resolve))
  private lastRun: RunRecord | null = null
  private merged: Merged | null = null
  /** Generations take turns. */
  private turn: Promise<void> = Promise.resolve()
  /** The generation whose turn it is. */
  private current: { tokens: AsyncGenerator<GeneratedToken>; release: () => void } | null = null
  /** Inspections and readbacks under way, which own buffers. */
  private readonly reading = new Set<Promise<unknown>>()

  constructor({ info, runner, tokenizer, ownsDevice, modelsUrl }: EngineParts) {
    this.info = info
    this.runner = runner
    this.tokenizer = tokenizer
    this.modelsUrl = modelsUrl
    this.rack = new AdapterRack(runner)
    this.ownsDevice = ownsDevice
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
    if (this.disposed) {
      throw new TokenscopeError('bad-argument', 'This model was disposed of.', { hint: 'Load it again.' })
    }
    if (this.fault) throw this.fault
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
    refuseEdits(edits)
    checkIds(ids, this.info.vocab, this.info.context + 1)
    return this.read(() => traceSteps(this.runner, ids, probes, this.rack.mixOf(adapters)))
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

  steps({ rows }: { rows: number }): Promise<StepInfo[]> {
    return Promise.resolve(describeSteps(this.runner, rows))
  }

  async *generate(prompt: Prompt, options: GenerateOptions = {}): AsyncGenerator<GeneratedToken> {
    this.checkHealth()
    refuseEdits(options.edits)
    const checked = checkOptions(options, this.info.eosIds)
    const mix = this.rack.mixOf(options.adapters)
    const ids = await this.promptIds(prompt)
    checkIds(ids, this.info.vocab, this.info.context)
    const release = await this.takeTurn()
    try {
      this.checkHealth()
      const context: GenerateContext = {
        runner: this.runner,
        tokenizer: this.tokenizer,
        mix,
        checkHealth: () => this.checkHealth(),
        explainNotFinite: (sequence) => this.explainNotFinite(sequence, mix),
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

  private async explainNotFinite(ids: readonly number[], mix: Mix): Promise<TokenscopeError> {
    const probes = ['embed', 'layers.*.resid_mid', 'layers.*.resid', 'logits']
    const traced = await traceSteps(this.runner, ids, probes, mix)
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
    return { data: await this.read(() => lastLogits(this.runner, ids, run.mix)), recomputed: true }
  }

  async addAdapter(
    source: ModelSource,
    { name, scale = 1 }: AddAdapterOptions = {},
  ): Promise<{ id: string; report: AdapterReport }> {
    this.checkHealth()
    const files = await openSource(source, { modelsUrl: this.modelsUrl })
    const parsed = await loadAdapter(files, this.runner.spec, { name, baseNames: [this.info.id] })
    return this.read(() => this.rack.add(parsed, scale, (mix) => this.measureEffect(mix)))
  }

  /** What a mix changes on a short probe prompt, against the base. */
  private async measureEffect(mix: Mix): Promise<AdapterEffect> {
    const ids = await this.probeIds()
    const [adapted, base] = [await this.probeLogits(ids, mix), await this.probeLogits(ids, BASE_MIX)]
    const { vocab } = this.info
    let maxDeltaLogit = 0
    let kl = 0
    for (let row = 0; row < ids.length; row++) {
      const [a, b] = [adapted, base].map((data) => data.subarray(row * vocab, (row + 1) * vocab))
      invariant(a && b, 'both runs have this row')
      a.forEach((logit, i) => (maxDeltaLogit = Math.max(maxDeltaLogit, Math.abs(logit - (b[i] ?? 0)))))
      kl += klDivergence(logSoftmax(a), logSoftmax(b))
    }
    return { maxDeltaLogit, meanKl: kl / ids.length }
  }

  private async probeLogits(ids: readonly number[], mix: Mix): Promise<Float32Array> {
    const logits = (await traceSteps(this.runner, ids, ['logits'], mix)).get('logits')
    invariant(logits, 'logits were probed')
    return logits.data
  }

  /** At most eight tokens, so that the kernels of small batches serve. */
  private async probeIds(): Promise<number[]> {
    const text = this.tokenizer ? await this.tokenizer.encode(PROBE_TEXT) : []
    const ids =
      text.length > 0 ? text : Array.from({ length: PROBE_ROWS }, (_, i) => (i * 7919 + 1) % this.info.vocab)
    return ids.slice(0, Math.min(PROBE_ROWS, this.info.context))
  }

  setAdapterScale(id: string, scale: number): Promise<void> {
    this.checkHealth()
    this.rack.setScale(id, scale)
    return Promise.resolve()
  }

  async removeAdapter(id: string): Promise<void> {
    this.checkHealth()
    await this.read(() => this.rack.remove(id))
  }

  listAdapters(): Promise<readonly LoadedAdapterInfo[]> {
    return Promise.resolve(this.rack.list())
  }

  private mixParts(mix: readonly AdapterScale[]): MixPart[] {
    return mix.map(({ id, scale }) => ({ adapter: this.rack.parsed(id), scale }))
  }

  async mergeAdapters(mix: readonly AdapterScale[]): Promise<void> {
    this.checkHealth()
    if (this.merged) {
      throw new TokenscopeError('bad-argument', 'Adapters are merged already.', {
        hint: 'Unmerge them first.',
      })
    }
    const release = await this.takeTurn()
    try {
      const parts = this.mixParts(mix)
      this.merged = await this.read(() => mergeIntoWeights(this.runner, parts))
      this.rack.merged = mix.map(({ id, scale }) => `${id}@${scale}`).join('+')
    } finally {
      release()
    }
  }

  async unmergeAdapters(): Promise<void> {
    this.checkHealth()
    const release = await this.takeTurn()
    this.merged?.restore()
    this.merged = null
    this.rack.merged = null
    release()
  }

  async exportAdapter(
    mix: readonly AdapterScale[],
    { format = 'peft', dtype = 'F32' }: ExportOptions = {},
  ): Promise<Map<string, Uint8Array>> {
    this.checkHealth()
    this.refuseMerged('Exporting')
    const parts = this.mixParts(mix)
    if (format === 'peft') return exportMix(parts, { baseModel: this.info.id, dtype })
    const weights = await this.read(() => exportMerged(this.runner, parts, dtype))
    return new Map([['model.safetensors', weights]])
  }

  private refuseMerged(what: string): void {
    if (!this.merged) return
    throw new TokenscopeError(
      'unsupported',
      `${what} needs the base, and adapters are merged into the weights.`,
      {
        hint: 'Unmerge them first.',
      },
    )
  }

  async *compare(prompt: Prompt, options: CompareOptions): AsyncGenerator<ComparedToken> {
    this.checkHealth()
    refuseEdits(options.edits)
    this.refuseMerged('Comparing')
    const checked = checkOptions(options, this.info.eosIds)
    const [a, b] = [this.rack.mixOf(options.a), this.rack.mixOf(options.b)]
    const ids = await this.promptIds(prompt)
    checkIds(ids, this.info.vocab, this.info.context)
    const release = await this.takeTurn()
    try {
      this.checkHealth()
      // The two rows use the ring of logits, so those of an earlier run are gone.
      this.lastRun = null
      const { runner, tokenizer } = this
      yield* compareTokens({ runner, tokenizer, a, b, checkHealth: () => this.checkHealth() }, ids, checked)
    } finally {
      release()
    }
  }

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
    this.runner.device.removeEventListener('uncapturederror', this.onFault)
    this.runner.ledger.destroyAll()
    this.tokenizer?.dispose()
    if (this.ownsDevice) this.runner.device.destroy()
  }
}

function refuseEdits(edits: ForwardOptions['edits']): void {
  if (!edits || edits.length === 0) return
  throw new TokenscopeError('unsupported', 'Edits are not implemented.', {
    hint: 'Leave edits out.',
    details: { edits: edits.length },
  })
}
