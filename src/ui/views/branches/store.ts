import { createStore } from 'zustand/vanilla'
import { toErrorData, type ErrorData } from '../../../errors.ts'
import type { Model } from '../../../api/model.ts'
import { isRunning } from '../../../state/app.ts'
import { measurePath, missingNumbers } from '../../../analysis/treeNumbers.ts'
import { recordBranches, removeBranch, type TreePage } from './treeHistory.ts'
import { computeBranch, computeChildren, insertToken, insertText } from '../../../analysis/treeGrowth.ts'
import { debounceSave, readTree } from './memory.ts'
import { encodeBehind, pageText } from './text.ts'
import { historyOf } from '../../../state/history.ts'
import { perSession } from '../../../state/perSession.ts'
import type { Session } from '../../../state/session.ts'
import { scalesKey } from '../../../state/textIdentity.ts'
import { selectRow, selectedRow } from '../../../state/selection.ts'
import { leafOf, markRecent, pathTo, TokenTree, type TokenNode } from '../../../analysis/tokenTree.ts'

export type BranchesPhase =
  /** `readAgain`: what was done last read all of its text again. */
  | { kind: 'idle'; readAgain?: boolean }
  | { kind: 'working'; what: 'fork' | 'expand' | 'show' | 'measure' }
  | { kind: 'failed'; error: ErrorData }

export interface BranchesState {
  phase: BranchesPhase
  /** Changes with the tree. */
  version: number
  /** Key of the chosen token. */
  selected: number | null
  /** Key of the last token of the text on the page. */
  current: number | null
  /** Key of the end of the text that others are compared with. */
  compared: number | null
  /** Children of “expand here”. */
  children: number
}

/** Most children of one expansion. */
export const MAX_CHILDREN = 8
/** Alternatives kept of every prediction. */
const TOP = 12
/** Milliseconds between two looks at a text that is being written. */
const INTERVAL_MS = 150

/** Every text of this page's model as a tree: what is on the page, and what it has been forked into. */
export class Branches implements TreePage {
  readonly state = createStore<BranchesState>()(() => ({
    phase: { kind: 'idle' },
    version: 0,
    selected: null,
    current: null,
    compared: null,
    children: 3,
  }))
  tree: TokenTree
  readonly session: Session
  /** The adapters its numbers were measured under; null before the first look. */
  private scales: string | null
  /** Counts what was asked for; what arrives for something older is dropped. */
  private readonly runs = { change: 0, measure: 0 }
  private timer: ReturnType<typeof setTimeout> | null = null
  private readonly saveSoon = debounceSave(() => this.tree.snapshot(this.scales ?? ''))

  constructor(session: Session) {
    this.session = session
    const saved = readTree()
    this.tree = saved === null ? new TokenTree('') : TokenTree.restore(saved)
    this.scales = saved?.scales ?? null
    this.sync()
    session.log.subscribe(() => this.follow())
    session.app.subscribe((state, previous) => {
      if (state.model !== previous.model || (isRunning(previous.run) && !isRunning(state.run))) this.sync()
      if (state.pinned !== previous.pinned && state.pinned !== null) this.followPinned(state.pinned)
    })
  }

  /** Called when a view begins to look: its numbers are to be those of the adapters that hold now. */
  async watch(): Promise<void> {
    this.sync()
    const { log, model } = this.session
    const path = this.currentPath()
    const onPage = path[selectedRow(this.session, path.length)]
    const chosen = this.selected()
    // The page's choice may have moved meanwhile; a token of another text stays chosen.
    if (onPage && (chosen === null || path.includes(chosen))) this.state.setState({ selected: onPage.key })
    if (model === null || log.modelId !== model.info.id) return
    try {
      await this.checkScales(model)
    } catch (error) {
      this.session.report(error)
    }
  }

  /** The token chosen here, or null when there is no tree. */
  selected(): TokenNode | null {
    return this.tree.node(this.state.getState().selected)
  }

  /** Tokens of the text on the page. */
  currentPath(): TokenNode[] {
    const leaf = this.tree.node(this.state.getState().current)
    return leaf === null ? [] : pathTo(leaf)
  }

  /** Chooses a token, here and, where it is on the page, on every view. */
  async select(node: TokenNode): Promise<void> {
    this.state.setState({ selected: node.key })
    const row = this.currentPath().indexOf(node)
    if (row >= 0) selectRow(this.session, row)
    await this.measure(node)
  }

  /** Puts another token in a token's place; the text before it stays, and so does the token. */
  forkAt(node: TokenNode, id: number): Promise<void> {
    const { parent } = node
    return parent === null ? Promise.resolve() : this.grow(parent, [id])
  }

  /** Puts what was typed in a token's place, as however many tokens it takes. */
  async edit(node: TokenNode, text: string): Promise<void> {
    const { parent } = node
    if (parent === null || text === '') return
    await this.attempt('fork', async (model, isWanted) => {
      const ids = await encodeBehind(model, parent, text)
      if (isWanted()) await this.addBranch(model, parent, ids, isWanted)
    })
  }

  /** Adds tokens behind a node, each computed as one row over the pages of the text before it, and shows that text. */
  grow(parent: TokenNode, ids: readonly number[]): Promise<void> {
    return this.attempt('fork', (model, isWanted) => this.addBranch(model, parent, ids, isWanted))
  }

  /** The most probable tokens behind a node as children of their own, computed in one batch. */
  expand(node: TokenNode, count: number): Promise<void> {
    return this.attempt('expand', async (model, isWanted) => {
      const computed = await computeChildren(model, node, count, TOP)
      if (!isWanted()) return undefined
      const existing = new Set(node.children)
      const children = computed.map((token) => insertToken(this.tree, node, token))
      node.next ??= children.map(({ id, text, logprob }) => ({ id, text, logprob: logprob ?? NaN }))
      this.changed()
      const grown = children.filter((child) => !existing.has(child))
      recordBranches(this, 'branches.did.expand', grown, null)
      return computed.some(({ readAgain }) => readAgain) ? 'read again' : undefined
    })
  }

  /** Makes the text through a token, to its end, the text on the page. */
  use(node: TokenNode): Promise<void> {
    return this.attempt('show', async (model, isWanted) => {
      const leaf = leafOf(node)
      await this.read(model, leaf, null)
      if (isWanted()) this.show(pathTo(leaf))
    })
  }

  /** Lets the model write on behind a token. */
  async continueFrom(node: TokenNode): Promise<void> {
    const { current } = this.state.getState()
    if (node.key !== current) {
      await this.attempt('show', async (model, isWanted) => {
        await this.read(model, node, null)
        if (isWanted()) this.show(pathTo(node))
      })
    }
    if (this.state.getState().current !== node.key) return
    this.state.setState({ selected: node.key })
    await this.session.continue()
  }

  /** Takes a branch out of the tree. If it is on the page, what is left there takes its place. */
  remove(node: TokenNode): void {
    if (node.parent === null || node.parent === this.tree.root) return
    const path = this.currentPath()
    removeBranch(this, node, path.includes(node) ? (path.at(-1) ?? null) : null)
  }

  /** Others are compared with the text through this token; null ends comparing. */
  async compareWith(node: TokenNode | null): Promise<void> {
    this.state.setState({ compared: node === null ? null : leafOf(node).key })
    if (node !== null) await this.measure(leafOf(node))
  }

  private async addBranch(
    model: Model,
    parent: TokenNode,
    ids: readonly number[],
    isWanted: () => boolean,
  ): Promise<void> {
    let at = parent
    let existing = 0
    for (let next = childOf(at, ids[0]); next; next = childOf(at, ids[existing])) {
      at = next
      existing += 1
    }
    const computed = await computeBranch(model, at, ids.slice(existing), TOP, isWanted)
    if (computed === null) return
    const grown: TokenNode[] = []
    for (const token of computed) grown.push((at = insertToken(this.tree, at, token)))
    const leaf = leafOf(at)
    await this.read(model, leaf, null)
    const previous = this.currentPath().at(-1) ?? null
    if (isWanted()) this.show(pathTo(leaf))
    this.changedTo(isWanted() ? at : null)
    recordBranches(this, 'branches.did.fork', grown.slice(0, 1), isWanted() ? { previous, next: leaf } : null)
  }

  /** Puts a text on the page. The prompt follows where a branch has left it. */
  show(path: readonly TokenNode[]): void {
    const { session } = this
    const { app, log, model } = session
    if (model === null) return
    const { prompt, snapshot } = pageText(model, path, log.settings ?? app.getState().settings)
    if (snapshot.promptIds.join() !== log.promptIds.join()) {
      const history = historyOf(session)
      const last = history.last
      app.setState({ prompt })
      // The prompt is part of the text that is shown, not a change of its own.
      if (history.last !== last) history.forgetLast()
    }
    session.showText(snapshot)
  }

  changedTo(node: TokenNode | null): void {
    const { selected, current } = this.state.getState()
    if (node !== null) this.state.setState({ selected: node.key })
    else if (this.tree.node(selected) === null) this.state.setState({ selected: current })
    this.changed()
  }

  /** Alternatives of a prediction, of a vocabulary that may be smaller. */
  private get top(): number {
    return Math.min(TOP, this.session.model?.info.vocab ?? TOP)
  }

  private measure(node: TokenNode): Promise<void> {
    // An engine elsewhere sends its numbers with its tokens, or not at all.
    if (this.session.model?.info.remote) return Promise.resolve()
    if (missingNumbers(pathTo(leafOf(node)), node, this.top).length === 0) return Promise.resolve()
    return this.attempt('measure', (model) => this.read(model, leafOf(node), node))
  }

  /** Reads the numbers that a text lacks, and those of one of its tokens. */
  private async read(model: Model, leaf: TokenNode, node: TokenNode | null): Promise<void> {
    if (model.info.remote) return
    const path = pathTo(leaf)
    const missing = missingNumbers(path, node, this.top)
    if (missing.length === 0) return
    await measurePath(model, path, missing, this.top)
    this.changed()
  }

  /**
   * Work on the engine. What changes the text ends a run under way, and of several such pieces the last one counts; measuring is
   * apart from that: a fork under way goes on.
   */
  private async attempt(
    what: 'fork' | 'expand' | 'show' | 'measure',
    work: (model: Model, isWanted: () => boolean) => Promise<'read again' | void>,
  ): Promise<void> {
    const { session } = this
    const { model } = session
    if (model === null || model.info.id !== this.tree.modelId) return
    const kind = what === 'measure' ? 'measure' : 'change'
    const run = (this.runs[kind] += 1)
    const isWanted = (): boolean => run === this.runs[kind]
    const phase = { kind: 'working', what } as const
    const { phase: previous } = this.state.getState()
    if (kind === 'change' || previous.kind !== 'working') this.state.setState({ phase })
    try {
      if (kind === 'change') session.stop()
      await this.checkScales(model)
      const said = isWanted() ? await work(model, isWanted) : undefined
      const idle = said === undefined ? { kind: 'idle' as const } : { kind: 'idle' as const, readAgain: true }
      if (this.state.getState().phase === phase) this.state.setState({ phase: idle })
    } catch (error) {
      if (isWanted()) this.state.setState({ phase: { kind: 'failed', error: toErrorData(error) } })
    }
  }

  private async checkScales(model: Model): Promise<void> {
    const scales = await scalesKey(model)
    if (this.scales === scales) return
    const isOther = this.scales !== null
    this.scales = scales
    if (!isOther) return
    this.tree.forgetNumbers()
    this.sync()
  }

  /** A token chosen on another view, or by its keys, is chosen here too. */
  private followPinned(pinned: number): void {
    const node = this.currentPath()[this.session.log.promptIds.length + pinned]
    if (node !== undefined) this.state.setState({ selected: node.key })
  }

  /** While a text is being written it is looked at now and then. */
  private follow(): void {
    if (!isRunning(this.session.app.getState().run)) return this.sync()
    this.timer ??= setTimeout(() => this.sync(), INTERVAL_MS)
  }

  /** Takes the text on the page into the tree. */
  private sync(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    const { log, app } = this.session
    if (log.modelId === '' || log.promptIds.length === 0) return
    if (this.tree.modelId !== log.modelId) {
      this.tree = new TokenTree(log.modelId)
      this.scales = null
      this.state.setState({ selected: null, compared: null })
    }
    const end = insertText(this.tree, log, TOP)
    markRecent(pathTo(end))
    const { selected, current } = this.state.getState()
    const follows = selected === current || this.tree.node(selected) === null
    this.state.setState({ current: end.key, selected: follows ? end.key : selected })
    this.changed(!isRunning(app.getState().run))
  }

  private changed(saves = true): void {
    const { compared, version } = this.state.getState()
    const gone = compared !== null && this.tree.node(compared) === null
    this.state.setState({ version: version + 1, ...(gone ? { compared: null } : {}) })
    if (saves) this.saveSoon()
  }
}

const childOf = ({ children }: TokenNode, id: number | undefined): TokenNode | undefined =>
  children.find((child) => child.id === id)

/** The branches of a page: one tree, whichever panel asks. */
export const branchesOf = perSession((session) => new Branches(session))
