import { ErrorNotice } from '../../components/ErrorNotice.tsx'
import type { DragEvent } from 'react'
import { isUnderWay } from './store/runState.ts'
import type { BadLine } from './store/parseData.ts'
import { settingsOfSet } from './store/settings.ts'
import type { BuiltInSet } from './store/sets.ts'
import { formatCount } from '../../../maths/format.ts'
import { Icon } from '../../components/Icon.tsx'
import { useTranslate } from '../../context.ts'
import { SettingsPanel } from './SettingsPanel.tsx'
import { useData, useRun, useTraining } from './hooks.ts'
import { setNote, setTitle } from './setWords.ts'

/** What is learned from, and how. */
export function TrainSetup() {
  return (
    <div className="train-setup">
      <Sets />
      <OwnData />
      <ParseReport />
      <SettingsPanel />
    </div>
  )
}

/** The data sets that come with the page. */
function Sets() {
  const t = useTranslate()
  const sets = useData((state) => state.sets)
  if (sets === null || sets.length === 0) return null
  return (
    <section className="train-part">
      <h3 className="eyebrow">{t('train.sets')}</h3>
      <ul className="train-sets">
        {sets.map((set) => (
          <SetChoice key={set.name} set={set} />
        ))}
      </ul>
    </section>
  )
}

function SetChoice({ set }: { set: BuiltInSet }) {
  const t = useTranslate()
  const { data, run } = useTraining()
  const chosen = useData((state) => state.set === set.name)
  const underWay = useRun((state) => isUnderWay(state.phase))
  const open = () => {
    if (!underWay) run.setUp(settingsOfSet(set.settings, set.adapter, set.heldOut))
    void data.openSet(set)
  }
  return (
    <li>
      <button
        type="button"
        className="train-set"
        data-testid={`train-set-${set.name}`}
        aria-pressed={chosen}
        disabled={underWay}
        onClick={open}
      >
        <strong>{setTitle(t, set.name)}</strong>
        <span className="note">{setNote(t, set.name)}</span>
      </button>
    </li>
  )
}

/** Text pasted, typed, dropped or opened. */
function OwnData() {
  const t = useTranslate()
  const { data } = useTraining()
  const text = useData((state) => state.text)
  const underWay = useRun((state) => isUnderWay(state.phase))
  const drop = (event: DragEvent) => {
    const [file] = event.dataTransfer.files
    if (file === undefined || underWay) return
    event.preventDefault()
    // The page would take it for a model.
    event.stopPropagation()
    void data.openFile(file)
  }
  return (
    <section className="train-part" onDragOver={(event) => event.stopPropagation()} onDrop={drop}>
      <label className="eyebrow" htmlFor="train-text">
        {t('train.own')}
      </label>
      <textarea
        id="train-text"
        className="train-text"
        data-testid="train-data"
        rows={6}
        spellCheck={false}
        placeholder={t('train.placeholder')}
        readOnly={underWay}
        value={text}
        onDragOver={(event) => event.preventDefault()}
        onChange={(event) => data.type(event.currentTarget.value)}
      />
      <label className="button button-file" data-disabled={underWay}>
        <Icon name="open" />
        {t('train.open')}
        <input
          type="file"
          className="visually-hidden"
          data-testid="train-drop"
          accept=".jsonl,.ndjson,.json,.csv,.tsv,.txt,.md"
          disabled={underWay}
          onChange={(event) => {
            const [file] = event.currentTarget.files ?? []
            if (file !== undefined) void data.openFile(file)
            event.currentTarget.value = ''
          }}
        />
      </label>
    </section>
  )
}

/** Bad lines that are named; more are counted. */
const NAMED = 20

/** How the text was read, and every line that could not be. */
function ParseReport() {
  const t = useTranslate()
  const phase = useData((state) => state.phase)
  const parsed = useData((state) => state.parsed)
  const layout = useData((state) => state.layout)
  const bad = useData((state) => state.bad)
  const count = useData((state) => state.examples.length)
  if (phase.kind === 'failed') return <ErrorNotice error={phase.error} />
  if (parsed === null) return null
  const { format, columns, kinds } = parsed
  return (
    <section className="train-part" data-testid="train-reading" data-state={phase.kind} data-format={format}>
      <p className="note">
        {t(`train.format.${format}`)}
        {columns.length > 0 && ` · ${t('train.columns', { columns: columns.join(', ') })}`}
        {' · '}
        {phase.kind === 'reading' ? t('train.reading') : t('train.count', { count: formatCount(count) })}
      </p>
      {kinds.includes('triplet') && <p className="note">{t(`train.layout.${layout}`)}</p>}
      {(kinds.includes('preference') || kinds.includes('chats')) && (
        <p className="note">{t('train.preferences')}</p>
      )}
      {(kinds.includes('messages') || kinds.includes('chats')) && (
        <p className="note">{t('train.layout.chat')}</p>
      )}
      {bad.length > 0 && (
        <details className="train-bad" open>
          <summary data-testid="train-bad" data-count={bad.length}>
            {t('train.bad', { count: formatCount(bad.length) })}
          </summary>
          <ul>
            {bad.slice(0, NAMED).map((one, at) => (
              <BadLineItem key={at} bad={one} />
            ))}
          </ul>
          {bad.length > NAMED && (
            <p className="note">{t('train.badMore', { count: formatCount(bad.length - NAMED) })}</p>
          )}
        </details>
      )}
    </section>
  )
}

function BadLineItem({ bad: { line, problem } }: { bad: BadLine }) {
  const t = useTranslate()
  return (
    <li className="note" data-testid="train-bad-line" data-line={line}>
      {t('train.badLine', { line: formatCount(line) })} {t(`train.problem.${problem.kind}`, problem.values)}
    </li>
  )
}
