import { memo, useMemo } from 'react'
import { answeringModel, isRunning } from '../../../store/app.ts'
import { SETTING_KEYS } from '../../../store/hash.ts'
import { continueWith, type BenchSetting } from '../../../store/samplingBench.ts'
import { countDraws, LANES, type Lane, type LaneName, type LaneRow } from '../../../store/samplingLanes.ts'
import { clampSetting, SETTING_RANGES } from '../../../store/settings.ts'
import { Icon } from '../../components/Icon.tsx'
import { SliderField } from '../../components/SliderField.tsx'
import { useApp, useSession, useTranslate } from '../../context.ts'
import { formatCount, formatFixed, formatProbability } from '../../../maths/format.ts'
import { tokenName } from '../steps/words.ts'
import { useBench, useBenchState, type Workings } from './hooks.ts'

/** The setting that a lane obeys. */
const SETTING_OF: Readonly<Record<Exclude<LaneName, 'raw'>, BenchSetting>> = {
  penalty: 'repetitionPenalty',
  temperature: 'temperature',
  'top-k': 'topK',
  'top-p': 'topP',
  'min-p': 'minP',
}

/** Candidates down, stages across: what a stage cuts stays, greyed. */
export function LaneGrid({ place, options, table, texts }: Workings) {
  const t = useTranslate()
  const draws = useBenchState((state) => state.draws)
  const drawn = useMemo(
    () => (draws === 0 ? null : countDraws(table.stages, options.seed, draws)),
    [table.stages, options.seed, draws],
  )
  // One scale for all lanes, so that bars compare across them.
  const longest = Math.max(...table.rows.flatMap(({ shares }) => shares.map((share) => share ?? 0)))
  const shownDraws = table.rows.reduce((sum, { id }) => sum + (drawn?.get(id) ?? 0), 0)
  const choose = useContinue(place)
  return (
    <div className="bench-scroll" role="region" tabIndex={0} aria-label={t('bench.lanes')}>
      <table className="bench-table">
        <LaneHeads lanes={table.lanes} draws={draws} />
        <tbody>
          {table.rows.map((row) => (
            <CandidateLine
              key={row.id}
              row={row}
              name={tokenName(t, texts.get(row.id) ?? '', row.id)}
              longest={longest}
              drawn={row.id === table.stages.chosen}
              written={row.id === place.token?.id}
              count={drawn === null ? null : (drawn.get(row.id) ?? 0)}
              draws={draws}
              onContinue={choose}
            />
          ))}
          <RestLine rest={table.rest} count={drawn === null ? null : draws - shownDraws} />
        </tbody>
      </table>
    </div>
  )
}

/** Continuing needs a model that answers and a page at rest; null while it cannot be done. */
function useContinue(place: Workings['place']): ((id: number) => void) | null {
  const session = useSession()
  const ready = useApp((state) => answeringModel(state.model) !== null && !isRunning(state.run))
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

function LaneHeads({ lanes, draws }: { lanes: readonly Lane[]; draws: number }) {
  const t = useTranslate()
  const facts: { label: string; name: string; of: (lane: Lane) => string; value: (lane: Lane) => number }[] =
    [
      {
        label: t('bench.kept'),
        name: 'kept',
        of: ({ kept }) => formatCount(kept),
        value: ({ kept }) => kept,
      },
      {
        label: t('bench.mass'),
        name: 'mass',
        of: ({ mass }) => formatProbability(mass),
        value: ({ mass }) => mass,
      },
      {
        label: t('bench.entropy'),
        name: 'entropy',
        of: ({ entropyBits }) => `${formatFixed(entropyBits, 2)} bit`,
        value: ({ entropyBits }) => entropyBits,
      },
    ]
  return (
    <thead>
      <tr className="bench-stages">
        <td className="bench-name" />
        <th scope="col">{t('bench.logit')}</th>
        {lanes.map((lane) => (
          <th key={lane.name} scope="col" data-active={lane.active || lane.name === 'raw'}>
            {lane.name === 'raw' ? t('bench.lane.raw') : <LaneSlider name={lane.name} />}
          </th>
        ))}
        <th scope="col">{t('bench.stretch')}</th>
        {draws > 0 && <th scope="col">{t('bench.draws', { count: formatCount(draws) })}</th>}
        <td />
      </tr>
      {facts.map(({ label, name, of, value }) => (
        <tr key={name} className="bench-facts">
          <th scope="row" className="bench-name" colSpan={2}>
            {label}
          </th>
          {lanes.map((lane) => (
            <td key={lane.name} data-testid={`bench-${name}`} data-lane={lane.name} data-value={value(lane)}>
              {of(lane)}
            </td>
          ))}
          <td colSpan={draws > 0 ? 3 : 2} />
        </tr>
      ))}
    </thead>
  )
}

function LaneSlider({ name }: { name: Exclude<LaneName, 'raw'> }) {
  const t = useTranslate()
  const bench = useBench()
  const setting = SETTING_OF[name]
  const value = useBenchState((state) => state.moved[setting] ?? state.place?.settings[setting] ?? 0)
  const range = SETTING_RANGES[setting]
  const label = t(`bench.lane.${name}`)
  const remark = setting === 'temperature' && value === 0 ? 'greedy' : value === range.off ? 'off' : null
  return (
    <SliderField
      label={label}
      sliderLabel={t('setting.slider', { name: label })}
      hint={t(`setting.hint.${setting}`)}
      testId={`bench-${SETTING_KEYS[setting]}`}
      value={value}
      {...range}
      remark={remark === null ? null : t(`setting.${remark}`)}
      onChange={(next) => {
        const allowed = clampSetting(setting, next)
        if (allowed !== null) bench.move(setting, allowed)
      }}
    />
  )
}

interface LineProps {
  row: LaneRow
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
  const { row, name, longest, drawn, written, count, draws, onContinue } = props
  const t = useTranslate()
  const { id, logit, score, seen, shares, cutAt, stretch } = row
  const role = drawn ? t('bench.isDrawn') : written ? t('bench.isWritten') : null
  return (
    <tr
      className="bench-row"
      data-testid="bench-row"
      data-token-id={id}
      data-cut={cutAt === null ? undefined : LANES[cutAt]}
      data-drawn={drawn}
      data-written={written}
    >
      <th scope="row" className="bench-name" title={`${name} · id ${id}`}>
        {name}
        {role !== null && <span className="visually-hidden"> ({role})</span>}
      </th>
      <td className="bench-logit" title={seen ? t('bench.seen') : undefined}>
        {formatFixed(logit, 2)}
        {score !== logit && <span className="bench-penalised">→ {formatFixed(score, 2)}</span>}
      </td>
      {shares.map((share, lane) => (
        <td
          key={LANES[lane]}
          className="bench-share"
          data-testid="bench-share"
          data-lane={LANES[lane]}
          data-value={share ?? undefined}
          style={{ '--share': (share ?? 0) / longest }}
        >
          {share !== null ? formatProbability(share) : lane === cutAt ? t('bench.cut') : '·'}
        </td>
      ))}
      <td className="bench-stretch">
        {stretch !== null && `${formatFixed(stretch[0], 3)}–${formatFixed(stretch[1], 3)}`}
      </td>
      {count !== null && (
        <td
          className="bench-share"
          style={{ '--share': count / draws / longest }}
          data-testid="bench-count"
          data-value={count}
        >
          {formatCount(count)}
        </td>
      )}
      <td className="bench-go">
        {!written && (
          <button
            type="button"
            className="button button-icon"
            aria-label={t('bench.continue', { token: name })}
            title={t('bench.continue', { token: name })}
            data-testid="bench-continue"
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

function RestLine({ rest, count }: { rest: Workings['table']['rest']; count: number | null }) {
  const t = useTranslate()
  if (rest.count === 0) return null
  return (
    <tr className="bench-rest" data-testid="bench-rest">
      <th scope="row" className="bench-name" colSpan={2}>
        {t('bench.others', { count: formatCount(rest.count) })}
      </th>
      {rest.shares.map((share, lane) => (
        <td key={LANES[lane]} data-lane={LANES[lane]} data-value={share}>
          {share < 1e-12 ? '' : formatProbability(share)}
        </td>
      ))}
      <td />
      {count !== null && <td>{formatCount(count)}</td>}
      <td />
    </tr>
  )
}
