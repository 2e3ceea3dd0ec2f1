import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import { useRef, type RefObject } from 'react'
import { answeringModel } from '../../../state/app.ts'
import { hasPageText, type BoxName } from './store.ts'
import { ROLES, type TextSpan } from '../../../analysis/scoreSpans.ts'
import { endComposition, isRunKey } from '../../components/composition.ts'
import { Icon } from '../../components/Icon.tsx'
import { useApp, useSession, useSlowTokenLog, useTranslate } from '../../context.ts'
import { formatCount } from '../../../maths/format.ts'
import { useScalesText } from '../../components/useScales.ts'
import { TableExport } from '../../components/TableExport.tsx'
import { useBox, useMarked, useScores, useScoreState, type Marked } from './hooks.ts'
import { ScoredText } from './ScoredText.tsx'
import { ScoreTotals } from './ScoreTotals.tsx'
import { ReadingBar } from '../../components/ReadingBar.tsx'

/** One text: the box it is written in, what it adds up to, and its tokens. */
export function ScoreColumn({ name }: { name: BoxName }) {
  const t = useTranslate()
  const scores = useScores()
  const second = useScoreState((state) => state.second)
  const mode = useScoreState((state) => state.mode)
  const { text, spans } = useBox(name)
  const marked = useMarked(name)
  const area = useRef<HTMLTextAreaElement>(null)
  const id = `score-text-${name}`
  return (
    <section className="score-column stack" aria-label={t(`score.text.${second ? name : 'one'}`)}>
      <label htmlFor={id} className="eyebrow">
        {t(`score.text.${second ? name : 'one'}`)}
      </label>
      <textarea
        ref={area}
        id={id}
        className="prompt-text score-box"
        data-testid={id}
        rows={5}
        spellCheck={false}
        placeholder={t('score.placeholder')}
        value={text}
        onFocus={() => scores.state.setState({ active: name })}
        onChange={(event) => scores.setText(name, event.currentTarget.value)}
        onKeyDown={(event) => {
          if (!isRunKey(event)) return
          // The page's own meaning of these keys is to generate.
          event.preventDefault()
          endComposition(event.nativeEvent)
          void scores.score(name)
        }}
      />
      {mode === 'hand' && <Marking name={name} area={area} spans={spans} text={text} />}
      <Actions name={name} />
      <Status name={name} />
      {marked !== null && <ScoreTotals marked={marked} name={name} />}
      {marked?.totals && <Export name={name} marked={marked} />}
      {marked !== null && <ScoredText name={name} marked={marked} />}
    </section>
  )
}

/** A line for every token: what it is, what it was given, and whether it counts. */
function Export({ name, marked: { result, counted } }: { name: BoxName; marked: Marked }) {
  return (
    <TableExport
      name={`score-${name}`}
      columns={['position', 'id', 'token', 'logprob', 'counted']}
      rows={() =>
        result.ids.map((id, row) => [
          row,
          id,
          result.texts[row] ?? '',
          result.tokens[row - 1]?.logprob ?? null,
          counted[row] === true ? 1 : 0,
        ])
      }
    />
  )
}

function Actions({ name }: { name: BoxName }) {
  const t = useTranslate()
  const scores = useScores()
  const { text, phase } = useBox(name)
  const ready = useApp((state) => answeringModel(state.model) !== null)
  const scoring = phase.kind === 'scoring'
  return (
    <div className="actions">
      <button
        type="button"
        className={scoring ? 'button' : 'button button-primary'}
        data-testid={scoring ? `score-cancel-${name}` : `score-run-${name}`}
        disabled={!scoring && (!ready || text === '')}
        onClick={() => (scoring ? scores.cancel(name) : void scores.score(name))}
      >
        <Icon name={scoring ? 'stop' : 'gauge'} />
        {t(scoring ? 'score.cancel' : 'score.run')}
      </button>
      <TakePage name={name} />
    </div>
  )
}

function TakePage({ name }: { name: BoxName }) {
  const t = useTranslate()
  const session = useSession()
  const scores = useScores()
  useSlowTokenLog(250)
  useApp((state) => state.model)
  const there = hasPageText(session)
  return (
    <button
      type="button"
      className="button"
      data-testid={`score-page-${name}`}
      disabled={!there}
      onClick={() => scores.takePage(name)}
    >
      <Icon name="text" />
      {t('score.takePage')}
    </button>
  )
}

/** Progress, an error with a way on, or what has changed since the numbers were made. */
function Status({ name }: { name: BoxName }) {
  const t = useTranslate()
  const scalesText = useScalesText()
  const { text, phase, result } = useBox(name)
  if (phase.kind === 'failed') {
    return <ErrorNotice testId={`score-error-${name}`} error={phase.error} />
  }
  if (phase.kind === 'scoring') {
    const { done, total } = phase
    const words = t('score.done', { done: formatCount(done), total: formatCount(total) })
    return <ReadingBar testId="reading" done={done} total={total} words={words} />
  }
  if (result === null) return <p className="note">{t('score.empty')}</p>
  return (
    <p className="score-made note" data-testid={`score-made-${name}`} data-state={phase.kind}>
      {t('score.made', { model: result.modelId, scales: scalesText(result.scales) })}
      {phase.kind === 'stopped' && ` · ${t('score.stopped', { done: formatCount(result.tokens.length) })}`}
      {text !== result.source && ` · ${t('score.stale')}`}
    </p>
  )
}

interface MarkingProps {
  name: BoxName
  area: RefObject<HTMLTextAreaElement | null>
  spans: readonly TextSpan[]
  text: string
}

/** Roles for what is selected in the box, and the spans there are. */
function Marking({ name, area, spans, text }: MarkingProps) {
  const t = useTranslate()
  const scores = useScores()
  const mark = (role: (typeof ROLES)[number] | null) => {
    const box = area.current
    if (box !== null) scores.mark(name, box.selectionStart, box.selectionEnd, role)
  }
  return (
    <div className="score-marking cluster" role="group" aria-label={t('score.markAs')}>
      <span className="note">{t('score.markAs')}</span>
      {ROLES.map((role) => (
        <button
          key={role}
          type="button"
          className="button button-small"
          data-testid={`score-mark-${role}-${name}`}
          // The selection stays in the box.
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => mark(role)}
        >
          {t(`score.role.${role}`)}
        </button>
      ))}
      <button
        type="button"
        className="button button-small button-quiet"
        onPointerDown={(event) => event.preventDefault()}
        onClick={() => mark(null)}
      >
        {t('score.unmark')}
      </button>
      {spans.length > 0 && (
        <ul className="score-spans">
          {spans.map(({ from, to, role }) => (
            <li key={from} className="note">
              <b>{t(`score.role.${role}`)}</b> <q>{excerpt(text.slice(from, to))}</q>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

/** Characters of a span that are shown. */
const EXCERPT = 40

function excerpt(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > EXCERPT ? `${line.slice(0, EXCERPT / 2)}…${line.slice(-EXCERPT / 2)}` : line
}
