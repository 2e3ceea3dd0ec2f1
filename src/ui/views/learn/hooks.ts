import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { courseOf, parsePlace, type Open } from './course.ts'
import { FACTS, isFact } from './facts.ts'
import { attentionOf } from '../attention/store.ts'
import { cacheOf } from '../attention/cache/store.ts'
import { editsOf } from '../edits/store.ts'
import { lensOf } from '../lens/store.ts'
import { samplingExplorerOf } from '../sampling/store.ts'
import type { Session } from '../../../state/session.ts'
import { speculationOf } from '../speculate/store.ts'
import { stepsOf } from '../steps/store.ts'
import { adaptersOf } from '../../../state/adapters.ts'
import { trainingOf } from '../train/store/training.ts'
import { useAnatomy } from '../../components/reading.ts'
import { hooksOf, useApp, useSession } from '../../context.ts'
import { fill } from '../../words/index.ts'
import { afterValue } from '../../words/particles.ts'
import type { LessonKey, LessonWords } from './words/lessons.en.ts'
import { loadLessonWords } from './words/index.ts'
import { markTarget } from './highlight.ts'
import { stepOfPlace } from './place.ts'
import type { LessonPlace } from './types.ts'

export const [useCourse, useCourseState] = hooksOf(courseOf)

/** The lesson on show and its step. */
export function useOpen(): Open | null {
  const lesson = useApp((state) => state.lesson)
  return useMemo(() => (lesson === null ? null : parsePlace(lesson)), [lesson])
}

export type TranslateLesson = (key: LessonKey, values?: Readonly<Record<string, string | number>>) => string

/** The words of the lessons; null while they are on the way. Slots that no value fills stay as they are. */
export function useLessonWords(): TranslateLesson | null {
  const session = useSession()
  const language = useApp((state) => state.language)
  const [words, setWords] = useState<LessonWords | null>(null)
  useEffect(() => {
    let wanted = true
    loadLessonWords(language).then(
      (loaded) => wanted && setWords(loaded),
      (error: unknown) => wanted && session.report(error),
    )
    return () => {
      wanted = false
    }
  }, [session, language])
  return useMemo(() => words && ((key, values = {}) => fill(language, words[key], values)), [words, language])
}

/** Everything that facts and checks are read from. */
function watchPage(session: Session, changed: () => void): () => void {
  const stores = [
    session.app,
    session.log,
    courseOf(session).state,
    stepsOf(session).state,
    attentionOf(session).state,
    attentionOf(session).measurement.state,
    cacheOf(session).state,
    lensOf(session).state,
    lensOf(session).measurement.state,
    samplingExplorerOf(session).state,
    speculationOf(session).state,
    editsOf(session).state,
    trainingOf(session).data.state,
    trainingOf(session).run.state,
    adaptersOf(session).state,
  ]
  const ends = stores.map((store) => store.subscribe(changed))
  return () => ends.forEach((end) => end())
}

function usePage<T extends string | boolean>(read: (session: Session) => T): T {
  const session = useSession()
  const watch = useCallback((changed: () => void) => watchPage(session, changed), [session])
  return useSyncExternalStore(watch, () => read(session))
}

interface Part {
  text: string
  /** Read off the page. */
  fact: boolean
}

/** Sentences in their plain parts and the facts between them; null for one of which a fact is not on the page yet. */
export function useSentences(words: string): readonly (readonly Part[] | null)[] {
  const sentences = useMemo(() => words.split(/(?<=[.!?])\s+/).map((one) => one.split(/\{(\w+)\}/)), [words])
  const facts = usePage((session) =>
    JSON.stringify(
      sentences.map((parts) =>
        parts.map((name, at) => (at % 2 === 1 && isFact(name) ? FACTS[name](session) : null)),
      ),
    ),
  )
  return useMemo(() => {
    const values = JSON.parse(facts) as readonly (readonly (string | null)[])[]
    return sentences.map((parts, one) => {
      const shown = parts.map((text, at) => (at % 2 === 0 ? text : (values[one]?.[at] ?? null)))
      if (shown.includes(null)) return null
      return shown.map((text, at) => {
        const fact = at % 2 === 1
        // A particle stands right behind a fact.
        return { text: fact ? (text ?? '') : afterValue(shown[at - 1] ?? '', text ?? ''), fact }
      })
    })
  }, [sentences, facts])
}

/** The step of the forward pass that a place is about; empty where it is about none. */
export function useStepOf(place: LessonPlace): string {
  const anatomy = useAnatomy()
  return usePage((session) => stepOfPlace(session, anatomy, place) ?? '')
}

/** Whether the task of the open step is done. */
export function useTaskDone(): boolean {
  const course = useCourse()
  const holds = usePage(() => course.isTaskDone())
  // Kept outside the render: what was done once stays done.
  useEffect(() => {
    if (holds) course.keepTask()
  }, [holds, course])
  return holds
}

/** The outlined element of a step; null while it is not on show. */
export function useTarget(selector: string): HTMLElement | null {
  const [target, setTarget] = useState<HTMLElement | null>(null)
  useEffect(() => markTarget(selector, setTarget), [selector])
  return target
}
