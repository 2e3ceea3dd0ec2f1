import { answeringModel } from '../../../state/app.ts'
import type { Open } from './course.ts'
import type { LessonStep } from './types.ts'
import { Icon } from '../../components/Icon.tsx'
import { useApp } from '../../context.ts'
import { reach } from './highlight.ts'
import {
  useCourse,
  useCourseState,
  useLessonWords,
  useOpen,
  useSentences,
  useStepOf,
  useTarget,
  useTaskDone,
  type TranslateLesson,
} from './hooks.ts'

/** The open lesson beside the views: one step, what to try, and the way on. */
export function LessonPanel() {
  const translate = useLessonWords()
  const open = useOpen()
  if (translate === null || open === null) return <aside className="lesson stack" />
  return <Step translate={translate} open={open} />
}

interface StepProps {
  translate: TranslateLesson
  open: Open
}

function Step({ translate, open }: StepProps) {
  const { lesson, index, step } = open
  const title = translate(lesson.title)
  const selector = useSelector(step)
  return (
    <aside className="lesson stack" aria-label={translate('panel.label', { title })} data-testid="lesson">
      <Head translate={translate} open={open} title={title} />
      <div className="lesson-body">
        <div aria-live="polite" data-testid="lesson-words" data-step={`${lesson.name}.${index + 1}`}>
          <Sentence className="lesson-words" words={translate(step.words)} />
        </div>
        {step.task !== undefined && <Task translate={translate} words={translate(step.task.words)} />}
        <StepStatus key={step.words} translate={translate} selector={selector} />
      </div>
      <Foot translate={translate} open={open} />
    </aside>
  )
}

function Head({ translate, open, title }: StepProps & { title: string }) {
  const course = useCourse()
  const { lesson, index } = open
  const steps = lesson.steps.length
  return (
    <header className="lesson-head">
      <div className="lesson-place row">
        <h2 className="lesson-title">{title}</h2>
        <button
          type="button"
          className="button button-icon"
          data-testid="lesson-leave"
          aria-label={translate('panel.leave')}
          title={translate('panel.leave')}
          onClick={() => course.leave()}
        >
          <Icon name="close" />
        </button>
      </div>
      <div className="lesson-ticks" aria-hidden="true">
        {lesson.steps.map(({ words }, at) => (
          <i key={words} data-past={at <= index} />
        ))}
      </div>
      <p className="note numeric">{translate('panel.step', { step: index + 1, steps })}</p>
    </header>
  )
}

/** Its sentences; one whose number is not on the page yet comes when it is there. */
function Sentence({ words, className }: { words: string; className: string }) {
  const sentences = useSentences(words)
  const isPending = sentences.some((parts) => parts === null)
  return (
    <p className={className} data-pending={isPending}>
      {sentences.map((parts, at) => (
        <span key={at} className={parts === null ? 'lesson-waiting' : undefined}>
          {parts?.map(({ text, fact }, place) =>
            fact ? (
              <b key={place} className="lesson-fact numeric" data-testid="lesson-fact">
                {text}
              </b>
            ) : (
              text
            ),
          )}{' '}
        </span>
      ))}
    </p>
  )
}

function Task({ translate, words }: { translate: TranslateLesson; words: string }) {
  const done = useTaskDone()
  return (
    <section className="lesson-task" data-testid="lesson-task" data-done={done}>
      <h3 className="eyebrow">
        {translate('panel.try')}
        <span className="lesson-done" role="status">
          {done && (
            <>
              <Icon name="check" />
              {translate('panel.done')}
            </>
          )}
        </span>
      </h3>
      <Sentence className="lesson-try" words={words} />
    </section>
  )
}

/** The target's selector with the name of the step it is about. */
function useSelector({ target, place }: LessonStep): string {
  const step = useStepOf(place)
  return target.replace('{step}', step)
}

/** Where the outline is, or why there is none, and the way to it. */
function StepStatus({ translate, selector }: { translate: TranslateLesson; selector: string }) {
  const course = useCourse()
  const target = useTarget(selector)
  const placing = useCourseState((state) => state.placing)
  const other = useApp((state) => state.modelId !== state.catalogue.initial)
  const loading = useApp((state) => state.model.kind === 'loading')
  if (loading || placing) {
    return (
      <p className="lesson-standing note" role="status" data-testid="lesson-standing" data-state="placing">
        {translate(loading ? 'panel.loading' : 'panel.placing')}
      </p>
    )
  }
  if (target !== null && !other) {
    return (
      <p className="lesson-standing note" data-testid="lesson-standing" data-state="outlined">
        <span className="visually-hidden" role="status">
          {translate('panel.outlined')}
        </span>
        <button
          type="button"
          className="button button-quiet"
          data-testid="lesson-reach"
          onClick={() => reach(target)}
        >
          <Icon name="fit" />
          {translate('panel.reach')}
        </button>
      </p>
    )
  }
  if (other) return <OtherModel translate={translate} />
  return (
    <p className="lesson-standing" role="status" data-testid="lesson-standing" data-state="away">
      <span className="note">{translate('panel.away')}</span>
      <button type="button" className="button" onClick={() => void course.place()}>
        {translate('panel.return')}
      </button>
    </p>
  )
}

function OtherModel({ translate }: { translate: TranslateLesson }) {
  const course = useCourse()
  const answers = useApp((state) => answeringModel(state.model) !== null)
  const initial = useApp((state) => state.catalogue.initial)
  const name = useApp((state) => state.catalogue.models.find(({ id }) => id === initial)?.name ?? initial)
  if (name === null) return null
  return (
    <p className="lesson-standing" role="status" data-testid="lesson-standing" data-state="other-model">
      <span className="note">{translate(answers ? 'panel.otherModel' : 'panel.noModel', { name })}</span>
      <button type="button" className="button" data-testid="lesson-load" onClick={() => course.loadModel()}>
        {translate('panel.load', { name })}
      </button>
    </p>
  )
}

function Foot({ translate, open }: StepProps) {
  const course = useCourse()
  const { lesson, index } = open
  const last = index === lesson.steps.length - 1
  return (
    <footer className="lesson-foot">
      <button
        type="button"
        className="button"
        data-testid="lesson-back"
        disabled={index === 0}
        onClick={() => course.move(-1)}
      >
        {translate('panel.back')}
      </button>
      <button
        type="button"
        className="button button-primary"
        data-testid="lesson-next"
        onClick={() => course.move(1)}
      >
        {translate(last ? 'panel.finish' : 'panel.next')}
      </button>
    </footer>
  )
}
