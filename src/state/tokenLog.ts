import { invariant } from '../errors.ts'
import type { FinishReason, GeneratedToken } from '../api/model.ts'
import { extendGroupStarts } from './characterGroups.ts'
import type { Settings } from './settings.ts'

/** Measured times of the last run, in milliseconds of `performance.now()`. */
export interface RunTiming {
  startedAt: number
  /** Rows the prefill computed, as the engine reported them; a reused prefix is not counted. */
  prefillRows: number
  /** Positions taken over from an earlier run; null before the first report. */
  reused: number | null
  /** Rows of each chunk of the prefill, in order. */
  chunks: number[]
  firstTokenAt: number | null
  lastTokenAt: number | null
  /** Tokens of this run (a continued text has more in all). */
  tokens: number
}

export interface RunStart {
  modelId: string
  promptIds: readonly number[]
  settings: Settings
  bosId: number | null
  endIds: readonly number[]
  at: number
}

/** What outlives a reload: text, ids and captured alternatives, no tensors. */
export interface TokenLogSnapshot {
  modelId: string
  promptIds: readonly number[]
  promptTexts: readonly string[]
  tokens: readonly GeneratedToken[]
  settings: Settings
  bosId: number | null
  endIds: readonly number[]
}

type Schedule = (run: () => void) => void

/**
 * The tokens on the page, outside React: arrays are appended to in place and a version is bumped at most once per
 * frame, so that a fast stream costs one small render a frame however many tokens arrive.
 */
export class TokenLog {
  modelId = ''
  promptIds: readonly number[] = []
  /** One text per prompt id; empty until they have been looked up. */
  promptTexts: readonly string[] = []
  /** Generated tokens, `index` counting through continued runs. */
  readonly tokens: GeneratedToken[] = []
  /** First token of every group of tokens that makes one piece of text. */
  readonly groups: number[] = []
  /** `tokens` index where the last run began: full logits are only kept for these. */
  runStart = 0
  /** Settings of the last run; null before any. */
  settings: Settings | null = null
  timing: RunTiming | null = null
  /** Changes whenever the shown text starts anew. */
  epoch = 0

  /** The id that starts a text in this vocabulary. */
  bosId: number | null = null

  private endIds = new Set<number>()
  private version = 0
  private scheduled = false
  private readonly listeners = new Set<() => void>()
  private readonly schedule: Schedule

  constructor(schedule: Schedule) {
    this.schedule = schedule
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  readonly getVersion = (): number => this.version

  isEnd(id: number): boolean {
    return this.endIds.has(id)
  }

  /** Ids of everything before generated token `index`. */
  idsBefore(index: number): number[] {
    return [...this.promptIds, ...this.tokens.slice(0, index).map((token) => token.id)]
  }

  /** Empties the page for a new text. */
  begin(run: RunStart): void {
    this.clear()
    this.modelId = run.modelId
    this.promptIds = run.promptIds
    this.bosId = run.bosId
    this.endIds = new Set(run.endIds)
    this.startRun(run)
  }

  /** Starts a run that adds to the text that is there. */
  resume(run: Pick<RunStart, 'settings' | 'at'>): void {
    this.startRun(run)
  }

  append(token: GeneratedToken, at: number): void {
    const from = this.tokens.length
    this.tokens.push({ ...token, index: from })
    extendGroupStarts(this.groups, this.tokens, from, (id) => this.isEnd(id))
    const timing = this.timing
    invariant(timing !== null, 'a token arrived before its run began')
    timing.firstTokenAt ??= at
    timing.lastTokenAt = at
    timing.tokens += 1
    this.bumpSoon()
  }

  /** The engine reports positions: the first report says where the reused prefix ends. */
  prefill(done: number, total: number): void {
    const { timing } = this
    if (timing === null) return
    timing.reused ??= done
    const rows = done - timing.reused - timing.chunks.reduce((sum, chunk) => sum + chunk, 0)
    if (rows > 0) timing.chunks.push(rows)
    timing.prefillRows = total - timing.reused
    this.bumpSoon()
  }

  setPromptTexts(texts: readonly string[]): void {
    this.promptTexts = texts
    this.bumpSoon()
  }

  /**
   * Gives the tokens on the page the log-probabilities other adapter scales give them, one each. What the run captured
   * belongs to the scales before and goes.
   */
  rescore(logprobs: readonly number[]): void {
    logprobs.forEach((logprob, index) => {
      const token = this.tokens[index]
      if (token !== undefined) this.tokens[index] = { ...token, logprob, top: [] }
    })
    this.epoch += 1
    this.bump()
  }

  clear(): void {
    this.modelId = ''
    this.promptIds = []
    this.promptTexts = []
    this.tokens.length = 0
    this.groups.length = 0
    this.runStart = 0
    this.settings = null
    this.timing = null
    this.epoch += 1
    this.bump()
  }

  /** Shows what is pending now; called when a run ends. */
  flush(): void {
    this.bump()
  }

  get lastFinish(): FinishReason | null {
    return this.tokens.at(-1)?.finish ?? null
  }

  snapshot(): TokenLogSnapshot | null {
    if (this.settings === null) return null
    const { modelId, promptIds, promptTexts, tokens, settings, bosId } = this
    return { modelId, promptIds, promptTexts, tokens, settings, bosId, endIds: [...this.endIds] }
  }

  restore(saved: TokenLogSnapshot): void {
    this.clear()
    this.modelId = saved.modelId
    this.promptIds = saved.promptIds
    this.promptTexts = saved.promptTexts
    this.settings = saved.settings
    this.bosId = saved.bosId
    this.endIds = new Set(saved.endIds)
    this.tokens.push(...saved.tokens)
    extendGroupStarts(this.groups, this.tokens, 0, (id) => this.isEnd(id))
    // Nothing of these tokens is in the engine's buffers: their logits must be computed again.
    this.runStart = this.tokens.length
    this.bump()
  }

  private startRun({ settings, at }: Pick<RunStart, 'settings' | 'at'>): void {
    this.runStart = this.tokens.length
    this.settings = settings
    this.timing = {
      startedAt: at,
      prefillRows: 0,
      reused: null,
      chunks: [],
      firstTokenAt: null,
      lastTokenAt: null,
      tokens: 0,
    }
    this.bump()
  }

  private bumpSoon(): void {
    if (this.scheduled) return
    this.scheduled = true
    this.schedule(() => {
      if (this.scheduled) this.bump()
    })
  }

  private bump(): void {
    this.scheduled = false
    this.version += 1
    for (const listener of this.listeners) listener()
  }
}

/** Tokens per second of the two phases, null where nothing was measured. */
export function speeds(timing: RunTiming | null): { prefill: number | null; decode: number | null } {
  if (timing === null) return { prefill: null, decode: null }
  const prefillMs = timing.firstTokenAt === null ? 0 : timing.firstTokenAt - timing.startedAt
  const decodeMs = (timing.lastTokenAt ?? 0) - (timing.firstTokenAt ?? 0)
  return {
    prefill: timing.prefillRows > 0 && prefillMs > 0 ? (timing.prefillRows * 1000) / prefillMs : null,
    decode: timing.tokens > 1 && decodeMs > 0 ? ((timing.tokens - 1) * 1000) / decodeMs : null,
  }
}
