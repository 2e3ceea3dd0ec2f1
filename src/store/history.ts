import { createStore } from 'zustand/vanilla'
import { watchSession } from './historyWatch.ts'
import type { Session } from './session.ts'

/** How something a person did is taken back, and done once more. */
export interface Deed {
  undo(): void | Promise<void>
  redo(): void | Promise<void>
}

export interface HistoryState {
  /** Label of what would be taken back next; null when nothing can be. */
  undo: string | null
  redo: string | null
}

interface Entry extends Deed {
  label: string
}

/** Deeds kept; older ones can no longer be taken back. */
const LIMIT = 100

/** What a person did, to take back and do again. What changes while that happens is not recorded itself. */
export class History {
  readonly state = createStore<HistoryState>()(() => ({ undo: null, redo: null }))
  private readonly done: Entry[] = []
  private readonly undone: Entry[] = []
  private turn: Promise<void> = Promise.resolve()
  private moving = false

  /** True while a deed is being taken back or done again. */
  get isMoving(): boolean {
    return this.moving
  }

  /** The deed that would be taken back next. */
  get last(): Deed | null {
    return this.done.at(-1) ?? null
  }

  /** Adds what has just been done. `label`: a key of the message catalogue, or plain words. */
  record(label: string, deed: Deed): void {
    if (this.moving) return
    this.done.push({ label, undo: () => deed.undo(), redo: () => deed.redo() })
    if (this.done.length > LIMIT) this.done.shift()
    this.undone.length = 0
    this.tell()
  }

  /** Takes the latest deed off the list, as part of a greater one about to be recorded. */
  forgetLast(): void {
    this.done.pop()
    this.tell()
  }

  undo(): Promise<void> {
    return this.move(this.done, this.undone, (entry) => entry.undo())
  }

  redo(): Promise<void> {
    return this.move(this.undone, this.done, (entry) => entry.redo())
  }

  /** One move after the other: a deed may have to wait for the engine. */
  private move(from: Entry[], to: Entry[], act: (entry: Entry) => void | Promise<void>): Promise<void> {
    const next = async (): Promise<void> => {
      const entry = from.pop()
      if (entry === undefined) return
      this.moving = true
      try {
        await act(entry)
        to.push(entry)
      } finally {
        this.moving = false
        this.tell()
      }
    }
    const turn = this.turn.then(next)
    // A deed that fails is told to its caller; the next one still gets its turn.
    this.turn = turn.catch(() => undefined)
    return turn
  }

  private tell(): void {
    this.state.setState({
      undo: this.done.at(-1)?.label ?? null,
      redo: this.undone.at(-1)?.label ?? null,
    })
  }
}

const known = new WeakMap<Session, History>()

/** The history of a page: one, which sees settings, prompts and texts by itself. */
export function historyOf(session: Session): History {
  let history = known.get(session)
  if (history === undefined) {
    history = new History()
    known.set(session, history)
    watchSession(session, history)
  }
  return history
}
