import { useState } from 'react'
import { useStore } from 'zustand'
import { formatCount } from '../../../maths/format.ts'
import { pastRunsOf, type PastRun } from './pastRuns.ts'
import { Icon } from '../../components/Icon.tsx'
import { useApp, useSession, useSlowTokenLog, useTranslate } from '../../context.ts'
import { useScalesText } from '../../components/useScales.ts'
import { CopyButton, SaveButton } from './TextTools.tsx'

/** Runs in sight before a person asks for the rest. */
const FIRST = 8

/** The texts written in this tab, newest first: a click brings one back with everything it was written under. */
export function PastRuns() {
  const past = pastRunsOf(useSession())
  const t = useTranslate()
  const runs = useStore(past.state, (state) => state.runs)
  const [all, setAll] = useState(false)
  if (runs.length === 0) return null
  const hidden = all ? 0 : Math.max(0, runs.length - FIRST)
  return (
    <section className="past-runs" aria-labelledby="past-runs" data-testid="past-runs">
      <div className="past-runs-head row">
        <h3 className="eyebrow" id="past-runs">
          {t('runs.title')} <span className="numeric">{runs.length}</span>
        </h3>
        <button
          type="button"
          className="button button-quiet button-small"
          data-testid="past-runs-clear"
          onClick={() => past.clear()}
        >
          {t('runs.clear')}
        </button>
      </div>
      <ul>
        {runs.slice(0, runs.length - hidden).map((run) => (
          <Run key={run.id} run={run} />
        ))}
      </ul>
      {hidden > 0 && (
        <button type="button" className="button button-quiet button-small" onClick={() => setAll(true)}>
          {t('runs.more', { count: hidden })}
        </button>
      )}
    </section>
  )
}

function Run({ run }: { run: PastRun }) {
  const session = useSession()
  const past = pastRunsOf(session)
  const t = useTranslate()
  const shown = useIsShown(run)
  const { log, prompt } = run
  if (log === null) return null
  const written = log.tokens.map(({ text }) => text).join('')
  return (
    <li className="past-run" data-testid="past-run" aria-current={shown}>
      <button
        type="button"
        className="past-run-text"
        data-testid="past-run-restore"
        aria-label={t('runs.restore', { text: `${prompt}${written}`.slice(0, 80) })}
        title={t('runs.restoreHint')}
        onClick={() => {
          past.restore(run).catch((error: unknown) => session.report(error))
        }}
      >
        <span className="past-run-prompt">{ending(prompt)}</span>
        {written.trim() === '' ? `⟨${t('output.end')}⟩` : written}
      </button>
      <RunFacts run={run} />
      <span className="past-run-tools">
        <CopyButton text={log} />
        <SaveButton text={log} />
        <button
          type="button"
          className="button button-icon"
          aria-label={t('runs.remove')}
          title={t('runs.remove')}
          onClick={() => past.remove(run.id)}
        >
          <Icon name="close" />
        </button>
      </span>
    </li>
  )
}

/** When, how much, and under what. */
function RunFacts({ run }: { run: PastRun }) {
  const t = useTranslate()
  const scales = useScalesText()
  const language = useApp((state) => state.language)
  const model = useApp((state) => ('info' in state.model ? state.model.info?.id : undefined))
  const { at, log, settings, spans, edits } = run
  const time = new Date(at)
  const [first, ...others] = spans
  const parts = [
    time.toLocaleTimeString(language, { hour: '2-digit', minute: '2-digit' }),
    t('output.count', { count: formatCount(log?.tokens.length ?? 0) }),
    t('runs.settings', { temperature: settings.temperature, seed: settings.seed }),
    ...(first === undefined ? [] : [scales(first.scales) + (others.length > 0 ? ' …' : '')]),
    ...(edits.length === 0 ? [] : [t('runs.edits', { count: edits.length })]),
    ...(log === null || log.modelId === model ? [] : [log.modelId]),
  ]
  return (
    <p className="note numeric past-run-facts" title={time.toLocaleString(language)}>
      {parts.join(' · ')}
    </p>
  )
}

/** Characters of a prompt that are shown: its end, which the text goes on from. */
const PROMPT_SHOWN = 28

const ending = (prompt: string): string =>
  prompt.length <= PROMPT_SHOWN ? prompt : `…${prompt.slice(-PROMPT_SHOWN)}`

/** True for the run whose text stands on the page. */
function useIsShown({ log }: PastRun): boolean {
  const { tokens, promptIds } = useSlowTokenLog(250)
  return (
    log !== null &&
    tokens.length === log.tokens.length &&
    promptIds.length === log.promptIds.length &&
    promptIds.every((id, at) => id === log.promptIds[at]) &&
    tokens.every(({ id }, at) => id === log.tokens[at]?.id)
  )
}
