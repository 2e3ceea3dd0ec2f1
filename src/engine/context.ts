import type {
  ChatMessage,
  ChatOptions,
  ForwardOptions,
  HubOptions,
  MaskedOptions,
  ModelInfo,
  Prompt,
} from '../api/model.ts'
import type { DecodeContext } from '../decode/context.ts'
import { checkIds } from '../decode/options.ts'
import { TokenscopeError } from '../errors.ts'
import type { Mask } from '../program/attrs.ts'
import type { ForwardInput } from '../inspect/forward.ts'
import { underEdits, underMask, type Conditions } from '../run/conditions.ts'
import { EditSet } from '../run/editSet.ts'
import type { Runner } from '../run/runner.ts'
import type { TextTokenizer } from '../text/tokenizer.ts'
import type { EngineAdapters } from './adapters.ts'
import { AdapterSet } from './adapterSet.ts'
import { DeviceHealth } from './deviceHealth.ts'
import { LastRun } from './lastRun.ts'
import type { ModelFiles } from './modelFiles.ts'

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
  /** What the model was loaded from. */
  files: ModelFiles
  hub?: HubOptions | undefined
}

/** An assistant's text at the end is gone on with, unless the caller says otherwise, as in Transformers' pipelines. */
function unfinished(messages: readonly ChatMessage[], chat: ChatOptions = {}): ChatOptions {
  const last = messages.at(-1)
  const continues =
    chat.addGenerationPrompt === undefined && last?.role === 'assistant' && typeof last.content === 'string'
  return continues ? { continueFinalMessage: true } : {}
}

/** What the methods of a model share: its parts, who may use the device now, and what a forward runs under. */
export class EngineContext implements DecodeContext {
  readonly info: ModelInfo
  readonly runner: Runner
  readonly tokenizer: TextTokenizer | null
  readonly adapters: AdapterSet
  /** What is done with adapters, whose code is read when that is first asked. */
  readonly adapterWork: () => Promise<EngineAdapters>
  readonly health: DeviceHealth
  readonly lastRun: LastRun
  readonly readCompanions: () => Promise<Map<string, Uint8Array>>
  readonly #ownsDevice: boolean
  /** Newest first. */
  readonly #editSets: EditSet[] = []
  #turn: Promise<void> = Promise.resolve()
  /** The stream whose turn it is. */
  #current: { items: AsyncGenerator; release: () => void } | null = null
  /** Inspections and readbacks under way, which own buffers. */
  readonly #reads = new Set<Promise<unknown>>()

  constructor({ info, runner, tokenizer, ownsDevice, modelsUrl, files, hub }: EngineParts) {
    this.info = info
    this.runner = runner
    this.tokenizer = tokenizer
    const readCompanions = (): Promise<Map<string, Uint8Array>> => files.companions()
    const parts = { runner, tokenizer, modelId: info.id, modelsUrl, hub, readCompanions }
    this.adapters = new AdapterSet(runner)
    let work: EngineAdapters | null = null
    this.adapterWork = async () => {
      const { EngineAdapters: Work } = await import('./adapters.ts')
      return (work ??= new Work(parts, this.adapters))
    }
    this.health = new DeviceHealth(runner.device)
    this.readCompanions = readCompanions
    this.lastRun = new LastRun(() => runner.ringRows)
    this.#ownsDevice = ownsDevice
  }

  checkHealth(): void {
    this.health.check()
  }

  /** Throws `unsupported` for an encoder, which predicts no next token. */
  needDecoder(method: string): void {
    this.checkHealth()
    const { architecture, tasks } = this.info
    if (tasks.includes('generate')) return
    throw new TokenscopeError(
      'unsupported',
      `${method} is for models that predict the next token; ${architecture} is an encoder.`,
      {
        hint: 'It fills masks: fillMask. Its logits, steps and tensors can be looked at as well.',
        details: { method, tasks },
      },
    )
  }

  needTokenizer(): TextTokenizer {
    if (this.tokenizer) return this.tokenizer
    throw new TokenscopeError('unsupported', 'This model was loaded without a tokenizer.', {
      hint: 'Give token ids, or put tokenizer.json beside the weights.',
    })
  }

  async promptIds(prompt: Prompt, chat?: ChatOptions): Promise<number[]> {
    const ids =
      typeof prompt === 'string'
        ? await this.needTokenizer().encode(prompt)
        : await this.#listIds(prompt, chat)
    return ids.length === 0 && this.info.bosId !== null ? [this.info.bosId] : ids
  }

  async #listIds(prompt: readonly number[] | readonly ChatMessage[], chat?: ChatOptions): Promise<number[]> {
    if (prompt.every((entry) => typeof entry === 'number')) return [...prompt]
    const messages = prompt.filter((entry): entry is ChatMessage => typeof entry === 'object')
    const tokenizer = this.needTokenizer()
    const text = await tokenizer.applyChatTemplate(messages, { ...unfinished(messages, chat), ...chat })
    return tokenizer.encode(text, { addSpecialTokens: false, parseSpecial: true })
  }

  /** What a run is made under. Edits of recent runs stay on the GPU, so that comparing and stepping reuse them. */
  conditionsOf({ adapters, edits = [] }: ForwardOptions, mask?: Mask): Conditions {
    const conditions = underMask(this.adapters.conditionsOf(adapters), mask, this.runner.model.mask)
    if (edits.length === 0) return conditions
    const program = this.runner.model.record({ rows: 1, logitRows: 1, positions: 1 })
    const editSet = new EditSet(this.runner.device, this.runner.ledger, program, edits)
    const cached = this.#editSets.find(({ key }) => key === editSet.key)
    if (cached) editSet.dispose()
    else this.#editSets.unshift(editSet)
    for (const old of this.#editSets.splice(KEPT_EDITS)) old.dispose()
    return underEdits(conditions, cached ?? editSet)
  }

  /** The same options with the scales as they are set now, so that they mean the same later. */
  settled({ adapters, edits }: ForwardOptions): ForwardOptions {
    const set = this.adapters
    const scales = set.merged === null ? set.list().map(({ id, scale }) => ({ id, scale })) : undefined
    return { adapters: adapters ?? scales, edits }
  }

  /** The forward over checked ids that an inspection looks at. */
  async forwardInput(ids: readonly number[], { mask, ...options }: MaskedOptions): Promise<ForwardInput> {
    this.checkHealth()
    const asked = mask === undefined ? mask : (await import('../inspect/mask.ts')).checkMask(mask)
    checkIds(ids, this.info.vocab, this.info.context + 1)
    const conditions = this.conditionsOf(options, asked)
    return { runner: this.runner, ids: [...ids], conditions, weights: () => this.adapters.merged }
  }

  /** Runs work that owns buffers: `dispose` waits for it, and a fault on the way makes its result void. */
  async read<T>(work: () => Promise<T>): Promise<T> {
    this.checkHealth()
    const result = work()
    this.#reads.add(result)
    try {
      return await result
    } finally {
      this.#reads.delete(result)
      this.checkHealth()
    }
  }

  /** Runs that write into the cache, and changes of the weights, take turns. The ring of logits is then theirs. */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const release = await this.#takeTurn()
    try {
      this.lastRun.releaseRing()
      return await this.read(work)
    } finally {
      release()
    }
  }

  /** The same for what answers piece by piece; a reader may walk away without ending it. */
  async *streamInTurn<T>(start: () => AsyncGenerator<T>): AsyncGenerator<T> {
    const release = await this.#takeTurn()
    try {
      this.checkHealth()
      this.lastRun.releaseRing()
      const items = start()
      this.#current = { items, release }
      yield* items
      if (this.health.isDisposed) this.checkHealth()
    } finally {
      release()
    }
  }

  async #takeTurn(): Promise<() => void> {
    const previousTurn = this.#turn
    let release = (): void => undefined
    this.#turn = new Promise((resolve) => (release = resolve))
    await previousTurn
    return release
  }

  /** Ends what is under way, then frees every buffer. `close` ends what the methods keep open. */
  async dispose(close: () => Promise<void>): Promise<void> {
    if (this.health.isDisposed) return
    this.health.dispose()
    await this.#current?.items.return(undefined)
    this.#current?.release()
    await Promise.allSettled([this.#turn, ...this.#reads])
    await close()
    this.runner.ledger.destroyAll()
    this.tokenizer?.dispose()
    if (this.#ownsDevice) this.runner.device.destroy()
  }
}
