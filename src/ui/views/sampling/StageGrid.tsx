import { memo, useMemo } from 'react'
import { answeringModel, isRunning, remoteOf } from '../../../state/app.ts'
import { SETTING_KEYS } from '../../../state/hash.ts'
import { continueWith, type ExplorerSetting } from './store.ts'
import {
  countDraws,
  STAGES,
  type Stage,
  type ShownStageName,
  type StageRow,
} from '../../../analysis/samplingStages.ts'
import { clampSetting, SETTING_RANGES } from '../../../state/settings.ts'
import { Icon } from '../../components/Icon.tsx'
import { SliderField } from '../../components/SliderField.tsx'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { formatCount, formatFixed, formatProbability } from '../../../maths/format.ts'
import { useExplorer, useExplorerState, type Workings } from './hooks.ts'
import { useTokenName } from '../../components/useTokenName.ts'

/** The setting that a stage obeys. */
const SETTING_OF: Readonly<Record<Exclude<ShownStageName, 'raw'>, ExplorerSetting>> = {
  penalty: 'repetitionPenalty',
  temperature: 'temperature',
  'top-k': 'topK',
  'top-p': 'topP',
  'min-p': 'minP',
}

/** Candidates down, stages across: what a stage cuts stays, greyed. */
export function StageGrid({ place, options, table, texts }: Workings) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const draws = useExplorerState((state) => state.draws)
  const drawn = useMemo(
    () => (draws === 0 ? null : countDraws(table.sampled, options.seed, draws)),
    [table.sampled, options.seed, draws],
  )
  // One scale for all stages, so that bars compare across them.
  const longest = Math.max(...table.rows.flatMap(({ shares }) => shares.map((share) => share ?? 0)))
  const shownDraws = table.rows.reduce((sum, { id }) => sum + (drawn?.get(id) ?? 0), 0)
  const choose = useContinue(place)
  const shown = useShownStages(table.stages)
  return (
    <div className="sampler-scroll" role="region" tabIndex={0} aria-label={t('sampler.stages')}>
      <table className="sampler-table">
        <StageHeads stages={table.stages} shown={shown} draws={draws} />
        <tbody>
          {table.rows.map((row) => (
            <CandidateLine
              key={row.id}
              row={row}
              shown={shown}
              name={nameToken(texts.get(row.id) ?? '', row.id)}
              longest={longest}
              drawn={row.id === table.sampled.chosen}
              written={row.id === place.token?.id}
              count={drawn === null ? null : (drawn.get(row.id) ?? 0)}
              draws={draws}
              onContinue={choose}
            />
          ))}
          <RestLine rest={table.rest} shown={shown} count={drawn === null ? null : draws - shownDraws} />
        </tbody>
      </table>
    </div>
  )
}

/** Stages a lesson speaks of. */
const IN_LESSONS: readonly ShownStageName[] = ['raw', 'temperature', 'top-k', 'top-p']

/** Indices of the stages on show: beside a lesson there is no room for those that do nothing and that it does not speak of. */
function useShownStages(stages: readonly Stage[]): readonly number[] {
  const isLesson = useApp((state) => state.lesson !== null)
  const key = stages
    .flatMap(({ name, active }, at) => (!isLesson || active || IN_LESSONS.includes(name) ? [at] : []))
    .join(' ')
  // The same array while the same are shown: lines that have not changed are not rendered again.
  return useMemo(() => key.split(' ').map(Number), [key])
}

/** Digits by which the ends of an interval differ. */
const MAX_INTERVAL_DIGITS = 6
const intervalDigits = (width: number): number =>
  Math.min(MAX_INTERVAL_DIGITS, Math.max(3, 1 + Math.ceil(-Math.log10(Math.max(width, 1e-9)))))

function formatInterval([from, to]: readonly [number, number]): string {
  const digits = intervalDigits(to - from)
  return `${formatFixed(from, digits)}–${formatFixed(to, digits)}`
}

/** Continuing needs a model that answers and a page at rest; null while it cannot be done. */
function useContinue(place: Workings['place']): ((id: number) => void) | null {
  const session = useSession()
  const ready = useApp(
    (state) =>
      answeringModel(state.model) !== null &&
      !isRunning(state.run) &&
      typeof remoteOf(state)?.capabilities['fork'] !== 'string',
  )
  return useMemo(
    () =>
      ready
        ? (id: number) => {
            continueWith(session, place, id).catch((error: unknown) => session.report(error))
          }
        : null,
    [session, place, ready],
  )
}

interface HeadsProps {
  stages: readonly Stage[]
  shown: readonly number[]
  draws: number
}

function StageHeads({ stages: all, shown, draws }: HeadsProps) {
  const t = useTranslate()
  const stages = shown.flatMap((at) => all[at] ?? [])
  const facts: {
    label: string
    name: string
    of: (stage: Stage) => string
    value: (stage: Stage) => number
  }[] = [
    {
      label: t('sampler.kept'),
      name: 'kept',
      of: ({ kept }) => formatCount(kept),
      value: ({ kept }) => kept,
    },
    {
      label: t('sampler.mass'),
      name: 'mass',
      of: ({ mass }) => formatProbability(mass),
      value: ({ mass }) => mass,
    },
    {
      label: t('sampler.entropy'),
      name: 'entropy',
      of: ({ entropyBits }) => (Number.isNaN(entropyBits) ? '—' : `${formatFixed(entropyBits, 2)} bit`),
      value: ({ entropyBits }) => entropyBits,
    },
  ]
  return (
    <thead>
      <tr className="sampler-stages">
        <td className="sampler-name" />
        {draws > 0 && <th scope="col">{t('sampler.draws', { count: formatCount(draws) })}</th>}
        <th scope="col">{t('sampler.logit')}</th>
        {stages.map((stage) => (
          <th key={stage.name} scope="col" data-active={stage.active || stage.name === 'raw'}>
            {stage.name === 'raw' ? t('sampler.stage.raw') : <StageSlider name={stage.name} />}
          </th>
        ))}
        <th scope="col">{t('sampler.interval')}</th>
        <td />
      </tr>
      {facts.map(({ label, name, of, value }) => (
        <tr key={name} className="sampler-facts">
          <th scope="row" className="sampler-name">
            {label}
          </th>
          <td colSpan={draws > 0 ? 2 : 1} />
          {stages.map((stage) => (
            <td
              key={stage.name}
              data-testid={`sampler-${name}`}
              data-stage={stage.name}
              data-value={value(stage)}
            >
              {of(stage)}
            </td>
          ))}
          <td colSpan={2} />
        </tr>
      ))}
    </thead>
  )
}

function StageSlider({ name }: { name: Exclude<ShownStageName, 'raw'> }) {
  const t = useTranslate()
  const explorer = useExplorer()
  const setting = SETTING_OF[name]
  const value = useExplorerState((state) => state.moved[setting] ?? state.place?.settings[setting] ?? 0)
  const range = SETTING_RANGES[setting]
  const label = t(`sampler.stage.${name}`)
  const remark = setting === 'temperature' && value === 0 ? 'greedy' : value === range.off ? 'off' : null
  return (
    <SliderField
      label={label}
      sliderLabel={t('setting.slider', { name: label })}
      hint={t(`setting.hint.${setting}`)}
      testId={`sampler-${SETTING_KEYS[setting]}`}
      value={value}
      {...range}
      remark={remark === null ? null : t(`setting.${remark}`)}
      onChange={(next) => {
        const allowed = clampSetting(setting, next)
        if (allowed !== null) explorer.move(setting, allowed)
      }}
    />
  )
}

interface LineProps {
  row: StageRow
  /** Indices of the stages on show. */
  shown: readonly number[]
  name: string
  longest: number
  drawn: boolean
  written: boolean
  /** Null while nothing has been drawn here. */
  count: number | null
  draws: number
  onContinue: ((id: number) => void) | null
}

const CandidateLine = memo(function CandidateLine(props: LineProps) {
  const { row, shown, name, longest, drawn, written, count, draws, onContinue } = props
  const t = useTranslate()
  const { id, logit, score, seen, shares, cutAt, interval } = row
  const role = drawn ? t('sampler.isDrawn') : written ? t('sampler.isWritten') : null
  return (
    <tr
      className="sampler-row"
      data-testid="sampler-row"
      data-token-id={id}
      data-cut={cutAt === null ? undefined : STAGES[cutAt]}
      data-drawn={drawn}
      data-written={written}
    >
      <th scope="row" className="sampler-name" title={`${name} · id ${id}`}>
        {name}
        {role !== null && <span className="visually-hidden"> ({role})</span>}
      </th>
      {count !== null && (
        <td
          className="sampler-share sampler-count"
          style={{ '--share': count / draws / longest }}
          data-testid="sampler-count"
          data-value={count}
        >
          {formatCount(count)}
        </td>
      )}
      <td className="sampler-logit" title={seen ? t('sampler.seen') : undefined}>
        {formatFixed(logit, 2)}
        {score !== logit && <span className="sampler-penalised">→ {formatFixed(score, 2)}</span>}
      </td>
      {shown.map((stage) => (
        <ShareCell key={stage} stage={stage} share={shares[stage] ?? null} {...{ longest, cutAt }} />
      ))}
      <td className="sampler-interval">{interval !== null && formatInterval(interval)}</td>
      <td className="sampler-go">
        {!written && (
          <button
            type="button"
            className="button button-icon"
            aria-label={t('sampler.continue', { token: name })}
            title={t('sampler.continue', { token: name })}
            data-testid="sampler-continue"
            disabled={onContinue === null}
            onClick={() => onContinue?.(id)}
          >
            <Icon name="forward" />
          </button>
        )}
      </td>
    </tr>
  )
})

interface ShareCellProps extends Pick<LineProps, 'longest'> {
  stage: number
  /** Null where a stage before it has cut the candidate. */
  share: number | null
  cutAt: number | null
}

function ShareCell({ stage, share, longest, cutAt }: ShareCellProps) {
  const t = useTranslate()
  return (
    <td
      className="sampler-share"
      data-testid="sampler-share"
      data-stage={STAGES[stage]}
      data-value={share ?? undefined}
      style={{ '--share': (share ?? 0) / longest }}
    >
      {share !== null ? formatProbability(share) : stage === cutAt ? t('sampler.cut') : '·'}
    </td>
  )
}

interface RestProps {
  rest: Workings['table']['rest']
  shown: readonly number[]
  count: number | null
}

function RestLine({ rest, shown, count }: RestProps) {
  const t = useTranslate()
  const far = useApp(remoteOf)
  if (rest.count === 0) return null
  return (
    <tr className="sampler-rest" data-testid="sampler-rest">
      <th scope="row" className="sampler-name">
        {far ? t('far.notSent') : t('sampler.others', { count: formatCount(rest.count) })}
      </th>
      {count !== null && <td>{formatCount(count)}</td>}
      <td />
      {shown.map((stage) => (
        <td key={stage} data-stage={STAGES[stage]} data-value={rest.shares[stage]}>
          {(rest.shares[stage] ?? 0) < 1e-12 ? '' : formatProbability(rest.shares[stage] ?? 0)}
        </td>
      ))}
      <td colSpan={2} />
    </tr>
  )
}
