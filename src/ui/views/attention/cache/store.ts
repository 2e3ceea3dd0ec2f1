import { createStore } from 'zustand/vanilla'
import { toErrorData, type ErrorData } from '../../../../errors.ts'
import type { CacheReport, Model } from '../../../../api/model.ts'
import { readCacheNorms, type CacheNorms } from '../../../../analysis/cacheUse.ts'
import { isRunning } from '../../../../state/app.ts'
import { perSession } from '../../../../state/perSession.ts'
import type { Session } from '../../../../state/session.ts'
import { TextMeasurement } from '../../../../state/textMeasurement.ts'

/** What stands in the cache, with what the GPU's ledger counts for it. */
export interface CacheStock {
  report: CacheReport
  /** Bytes that `memory()` lists under the cache. */
  counted: number
  /** How the text of each sequence begins; empty without a tokenizer. */
  texts: readonly string[]
}

export interface CacheState {
  stock: CacheStock | null
  error: ErrorData | null
  /** Index of the sequence whose pages are outlined; null: the text's own. */
  outlined: number | null
  which: 'k' | 'v'
}

/** Tokens decoded to tell a sequence from the others. */
const NAMING_TOKENS = 24

/** The cache of keys and values of the model on the page: read when a view looks, and again after every run. */
export class KvCache {
  readonly measurement: TextMeasurement<CacheNorms>
  readonly state = createStore<CacheState>()(() => ({ stock: null, error: null, outlined: null, which: 'k' }))
  private readonly session: Session
  private viewers = 0
  /** The model asked last. */
  private of: Model | null = null
  /** Counts runs; what arrives for an older one is dropped. */
  private run = 0

  constructor(session: Session) {
    this.session = session
    this.measurement = new TextMeasurement(session, readCacheNorms)
    session.app.subscribe((state, previous) => {
      const ended = isRunning(previous.run) && !isRunning(state.run)
      if (this.viewers > 0 && (ended || session.model !== this.of)) void this.refresh()
    })
  }

  /** Reads while a view looks; returns the function that lets go. */
  watch(): () => void {
    this.viewers += 1
    const leave = this.measurement.watch()
    void this.refresh()
    return () => {
      this.viewers -= 1
      leave()
    }
  }

  async refresh(): Promise<void> {
    const run = ++this.run
    const { model } = this.session
    this.of = model
    if (model === null) return this.state.setState({ stock: null, error: null })
    try {
      const [report, memory] = await Promise.all([model.cache(), model.memory()])
      const texts = await Promise.all(
        report.sequences.map(({ tokens }) =>
          model.info.hasTokenizer ? model.decode(tokens.slice(0, NAMING_TOKENS)) : Promise.resolve(''),
        ),
      )
      if (run !== this.run) return
      const stock = { report, counted: memory.byLabel['kv-cache'] ?? 0, texts }
      this.state.setState({ stock, error: null, outlined: null })
    } catch (error) {
      if (run === this.run) this.state.setState({ error: toErrorData(error) })
    }
  }
}

/** The cache of a page: one, whichever panel asks. */
export const cacheOf = perSession((session) => new KvCache(session))
