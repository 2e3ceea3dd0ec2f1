import { adaptersOf } from './adapters.ts'
import type { TextScalesState } from './adapterText.ts'
import { isRunning } from './app.ts'
import type { Command, History } from './history.ts'
import type { Session } from './session.ts'
import { SETTING_NAMES, type SettingName, type Settings } from './settings.ts'
import type { TokenLogSnapshot } from './tokenLog.ts'

/** Milliseconds within which moves of the same slider are one change. */
const ONE_MOVE = 1000

/** Records what a person changes in settings, prompt and text. */
export function watchSession(session: Session, history: History): void {
  const settings = new SettingsWatch(session, history)
  const text = new TextWatch(session, history)
  watchAdapters(session, history)
  session.app.subscribe((state, previous) => {
    if (state.settings !== previous.settings) settings.changed(previous.settings, state.settings)
    if (state.prompt !== previous.prompt && !isTyping()) text.prompted(previous.prompt, state.prompt)
    if (isRunning(previous.run) && !isRunning(state.run)) text.changed()
  })
  session.log.subscribe(() => text.changed())
  adaptersOf(session).text.state.subscribe(() => text.attributed())
}

/** The text field undoes what is typed by itself. */
function isTyping(): boolean {
  return typeof document !== 'undefined' && document.activeElement?.matches('textarea') === true
}

/** Rows of adapters are brought back as they stood; moves of one slider are one change. */
function watchAdapters(session: Session, history: History): void {
  const adapters = adaptersOf(session)
  let open = { field: '', after: adapters.arrangement, command: null as Command | null }
  adapters.onChange = (label, field, previous) => {
    const after = adapters.arrangement
    if (field !== '' && field === open.field && open.command === history.last) {
      open.after = after
      return
    }
    const fresh = { field, after, command: null as Command | null }
    history.record(label, {
      undo: () => adapters.arrange(previous),
      redo: () => adapters.arrange(fresh.after),
    })
    fresh.command = history.last
    open = fresh
  }
}

class SettingsWatch {
  private readonly session: Session
  private readonly history: History
  /** The latest command, while it may still grow. */
  private open: { key: string; after: Partial<Settings>; at: number; recorded: Command | null } | null = null

  constructor(session: Session, history: History) {
    this.session = session
    this.history = history
  }

  changed(previous: Settings, after: Settings): void {
    if (this.history.isMoving) return
    const names = SETTING_NAMES.filter((name) => previous[name] !== after[name])
    const [first] = names
    if (first === undefined) return
    const key = names.join(' ')
    const at = performance.now()
    const { open } = this
    if (open?.key === key && open.recorded === this.history.last && at - open.at < ONE_MOVE) {
      Object.assign(open.after, pick(after, names))
      open.at = at
      return
    }
    const fresh = { key, after: pick(after, names), at, recorded: null as Command | null }
    const old = pick(previous, names)
    this.history.record(names.length === 1 ? `setting.${first}` : 'sampling.preset', {
      undo: () => this.put(old),
      redo: () => this.put(fresh.after),
    })
    fresh.recorded = this.history.last
    this.open = fresh
  }

  private put(part: Partial<Settings>): void {
    this.session.app.setState(({ settings }) => ({ settings: { ...settings, ...part } }))
  }
}

function pick(settings: Settings, names: readonly SettingName[]): Partial<Settings> {
  return Object.fromEntries(names.map((name) => [name, settings[name]]))
}

/** A text as it stood on the page, with the prompt in the field and the scales its probabilities belong to. */
interface ShownText {
  prompt: string
  snapshot: TokenLogSnapshot | null
  scales: Pick<TextScalesState, 'spans' | 'scored'>
}

class TextWatch {
  private readonly session: Session
  private readonly history: History
  private timing: object | null
  /** The text as it stands; arrays of a log are changed in place, so this is a copy. */
  private current: ShownText
  /** The latest run: its text may still grow, or be read under other scales. */
  private command: { after: ShownText; timing: object } | null = null
  private prompt: Command | null = null

  constructor(session: Session, history: History) {
    this.session = session
    this.history = history
    this.timing = session.log.timing
    this.current = this.read()
  }

  /** A prompt put into the field by a click or a link. */
  prompted(previous: string, after: string): void {
    const { app } = this.session
    this.history.record('prompt.label', {
      undo: () => app.setState({ prompt: previous }),
      redo: () => app.setState({ prompt: after }),
    })
    this.prompt = this.history.last
  }

  /** A new object of timing means that a run has begun: what stood here before can be brought back. */
  changed(): void {
    const { log, app } = this.session
    const { timing } = log
    // A run empties the page before it begins: what is to be kept is the text before that.
    if (timing === null && isRunning(app.getState().run)) return
    const previous = this.current
    this.current = this.read()
    if (timing !== null && timing !== this.timing && isRunning(app.getState().run))
      this.begin(previous, timing)
    this.timing = timing
    if (this.command?.timing === timing) this.command.after = this.current
  }

  /** Who wrote the text, or whose probabilities it carries, has become known. */
  attributed(): void {
    const { timing } = this.session.log
    if (timing !== this.timing) return
    this.current = { ...this.current, scales: this.scales() }
    if (this.command !== null && this.command.timing === timing) this.command.after = this.current
  }

  private begin(previous: ShownText, timing: object): void {
    const { history } = this
    const command = { after: this.current, timing }
    this.command = command
    // An example is one change: its prompt, and the text that follows at once.
    if (this.prompt !== null && this.prompt === history.last) history.forgetLast()
    history.record(this.session.log.runStart === 0 ? 'action.generate' : 'action.continue', {
      undo: () => {
        this.command = null
        this.show(previous, command.after)
      },
      redo: () => this.show(command.after, previous),
    })
  }

  private read(): ShownText {
    const { log, app } = this.session
    const snapshot = log.snapshot()
    return {
      prompt: app.getState().prompt,
      snapshot: snapshot === null ? null : { ...snapshot, tokens: [...snapshot.tokens] },
      scales: this.scales(),
    }
  }

  private scales(): ShownText['scales'] {
    const { spans, scored } = adaptersOf(this.session).text.state.getState()
    return { spans, scored }
  }

  /** A prompt typed since then stays. */
  private show(text: ShownText, instead: ShownText): void {
    const { app } = this.session
    if (app.getState().prompt === instead.prompt) app.setState({ prompt: text.prompt })
    this.session.showText(text.snapshot)
    adaptersOf(this.session).text.bringBack(text.scales)
  }
}
