import { createStore } from 'zustand/vanilla'
import type { ChatMessage, ChatTemplateInfo, GeneratedToken, Model } from '../../../api/model.ts'
import { invariant, toErrorData, type ErrorData } from '../../../errors.ts'
import { isRunning } from '../../../state/app.ts'
import { historyOf } from '../../../state/history.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'
import { sameIds } from '../../../state/textIdentity.ts'
import { endsInReasoning } from './answerParts.ts'
import { debounceSave, readChat } from './memory.ts'
import { EMPTY_FIELDS, type TemplateFields } from './options.ts'
import type { Fallback } from './fallbacks.ts'
import { chatIds, promptTokens, type PromptToken } from './promptIds.ts'
import { messagesOf, renderTurns, stopsOf } from './rendering.ts'
import {
  addTurn,
  chooseTurn,
  contentText,
  EMPTY_TREE,
  pathOf,
  pathTo,
  removeTurn,
  replaceTurn,
  siblings,
  type Answer,
  type ChatTree,
  type Turn,
} from './turns.ts'

/** A message that is being written. */
export interface MessageDraft {
  role: string
  text: string
  /** Further fields of the message: the call that a tool's result answers. */
  fields: Readonly<Record<string, unknown>>
}

export interface RenderedPrompt {
  text: string
  tokens: readonly PromptToken[]
}

export interface ChatState {
  tree: ChatTree
  draft: MessageDraft
  fields: TemplateFields
  /** Stands in for a template that is missing or fails; null until one is chosen. */
  fallback: Fallback | null
  /** The model's own template; null before it has been asked for. */
  template: ChatTemplateInfo | null
  /** The turn that is being written. */
  live: number | null
  /** Bumped as the live turn grows. */
  version: number
  display: 'tokens' | 'markdown'
  /** Why the chat could not be rendered; null when it could. */
  problem: ErrorData | null
  /** The prompt as it stands, rendered, while it is on show. */
  rendered: RenderedPrompt | null
  showsPrompt: boolean
}

const EMPTY_DRAFT: MessageDraft = { role: 'user', text: '', fields: {} }

/** Turns that want an answer. */
const ANSWERED = new Set(['user', 'tool', 'developer'])

/** A chat with the model on the page. What it writes is the page's text, so that every view shows it. */
export class Chat {
  readonly state = createStore<ChatState>()(() => ({
    tree: EMPTY_TREE,
    draft: EMPTY_DRAFT,
    fields: EMPTY_FIELDS,
    fallback: null,
    template: null,
    live: null,
    version: 0,
    display: 'tokens',
    problem: null,
    rendered: null,
    showsPrompt: false,
  }))
  private readonly session: Session
  /** The model whose template is known. */
  private described: Model | null = null
  /** The turn whose answer is the text on the page, and how the page counted that text. */
  private attached: { turn: number; epoch: number } | null = null
  /** Tokens of the attached turn, kept here since the page may begin another text. */
  private tokens: GeneratedToken[] = []
  private rendering = 0

  constructor(session: Session) {
    this.session = session
    const saved = readChat()
    if (saved !== null) this.state.setState(saved)
    const saveSoon = debounceSave(() => this.state.getState())
    this.state.subscribe((state, previous) => {
      const { tree, fields, fallback } = previous
      if (state.tree !== tree || state.fields !== fields || state.fallback !== fallback) saveSoon()
    })
    session.log.subscribe(() => this.follow())
    session.app.subscribe(({ model, run }, previous) => {
      if (model !== previous.model) void this.describe()
      if (isRunning(previous.run) && !isRunning(run)) this.settle()
    })
    void this.describe()
  }

  /** Tokens of a turn: those on the page while it is being written. */
  tokensOf(turn: Turn): readonly GeneratedToken[] {
    return this.attached?.turn === turn.id ? this.tokens : (turn.answer?.text.tokens ?? [])
  }

  /** Text of a turn as it is now. */
  textOf(turn: Turn): string {
    const { answer } = turn
    if (answer === null) return contentText(turn.message)
    const ends = new Set(answer.text.endIds)
    const written = this.tokensOf(turn).filter(({ id }) => !ends.has(id))
    return answer.prefix + written.map(({ text }) => text).join('')
  }

  /** Whether a turn's answer is the text on the page. */
  isOnPage(id: number): boolean {
    return this.attached?.turn === id && this.attached.epoch === this.session.log.epoch
  }

  setDraft(part: Partial<MessageDraft>): void {
    this.state.setState(({ draft }) => ({ draft: { ...draft, ...part } }))
  }

  setFields(part: Partial<TemplateFields>): void {
    this.state.setState(({ fields }) => ({ fields: { ...fields, ...part } }))
    this.renderSoon()
  }

  setFallback(fallback: Fallback): void {
    this.state.setState({ fallback, problem: null })
    this.renderSoon()
  }

  showPrompt(showsPrompt: boolean): void {
    this.state.setState({ showsPrompt })
    this.renderSoon()
  }

  /** Adds the message that is being written, and has it answered where its role wants that. */
  async send({ answer = true }: { answer?: boolean } = {}): Promise<void> {
    const { draft, tree, live } = this.state.getState()
    if (live !== null || (draft.text.trim() === '' && draft.role !== 'assistant')) return
    const { role, text, fields } = draft
    const parent = pathOf(tree).at(-1)?.id ?? null
    if (role === 'assistant') {
      this.setDraft(EMPTY_DRAFT)
      if (answer) return this.answer(parent, text)
    }
    const added = addTurn(tree, { parent, message: { role, content: text, ...fields }, answer: null })
    this.state.setState({ tree: added.tree, draft: EMPTY_DRAFT })
    if (answer && ANSWERED.has(role)) await this.answer(added.id)
    else this.renderSoon()
  }

  /** Puts another message beside a turn; what followed the old one stays with it. */
  async edit(id: number, message: ChatMessage, { answer }: { answer: boolean }): Promise<void> {
    const { tree } = this.state.getState()
    const turn = tree.turns.get(id)
    if (turn === undefined) return
    const added = addTurn(tree, { parent: turn.parent, message, answer: null })
    this.state.setState({ tree: added.tree })
    if (answer && ANSWERED.has(message.role)) await this.answer(added.id)
    else this.renderSoon()
  }

  /** Has a turn written once more, beside the old one; another seed where there is a draw. */
  async regenerate(id: number): Promise<void> {
    const turn = this.state.getState().tree.turns.get(id)
    if (turn?.answer === undefined || turn.answer === null) return
    const { app } = this.session
    const { seed } = turn.answer.text.settings
    if (app.getState().settings.temperature > 0)
      app.setState(({ settings }) => ({ settings: { ...settings, seed: seed + 1 } }))
    await this.answer(turn.parent, turn.answer.prefix)
  }

  /** Goes on with the last turn: within the text on the page where it was cut off there, else behind its text as a prefill. */
  async goOn(id: number): Promise<void> {
    const turn = this.state.getState().tree.turns.get(id)
    if (turn === undefined) return
    const last = turn.answer?.text.tokens.at(-1)
    if (!this.isOnPage(id) || last === undefined || last.finish === 'stop') {
      return this.answer(turn.parent, this.textOf(turn))
    }
    this.state.setState({ live: id })
    await this.session.continue(stopsOf(this.state.getState()))
    this.finish(id)
  }

  stop(): void {
    this.session.stop()
  }

  choose(id: number): void {
    this.state.setState(({ tree }) => ({ tree: chooseTurn(tree, id) }))
    this.renderSoon()
  }

  remove(id: number): void {
    this.change('chat.remove', removeTurn(this.state.getState().tree, id))
  }

  clear(): void {
    this.change('chat.clear', EMPTY_TREE)
  }

  /** Puts a turn's answer back on the page, so that all views show it; selects a token of it. */
  show(id: number, token: number | null): void {
    const { tree, live } = this.state.getState()
    const answer = tree.turns.get(id)?.answer
    if (answer === null || answer === undefined) return
    if (!this.isOnPage(id)) {
      if (live !== null) return
      this.session.showText(answer.text)
      this.attach(id, [...answer.text.tokens])
    }
    this.session.app.setState(({ pinned }) => ({
      pinned: pinned === token ? null : token,
      hovered: null,
      hoveredPrompt: null,
    }))
  }

  /** The messages on show, as a template takes them. */
  messages(): ChatMessage[] {
    return messagesOf(this.state.getState(), pathOf(this.state.getState().tree), (turn) => this.textOf(turn))
  }

  /** Has the model write the turn after `parent`, behind `prefix` where there is one. */
  private async answer(parent: number | null, prefix = ''): Promise<void> {
    const { model } = this.session
    if (model === null || this.state.getState().live !== null) return
    this.state.setState({ problem: null })
    try {
      const path = pathTo(this.state.getState().tree, parent)
      const text = await this.render(model, path, prefix)
      const previousAnswer = path.findLast((turn) => turn.answer !== null)?.answer ?? null
      const ids = await chatIds(model, text, previousAnswer)
      await this.write(parent, { prompt: text, prefix, reasons: endsInReasoning(text) }, ids)
    } catch (error) {
      this.state.setState({ problem: toErrorData(error) })
    }
    this.renderSoon()
  }

  private async write(
    parent: number | null,
    answer: Omit<Answer, 'text'>,
    ids: readonly number[],
  ): Promise<void> {
    const { session } = this
    const run = session.generate(undefined, { ids, stop: stopsOf(this.state.getState()) })
    const text = session.log.snapshot()
    invariant(text !== null, 'a run that has begun has a text')
    const added = addTurn(this.state.getState().tree, {
      parent,
      message: { role: 'assistant', content: '' },
      answer: { ...answer, text },
    })
    this.attach(added.id, [])
    this.state.setState({ tree: added.tree, live: added.id })
    await run
    this.finish(added.id)
  }

  /** A run of the live turn is over: what it wrote becomes the turn's. */
  private finish(id: number): void {
    const { tree } = this.state.getState()
    const answer = tree.turns.get(id)?.answer
    if (answer === null || answer === undefined) return this.state.setState({ live: null })
    const snapshot = this.isOnPage(id) ? this.session.log.snapshot() : null
    const text = { ...answer.text, ...snapshot, tokens: [...this.tokens] }
    const next = replaceTurn(tree, id, { answer: { ...answer, text } })
    const failed = text.tokens.length === 0 && answer.prefix === ''
    this.state.setState({ live: null, tree: failed ? removeTurn(tree, id) : next })
  }

  private attach(turn: number, tokens: GeneratedToken[]): void {
    this.attached = { turn, epoch: this.session.log.epoch }
    this.tokens = tokens
  }

  /** Takes over what has been written on the page since. */
  private follow(): void {
    const { attached, session } = this
    if (attached === null) return
    if (attached.epoch !== session.log.epoch) return this.adopt(attached.turn)
    const from = this.tokens.length
    if (session.log.tokens.length === from) return
    this.tokens.push(...session.log.tokens.slice(from))
    this.state.setState(({ version }) => ({ version: version + 1 }))
  }

  /** Another text behind the same prompt has come onto the page, from a fork or from the history: it is a turn beside the old one. */
  private adopt(id: number): void {
    const { log } = this.session
    const { tree, live } = this.state.getState()
    const turn = tree.turns.get(id)
    if (!turn?.answer || live !== null || log.tokens.length === 0) return
    if (!sameIds(turn.answer.text.promptIds, log.promptIds)) return
    const written = log.tokens.map((token) => token.id)
    const existing = siblings(tree, turn.parent).find(
      ({ answer }) =>
        answer !== null &&
        sameIds(
          answer.text.tokens.map((token) => token.id),
          written,
        ),
    )
    const text = log.snapshot() ?? turn.answer.text
    const next =
      existing === undefined
        ? addTurn(tree, { ...turn, answer: { ...turn.answer, text } })
        : { tree: chooseTurn(tree, existing.id), id: existing.id }
    this.attach(next.id, [...log.tokens])
    this.state.setState({ tree: next.tree })
  }

  /** A run has ended that another view began in this chat's text. */
  private settle(): void {
    const { attached } = this
    if (attached === null || this.state.getState().live !== null || !this.isOnPage(attached.turn)) return
    this.follow()
    this.finish(attached.turn)
  }

  private render(model: Model, path: readonly Turn[], prefix: string): Promise<string> {
    return renderTurns(model, this.state.getState(), { path, prefix, textOf: (turn) => this.textOf(turn) })
  }

  /** Asks the model on the page for its template. */
  private async describe(): Promise<void> {
    const { model } = this.session
    if (model === null || model === this.described) return
    this.described = model
    this.state.setState({ template: null })
    if (!model.info.hasTokenizer) return
    try {
      const template = await model.chatTemplate()
      if (this.described === model) this.state.setState({ template, problem: null })
    } catch (error) {
      this.state.setState({ problem: toErrorData(error) })
    }
    this.renderSoon()
  }

  /** Renders the prompt that is on show again: that of the last answer, or of the next. */
  private renderSoon(): void {
    const run = ++this.rendering
    const { showsPrompt, tree } = this.state.getState()
    const { model } = this.session
    if (!showsPrompt || model === null) return this.state.setState({ rendered: null })
    const path = pathOf(tree)
    const last = path.at(-1)
    const render = async (): Promise<RenderedPrompt | null> => {
      const answer = last?.answer ?? null
      if (last === undefined && this.messages().length === 0) return null
      const text = answer === null ? await this.render(model, path, '') : answer.prompt
      const previousAnswer = path.findLast((turn) => turn.answer !== null && turn !== last)?.answer ?? null
      const ids = answer === null ? await chatIds(model, text, previousAnswer) : answer.text.promptIds
      const specials = Object.values(this.state.getState().template?.specialTokens ?? {})
      return { text, tokens: await promptTokens(model, text, ids, specials) }
    }
    render().then(
      (rendered) => {
        if (run === this.rendering) this.state.setState({ rendered, problem: null })
      },
      (error: unknown) => {
        if (run === this.rendering) this.state.setState({ rendered: null, problem: toErrorData(error) })
      },
    )
  }

  /** Changes the turns so that it can be taken back. */
  private change(label: string, tree: ChatTree): void {
    const previousTree = this.state.getState().tree
    const put = (next: ChatTree) => () => {
      this.state.setState({ tree: next })
      this.renderSoon()
    }
    put(tree)()
    historyOf(this.session).record(label, { undo: put(previousTree), redo: put(tree) })
  }
}

export const chatOf = perSession((session) => new Chat(session))
