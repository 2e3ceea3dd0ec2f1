import { createStore } from 'zustand/vanilla'
import { toErrorData, type ErrorData } from '../../../errors.ts'
import type { Model } from '../../../api/model.ts'
import type {
  Explained,
  ExplainOptions,
  TokenizerFacts,
  WhatIf,
  WhatIfRequest,
  WordWork,
} from '../../../text/inspect/types.ts'
import { TokenizerClient } from '../../../worker/tokenizerClient.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'

export const SLOTS = ['a', 'b'] as const
export type SlotName = (typeof SLOTS)[number]

export interface TokenizerSlot {
  /** The model's name, or the files'. */
  label: string
  /** Whether it is the tokenizer of the model on the page. */
  isModels: boolean
  phase: 'empty' | 'opening' | 'ready' | 'failed'
  error: ErrorData | null
  facts: TokenizerFacts | null
  explained: Explained | null
  /** Text that `explained` is of. */
  text: string
  /** The word whose work is shown. */
  word: { text: string; work: WordWork } | null
  selected: number | null
}

export interface WhatIfState {
  request: WhatIfRequest
  phase: 'idle' | 'working' | 'done' | 'failed'
  error: ErrorData | null
  saved: WhatIf | null
  /** The typed text by the extended tokenizer. */
  explained: Explained | null
}

export interface TokenizerState {
  text: string
  options: ExplainOptions
  second: boolean
  a: TokenizerSlot
  b: TokenizerSlot
  whatIf: WhatIfState
}

const EMPTY_SLOT: TokenizerSlot = {
  label: '',
  isModels: false,
  phase: 'empty',
  error: null,
  facts: null,
  explained: null,
  text: '',
  word: null,
  selected: null,
}

const NO_WHAT_IF: Pick<WhatIfState, 'phase' | 'error' | 'saved' | 'explained'> = {
  phase: 'idle',
  error: null,
  saved: null,
  explained: null,
}

/** Shown first: letters, digits, Hangul as syllables and as jamo, a family of code points. */
const FIRST_TEXT = 'Tokenizers split text. 토크나이저는 글을 나눕니다. 한글 2026 👨‍👩‍👧'

/** Two tokenizers, what they make of a text, and what more tokens would make of it. */
export class Tokenizers {
  readonly state = createStore<TokenizerState>()(() => ({
    text: FIRST_TEXT,
    options: { addSpecialTokens: true, parseSpecial: true },
    second: false,
    a: EMPTY_SLOT,
    b: EMPTY_SLOT,
    whatIf: { request: { corpus: '', unit: 'syllables', count: 100, normalized: true }, ...NO_WHAT_IF },
  }))
  private readonly session: Session
  private readonly client = new TokenizerClient()
  /** The model whose tokenizer is in the first place; null where files are. */
  private ofModel: Model | null = null
  private readonly asking = new Map<SlotName, { again: boolean }>()

  constructor(session: Session) {
    this.session = session
    session.app.subscribe(({ model }, previous) => {
      if (model !== previous.model && (this.ofModel !== null || this.slot('a').phase === 'empty'))
        void this.openModel('a')
    })
    void this.openModel('a')
  }

  setText(text: string): void {
    this.state.setState({ text })
    for (const name of SLOTS) void this.explain(name)
  }

  setOptions(part: Partial<ExplainOptions>): void {
    this.state.setState(({ options }) => ({ options: { ...options, ...part } }))
    for (const name of SLOTS) void this.explain(name)
  }

  showSecond(second: boolean): void {
    this.state.setState({ second })
    if (second && this.slot('b').phase === 'empty') void this.openModel('b')
  }

  select(name: SlotName, index: number | null): void {
    this.change(name, { selected: index })
  }

  /** Opens the tokenizer of the model on the page. */
  async openModel(name: SlotName): Promise<void> {
    const { model } = this.session
    if (model === null || (name === 'a' && model === this.ofModel)) return
    if (name === 'a') this.ofModel = model
    await this.open(name, model.info.id, true, () => model.companions())
  }

  async openFiles(name: SlotName, files: readonly File[]): Promise<void> {
    if (name === 'a') this.ofModel = null
    const label = files.length === 1 ? (files[0]?.name ?? '') : files.map((file) => file.name).join(', ')
    await this.open(name, label, false, async () => {
      const read = files.map(async (file) => [file.name, new Uint8Array(await file.arrayBuffer())] as const)
      return new Map(await Promise.all(read))
    })
  }

  /** Shows how a word became pieces. */
  async showWord(name: SlotName, word: string | null): Promise<void> {
    if (word === null) return this.change(name, { word: null })
    try {
      const { options } = this.state.getState()
      this.change(name, {
        word: { text: word, work: await this.client.call('work', name, { word, options }) },
      })
    } catch (error) {
      this.change(name, { error: toErrorData(error) })
    }
  }

  setWhatIf(part: Partial<WhatIfRequest>): void {
    this.state.setState(({ whatIf }) => ({ whatIf: { ...whatIf, request: { ...whatIf.request, ...part } } }))
  }

  /** Extends the first tokenizer by what a text would save most with. */
  async runWhatIf(): Promise<void> {
    const { whatIf, text, options } = this.state.getState()
    const put = (part: Partial<WhatIfState>) =>
      this.state.setState((state) => ({ whatIf: { ...state.whatIf, ...part } }))
    const corpus = whatIf.request.corpus.trim() === '' ? text : whatIf.request.corpus
    put({ ...NO_WHAT_IF, phase: 'working' })
    try {
      const saved = await this.client.call('whatIf', 'a', { request: { ...whatIf.request, corpus } })
      const explained = await this.client.call('explainWhatIf', 'a', { text, options })
      put({ phase: 'done', saved, explained })
    } catch (error) {
      put({ phase: 'failed', error: toErrorData(error) })
    }
  }

  private slot(name: SlotName): TokenizerSlot {
    return this.state.getState()[name]
  }

  private change(name: SlotName, part: Partial<TokenizerSlot>): void {
    this.state.setState((state) => ({ [name]: { ...state[name], ...part } }))
  }

  private async open(
    name: SlotName,
    label: string,
    isModels: boolean,
    read: () => Promise<ReadonlyMap<string, Uint8Array>>,
  ): Promise<void> {
    const opening: TokenizerSlot = { ...EMPTY_SLOT, label, isModels, phase: 'opening' }
    this.state.setState({ [name]: opening })
    if (name === 'a') this.state.setState(({ whatIf }) => ({ whatIf: { ...whatIf, ...NO_WHAT_IF } }))
    const isCurrent = (): boolean => this.slot(name).label === label
    try {
      const facts = await this.client.open(name, await read())
      if (!isCurrent()) return
      this.change(name, { phase: 'ready', facts })
      await this.explain(name)
    } catch (error) {
      if (isCurrent()) this.change(name, { phase: 'failed', error: toErrorData(error) })
    }
  }

  /** Takes the text apart; while that is under way only the newest text waits. */
  private async explain(name: SlotName): Promise<void> {
    if (this.slot(name).phase !== 'ready') return
    const under = this.asking.get(name)
    if (under !== undefined) {
      under.again = true
      return
    }
    const asking = { again: true }
    this.asking.set(name, asking)
    try {
      while (asking.again) {
        asking.again = false
        const { text, options } = this.state.getState()
        const explained = await this.client.call('explain', name, { text, options })
        this.change(name, { explained, text, error: null, word: null, selected: null })
      }
    } catch (error) {
      this.change(name, { error: toErrorData(error) })
    } finally {
      this.asking.delete(name)
    }
  }
}

export const tokenizersOf = perSession((session) => new Tokenizers(session))
