import { LESSONS } from './lessons/index.ts'
import type { Lesson } from './types.ts'
import { Icon } from '../../components/Icon.tsx'
import { useCourse, useCourseState, useLessonWords, type TranslateLesson } from './hooks.ts'

/** Lessons to begin with; the others build on them. */
const FIRST = 3

/** The lessons, how far one has come in each, and the way in. */
export function LearnView() {
  const translate = useLessonWords()
  if (translate === null) return <div className="learn" data-testid="learn-view" />
  return (
    <div className="learn" data-testid="learn-view">
      <p className="learn-about">{translate('learn.about')}</p>
      <Chapter translate={translate} title={translate('learn.first')} lessons={LESSONS.slice(0, FIRST)} />
      <Chapter translate={translate} title={translate('learn.more')} lessons={LESSONS.slice(FIRST)} />
    </div>
  )
}

interface ChapterProps {
  translate: TranslateLesson
  title: string
  lessons: readonly Lesson[]
}

function Chapter({ translate, title, lessons }: ChapterProps) {
  return (
    <section className="learn-chapter" aria-label={title}>
      <h2 className="eyebrow">{title}</h2>
      <ol className="learn-list">
        {lessons.map((lesson) => (
          <Entry key={lesson.name} translate={translate} lesson={lesson} />
        ))}
      </ol>
    </section>
  )
}

function Entry({ translate, lesson }: { translate: TranslateLesson; lesson: Lesson }) {
  const course = useCourse()
  const { name, minutes, steps } = lesson
  const number = LESSONS.indexOf(lesson) + 1
  const finished = useCourseState((state) => state.finished.includes(name))
  // The first that has not been finished stands out: where one would go on.
  const next = useCourseState((state) => LESSONS.find((one) => !state.finished.includes(one.name)) === lesson)
  const reached = useCourseState((state) => state.reached[name] ?? 0)
  const done = useCourseState((state) => state.done.filter((place) => place.startsWith(`${name}.`)).length)
  const tasks = steps.filter(({ task }) => task !== undefined).length
  const word = () => {
    if (reached > 0) return translate('learn.resume', { step: reached + 1 })
    return translate(finished ? 'learn.again' : 'learn.start')
  }
  return (
    <li className="learn-entry" data-testid="lesson-entry" data-lesson={name} data-finished={finished}>
      <span className="learn-number numeric" aria-hidden="true">
        {number}
      </span>
      <div className="learn-words">
        <h3 className="learn-title">
          {translate(lesson.title)}
          {finished && (
            <span className="learn-finished">
              <Icon name="check" />
              {translate('learn.finished')}
            </span>
          )}
        </h3>
        <p className="note">{translate(lesson.about)}</p>
      </div>
      <p className="learn-facts numeric">
        <span>{translate('learn.length', { minutes, steps: steps.length })}</span>
        {done > 0 && <span>{translate('learn.tasks', { done, all: tasks })}</span>}
      </p>
      <button
        type="button"
        className={reached > 0 || next ? 'button button-primary' : 'button'}
        data-testid={`lesson-start-${name}`}
        aria-label={`${word()}: ${translate(lesson.title)}`}
        onClick={() => course.start(name)}
      >
        {word()}
      </button>
    </li>
  )
}
