import { createStore } from 'zustand/vanilla'
import { watchSession } from './historyWatch.ts'
import type { Session } from './session.ts'

/** How a change is undone, and done again. */
export interface Command {
  undo(): void | Promise<void>
  redo(): void | Promise<void>
}

export interface HistoryState {
  /** Label of what would be undone next; null for nothing. */
  undo: string | null
  redo: string | null
}

interface LabelledCommand extends Command {
  label: string
}

/** Commands kept; older ones can no longer be undone. */
const LIMIT = 100

/** The changes of the page, to undo and redo. What an undo changes is not recorded itself. */
export class History {
  readonly state = createStore<HistoryState>()(() => ({ undo: null, redo: null }))
  private readonly done: LabelledCommand[] = []
  private readonly undone: LabelledCommand[] = []
  private turn: Promise<void> = Promise.resolve()
  private moving = false

  /** True while a command is being undone or redone. */
  get isMoving(): boolean {
    return this.moving
  }

  /** The command that would be undone next. */
  get last(): Command | null {
    return this.done.at(-1) ?? null
  }

  /** Adds what has just been done. `label`: a key of the message catalogue, or plain words. */
  record(label: string, command: Command): void {
    if (this.moving) return
    this.done.push({ label, undo: () => command.undo(), redo: () => command.redo() })
    if (this.done.length > LIMIT) this.done.shift()
    this.undone.length = 0
    this.notify()
  }

  /** Does something as one step, however many of its changes would be recorded by themselves. */
  perform(label: string, command: Command): Promise<void> {
    const turn = this.turn.then(async () => {
      this.moving = true
      try {
        await command.redo()
      } finally {
        this.moving = false
      }
      this.record(label, command)
    })
    this.turn = turn.catch(() => undefined)
    return turn
  }

  /** Takes the latest command off the list, as part of a greater one about to be recorded. */
  forgetLast(): void {
    this.done.pop()
    this.notify()
  }

  /** Begins a list of its own, for changes that are given up together; returns the function that ends it and has this list back. */
  branch(): () => void {
    const [done, undone] = [this.done.splice(0), this.undone.splice(0)]
    this.notify()
    return () => {
      this.done.splice(0, Infinity, ...done)
      this.undone.splice(0, Infinity, ...undone)
      this.notify()
    }
  }

  undo(): Promise<void> {
    return this.move(this.done, this.undone, (entry) => entry.undo())
  }

  redo(): Promise<void> {
    return this.move(this.undone, this.done, (entry) => entry.redo())
  }

  /** One move after the other: a command may have to wait for the engine. */
  private move(
    from: LabelledCommand[],
    to: LabelledCommand[],
    act: (entry: LabelledCommand) => void | Promise<void>,
  ): Promise<void> {
    const next = async (): Promise<void> => {
      const entry = from.pop()
      if (entry === undefined) return
      this.moving = true
      try {
        await act(entry)
        to.push(entry)
      } finally {
        this.moving = false
        this.notify()
      }
    }
    const turn = this.turn.then(next)
    // A command that fails is reported to its caller; the next one still gets its turn.
    this.turn = turn.catch(() => undefined)
    return turn
  }

  private notify(): void {
    this.state.setState({
      undo: this.done.at(-1)?.label ?? null,
      redo: this.undone.at(-1)?.label ?? null,
    })
  }
}

const histories = new WeakMap<Session, History>()

/** The history of a page: one, which sees settings, prompts and texts by itself. */
export function historyOf(session: Session): History {
  let history = histories.get(session)
  if (history === undefined) {
    history = new History()
    histories.set(session, history)
    watchSession(session, history)
  }
  return history
}
