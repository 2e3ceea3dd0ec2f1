import { checkIds, checkOptions } from '../decode/options.ts'
import type { TextTokenizer } from '../text/tokenizer.ts'
import type {
  CacheReport,
  Child,
  ComparedToken,
  Fork,
  ForwardOptions,
  Model,
  Prompt,
  ScoredToken,
  SpeculatedRound,
} from '../api/model.ts'
import type { Conditions } from '../run/conditions.ts'
import type { Runner } from '../run/runner.ts'

/** What the tools use of their engine. */
export interface ToolContext {
  readonly model: Model
  readonly runner: Runner
  readonly tokenizer: TextTokenizer | null
  /** Throws when the model was disposed of or its device has failed. */
  checkHealth(): void
  /** Throws `unsupported` while adapters are folded into the weights. */
  refuseMerged(what: string): void
  /** What a run is made under. */
  conditionsOf(options: ForwardOptions): Conditions
  promptIds(prompt: Prompt): Promise<number[]>
  /** Runs that write into the cache take turns; the function given back ends this one's. */
  takeTurn(): Promise<() => void>
  /** Runs work that owns buffers: `dispose` waits for it. */
  read<T>(work: () => Promise<T>): Promise<T>
  /** The ring of logits is about to be used: those of the last run are gone. */
  forgetLogits(): void
}

/** What a model offers beyond generating and inspecting. The code of each is fetched when it is first used. */
export class EngineTools {
  private readonly context: ToolContext

  constructor(context: ToolContext) {
    this.context = context
  }

  async fork(...args: Parameters<Model['fork']>): Promise<Fork> {
    const { forkText } = await import('../decode/branches.ts')
    return this.inTurn(() => forkText(this.context, ...args))
  }

  async expand(...args: Parameters<Model['expand']>): Promise<readonly Child[]> {
    const { expandText } = await import('../decode/branches.ts')
    return this.inTurn(() => expandText(this.context, ...args))
  }

  async *compare(...[prompt, options]: Parameters<Model['compare']>): AsyncGenerator<ComparedToken> {
    const { context } = this
    context.checkHealth()
    context.refuseMerged('Comparing')
    const { info } = context.model
    const checked = checkOptions(options, info.eosIds)
    const { edits } = options
    const [a, b] = [
      context.conditionsOf({ adapters: options.a }),
      context.conditionsOf({ adapters: options.b, edits }),
    ]
    const ids = await context.promptIds(prompt)
    checkIds(ids, info.vocab, info.context)
    const { compareTokens } = await import('../decode/compare.ts')
    yield* this.streamInTurn(() => compareTokens({ ...this.context, a, b }, ids, checked))
  }

  async *score(...args: Parameters<Model['score']>): AsyncGenerator<readonly ScoredToken[]> {
    this.context.checkHealth()
    const { scoreText } = await import('../decode/score.ts')
    // On pages and logits of its own: it needs no turn.
    yield* scoreText(this.context, ...args)
  }

  async *speculate(...args: Parameters<Model['speculate']>): AsyncGenerator<SpeculatedRound> {
    this.context.checkHealth()
    const { speculateTokens } = await import('../decode/speculate.ts')
    yield* this.streamInTurn(() => speculateTokens(this.context, ...args))
  }

  async cache(): Promise<CacheReport> {
    this.context.checkHealth()
    const { reportCache } = await import('../decode/cacheReport.ts')
    return reportCache(this.context.runner)
  }

  async saveTrace(...args: Parameters<Model['saveTrace']>): Promise<Uint8Array> {
    this.context.checkHealth()
    const { saveTrace } = await import('../trace/save.ts')
    return saveTrace(this.context.model, ...args)
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const { context } = this
    context.checkHealth()
    const release = await context.takeTurn()
    try {
      context.checkHealth()
      context.forgetLogits()
      return await context.read(work)
    } finally {
      release()
    }
  }

  private async *streamInTurn<T>(start: () => AsyncGenerator<T>): AsyncGenerator<T> {
    const { context } = this
    const release = await context.takeTurn()
    try {
      context.checkHealth()
      context.forgetLogits()
      yield* start()
    } finally {
      release()
    }
  }
}
