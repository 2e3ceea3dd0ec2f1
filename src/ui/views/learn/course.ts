import { createStore } from 'zustand/vanilla'
import { invariant } from '../../../errors.ts'
import { editsOf } from '../edits/store.ts'
import type { Arrangement } from '../../../state/adapterArrangement.ts'
import { adaptersOf } from '../../../state/adapters.ts'
import { historyOf } from '../../../state/history.ts'
import type { Session } from '../../../state/session.ts'
import { readLocal, readTab, writeLocal, writeTab } from '../../../state/storage.ts'
import { CHECKS } from './checks.ts'
import { LESSONS } from './lessons/index.ts'
import { atRest, choose, loadAs, openView, showsText, writeText } from './place.ts'
import { forTab, parseSavedPage, savePage, type SavedPage } from './savedPage.ts'
import type { TokenLogSnapshot } from '../../../state/tokenLog.ts'
import type { Lesson, LessonStep } from './types.ts'

const KEY = 'tokenscope.lessons.1'
const PAGE_KEY = 'tokenscope.lessons.page'

export interface CourseState {
  /** Index of the step reached last, by lesson. */
  reached: Readonly<Record<string, number>>
  /** Lessons gone through to their end. */
  finished: readonly string[]
  /** Steps whose task was done, as `sampling.3`. */
  done: readonly string[]
  /** While the page is being set up for a step. */
  placing: boolean
}

/** What the page showed before a lesson, and how it is had back. */
interface Before {
  page: SavedPage
  /** The rows of adapters; null after a reload, which brings back its own. */
  adapters: Arrangement | null
  endHistory: () => void
}

export interface Open {
  lesson: Lesson
  index: number
  step: LessonStep
}

/** `sampling.3`: the third step of a lesson; null for what names none. */
export function parsePlace(text: string): Open | null {
  const [name, number = '1'] = text.split('.')
  const lesson = LESSONS.find((one) => one.name === name)
  const index = Number(number) - 1
  const step = lesson?.steps[index]
  return lesson === undefined || step === undefined ? null : { lesson, index, step }
}

const placeName = (lesson: Lesson, index: number): string => `${lesson.name}.${index + 1}`

/** The lessons of a page: which one is open stands in `app.lesson`, what was reached is kept for every visit. */
export class Course {
  readonly state = createStore<CourseState>()(() => ({ ...parseSaved(readLocal(KEY)), placing: false }))
  private readonly session: Session
  /** Counts settings-up; an older one stops where it is. */
  private run = 0
  private before: Before | null = null

  constructor(session: Session) {
    this.session = session
    const { app } = session
    app.subscribe(({ model, modelId }, earlier) => {
      // Another model has come: the step is set up again, or says that it cannot be.
      if (this.open !== null && model.kind === 'ready' && earlier.model.kind !== 'ready') {
        if (modelId !== earlier.modelId || earlier.model.kind === 'loading') void this.place()
      }
    })
    this.state.subscribe((state, earlier) => {
      const { reached, finished, done } = state
      if (reached !== earlier.reached || finished !== earlier.finished || done !== earlier.done)
        writeLocal(KEY, { reached, finished, done })
    })
  }

  get open(): Open | null {
    const { lesson } = this.session.app.getState()
    return lesson === null ? null : parsePlace(lesson)
  }

  /** Id of the model the lessons are written for. */
  get modelId(): string | null {
    return this.session.app.getState().catalogue.initial
  }

  /** Opens a lesson where it was left, or at its beginning once it has been finished. */
  start(name: string): void {
    const { reached, finished } = this.state.getState()
    this.goTo(`${name}.${finished.includes(name) ? 1 : (reached[name] ?? 0) + 1}`)
  }

  goTo(text: string): void {
    const open = parsePlace(text)
    if (open === null) return
    const { app } = this.session
    const { lesson, index } = open
    this.before ??= this.remember()
    app.setState({ lesson: placeName(lesson, index) })
    this.state.setState(({ reached }) => ({ reached: { ...reached, [lesson.name]: index } }))
    void this.place()
  }

  /** What lessons will change: after a reload in the middle of one, the page of before it. What is done in them is undone in them. */
  private remember(): Before {
    const { session } = this
    const page = parseSavedPage(readTab(PAGE_KEY))
    const kept = page ?? savePage(session)
    if (page === null) writeTab(PAGE_KEY, forTab(kept))
    const adapters = page === null ? adaptersOf(session).arrangement : null
    return { page: kept, adapters, endHistory: historyOf(session).branch() }
  }

  /** Steps forwards or back; behind the last step the lesson is finished and its list shown. */
  move(by: 1 | -1): void {
    const { open } = this
    invariant(open !== null, 'no lesson is open')
    const { lesson, index } = open
    const to = index + by
    if (to < 0) return
    if (to < lesson.steps.length) return this.goTo(placeName(lesson, to))
    this.state.setState(({ finished, reached }) => ({
      finished: [...new Set([...finished, lesson.name])],
      reached: { ...reached, [lesson.name]: 0 },
    }))
    this.leave()
  }

  /** Closes the lesson; the page gets back its text, layout, edits, adapters and weights, and what could be undone. */
  leave(): void {
    this.run += 1
    const { app } = this.session
    const { before, open } = this
    const places = open?.lesson.steps.map(({ place }) => place) ?? []
    if (places.some(({ weights }) => weights !== undefined))
      loadAs(this.session, 'auto').catch((error: unknown) => this.session.report(error))
    this.before = null
    this.state.setState({ placing: false })
    app.setState({ lesson: null, view: 'learn', narrow: 'view' })
    writeTab(PAGE_KEY, null)
    if (before === null) return
    const adds = places.some(({ adapter }) => adapter !== undefined)
    if (adds && before.adapters !== null)
      adaptersOf(this.session)
        .arrange(before.adapters)
        .catch((error: unknown) => this.session.report(error))
    this.giveBack(before.page)
    before.endHistory()
  }

  private giveBack({ layout, edits, prompt, settings, log, pinned, promptRow }: SavedPage): void {
    const { session } = this
    session.app.setState({ layout, prompt, settings })
    const list = editsOf(session)
    if (JSON.stringify(list.saved) !== JSON.stringify(edits)) list.bringBack(edits)
    // The very text that is there keeps what the engine holds of it.
    if (isSameText(session.log.snapshot(), log)) return
    session.showText(log)
    session.app.setState({ pinned, promptRow })
  }

  /** Sets the page up for the step that is open; of another model only the view is shown. */
  async place(): Promise<void> {
    const { open, session } = this
    if (open === null) return
    const run = ++this.run
    const wanted = (): boolean => run === this.run
    const { lesson, step } = open
    openView(session, step.place)
    this.state.setState({ placing: true })
    try {
      await atRest(session, wanted)
      if (!wanted() || session.app.getState().modelId !== this.modelId) return
      if (step.keepsText !== true && !showsText(session, lesson.text)) await writeText(session, lesson.text)
      await atRest(session, wanted)
      if (wanted()) await choose(session, step.place, wanted)
    } catch (error) {
      session.report(error)
    } finally {
      if (wanted()) this.state.setState({ placing: false })
    }
  }

  /** Loads the model the lessons are written for. */
  loadModel(): void {
    const { modelId: id } = this
    const { catalogue } = this.session.app.getState()
    if (id === null) return
    const label = catalogue.models.find((entry) => entry.id === id)?.name ?? id
    void this.session.load(id, { label, id })
  }

  /** Whether the task of the open step is done; once done it stays so. */
  isTaskDone(): boolean {
    const { open } = this
    const check = open?.step.task?.check
    if (open === null || check === undefined) return false
    const { done, placing } = this.state.getState()
    if (done.includes(placeName(open.lesson, open.index))) return true
    return !placing && CHECKS[check](this.session, open.lesson)
  }

  /** Remembers the task of the open step as done. */
  keepTask(): void {
    const { open } = this
    if (open === null) return
    const name = placeName(open.lesson, open.index)
    this.state.setState(({ done }) => (done.includes(name) ? {} : { done: [...done, name] }))
  }
}

type Saved = Pick<CourseState, 'reached' | 'finished' | 'done'>

/** What an earlier visit has kept; lessons and steps that no longer exist are left out. */
function parseSaved(saved: unknown): Saved {
  const { reached, finished, done } = (typeof saved === 'object' && saved !== null ? saved : {}) as Record<
    string,
    unknown
  >
  const words = (value: unknown): string[] =>
    Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
  const places = typeof reached === 'object' && reached !== null ? Object.entries(reached) : []
  return {
    reached: Object.fromEntries(places.filter(([name, at]) => parsePlace(`${name}.${Number(at) + 1}`))),
    finished: words(finished).filter((name) => LESSONS.some((lesson) => lesson.name === name)),
    done: words(done).filter((name) => parsePlace(name)?.step.task !== undefined),
  }
}

const isSameText = (a: TokenLogSnapshot | null, b: TokenLogSnapshot | null): boolean =>
  a?.modelId === b?.modelId && JSON.stringify(idsOf(a)) === JSON.stringify(idsOf(b))

const idsOf = (text: TokenLogSnapshot | null): unknown =>
  text && [text.promptIds, text.tokens.map(({ id }) => id), text.settings]

const courses = new WeakMap<Session, Course>()

/** The lessons of a page: one course, whichever panel asks. */
export function courseOf(session: Session): Course {
  const course = courses.get(session) ?? new Course(session)
  courses.set(session, course)
  return course
}
