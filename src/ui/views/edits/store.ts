import { createStore } from 'zustand/vanilla'
import { readChange } from './text.ts'
import { historyOf, type Command, type History } from '../../../state/history.ts'
import { LONGEST_PROMPT } from '../../../state/hash.ts'
import { linkPartChanged, registerLinkPart } from '../../../state/linkParts.ts'
import { perSession } from '../../../state/perSession.ts'
import { readTab, writeTab } from '../../../state/storage.ts'

/** Positions a change reaches, 0-based; `to` is exclusive. */
export type Span =
  | { kind: 'all' }
  | { kind: 'from'; from: number }
  | { kind: 'range'; from: number; to: number }
  | { kind: 'token'; at: number }

/**
 * What a person changed, as a recipe: activations it needs are computed when it is run, so that it fits into a link.
 * A scale at `layers.N` alone means both outputs of that layer.
 */
export type Change =
  | { kind: 'scale'; step: string; head: number | null; factor: number; span: Span }
  /** Adds factor · (toward − away), the activations behind the last token of either prompt. */
  | { kind: 'steer'; step: string; toward: string; away: string; factor: number; span: Span }
  /** Puts what another prompt computed at a step and position in the place of this text's own. */
  | {
      kind: 'patch'
      step: string
      position: number
      source: { prompt: string; step: string; position: number }
    }
  | { kind: 'mask'; layer: number; head: number | null; query: number; key: number }

export type ChangeOf<K extends Change['kind']> = Extract<Change, { kind: K }>

/** A line of the list of edits. */
export interface EditEntry {
  id: number
  on: boolean
  change: Change
}

export const TOOLS = ['scale', 'steer', 'patch', 'mask'] as const
export type Tool = (typeof TOOLS)[number]

export interface EditsState {
  entries: readonly EditEntry[]
  tool: Tool
  /** The selected row while the prediction on show is that of the token that is not written yet; else null. */
  nextFrom: number | null
}

const KEY = 'tokenscope.edits.1'

/** What a step of undo is called: a key of the message catalogue. */
type ChangeName = 'add' | 'change' | 'toggle' | 'remove' | 'clear'

/** The edits of a page: listed, toggled, undone with everything else, kept for this tab and in the link. */
export class Edits {
  readonly state = createStore<EditsState>()(() => ({ entries: [], tool: 'scale', nextFrom: null }))
  private readonly history: History
  /** The newest command while the same number is still being moved: that is one step of undo. */
  private open: { field: string; command: Command | null; after: readonly EditEntry[] } | null = null
  private serial = 0

  constructor(history: History) {
    this.history = history
    this.show(this.parse(readTab(KEY)))
    this.state.subscribe(({ entries }, previous) => {
      if (entries === previous.entries) return
      writeTab(KEY, this.saved)
      linkPartChanged()
    })
    registerLinkPart('edits', {
      read: () => this.linked(),
      write: (text) => this.follow(text),
      omits: () => this.entries.length > 0 && this.linked() === null,
    })
  }

  get entries(): readonly EditEntry[] {
    return this.state.getState().entries
  }

  /** The list as it is kept: for {@link bringBack}. */
  get saved(): object[] {
    return entriesOut(this.entries)
  }

  /** Puts a kept list in place of this one; not a step of undo. */
  bringBack(saved: unknown): void {
    this.show(this.parse(saved))
  }

  /** A link’s list in place of this one, which can be had back. */
  private follow(text: string): void {
    if (text === (this.linked() ?? '')) return
    const entries = this.parse(parseJson(text))
    if (this.entries.length > 0) this.commit('change', entries)
    else this.show(entries)
  }

  /** The list as an address carries it: null for none, and for one that would make it too long. */
  private linked(): string | null {
    const text = JSON.stringify(this.saved)
    return this.entries.length === 0 || text.length > LONGEST_PROMPT ? null : text
  }

  add(...changes: readonly Change[]): void {
    const added = changes.map((change) => ({ id: this.serial++, on: true, change }))
    this.commit('add', [...this.entries, ...added])
  }

  /** Changes a number or the positions of an entry. */
  update(id: number, change: Change, field: 'factor' | 'span'): void {
    const entries = this.entries.map((entry) => (entry.id === id ? { ...entry, change } : entry))
    this.commit('change', entries, `${field}:${id}`)
  }

  toggle(id: number): void {
    this.commit(
      'toggle',
      this.entries.map((entry) => (entry.id === id ? { ...entry, on: !entry.on } : entry)),
    )
  }

  remove(id: number): void {
    this.commit(
      'remove',
      this.entries.filter((entry) => entry.id !== id),
    )
  }

  clear(): void {
    if (this.entries.length > 0) this.commit('clear', [])
  }

  private commit(name: ChangeName, entries: readonly EditEntry[], field = ''): void {
    const previous = this.entries
    this.show(entries)
    const { open, history } = this
    if (field !== '' && open?.field === field && open.command === history.last) {
      open.after = entries
      return
    }
    const fresh = { field, command: null as Command | null, after: entries }
    history.record(`edits.change.${name}`, {
      undo: () => this.show(previous),
      redo: () => this.show(fresh.after),
    })
    fresh.command = history.last
    this.open = fresh
  }

  private show(entries: readonly EditEntry[]): void {
    this.state.setState({ entries })
  }

  /** What is no edit in storage or in a link is left out. */
  private parse(saved: unknown): EditEntry[] {
    if (!Array.isArray(saved)) return []
    return saved.flatMap((line: unknown) => {
      const change = readChange(line)
      const off = typeof line === 'object' && line !== null && 'off' in line && line.off === true
      return change === null ? [] : [{ id: this.serial++, on: !off, change }]
    })
  }
}

const entriesOut = (entries: readonly EditEntry[]): object[] =>
  entries.map(({ on, change }) => (on ? change : { ...change, off: true }))

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // A link cut short carries no edits; anything else is a fault of this program.
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** The edits of a page: one list, whichever panel asks. */
export const editsOf = perSession((session) => new Edits(historyOf(session)))
