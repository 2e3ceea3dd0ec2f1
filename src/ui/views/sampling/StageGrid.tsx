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
import { tokenName } from '../../components/labels.ts'
import { useExplorer, useExplorerState, type Workings } from './hooks.ts'

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
  const draws = useExplorerState((state) => state.draws)
  const drawn = useMemo(
    () => (draws === 0 ? null : countDraws(table.sampled, options.seed, draws)),
    [table.sampled, options.seed, draws],
  )
  // One scale for all stages, so that bars compare across them.
  const longest = Math.max(...table.rows.flatMap(({ shares }) => shares.map((share) => share ?? 0)))
  const shownDraws = table.rows.reduce((sum, { id }) => sum + (drawn?.get(id) ?? 0), 0)
  const choose = useContinue(place)
  return (
    <div className="sampler-scroll" role="region" tabIndex={0} aria-label={t('sampler.stages')}>
      <table className="sampler-table">
        <StageHeads stages={table.stages} draws={draws} />
        <tbody>
          {table.rows.map((row) => (
            <CandidateLine
              key={row.id}
              row={row}
              name={tokenName(t, texts.get(row.id) ?? '', row.id)}
              longest={longest}
              drawn={row.id === table.sampled.chosen}
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

function StageHeads({ stages, draws }: { stages: readonly Stage[]; draws: number }) {
  const t = useTranslate()
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
        <th scope="col">{t('sampler.logit')}</th>
        {stages.map((stage) => (
          <th key={stage.name} scope="col" data-active={stage.active || stage.name === 'raw'}>
            {stage.name === 'raw' ? t('sampler.stage.raw') : <StageSlider name={stage.name} />}
          </th>
        ))}
        <th scope="col">{t('sampler.interval')}</th>
        {draws > 0 && <th scope="col">{t('sampler.draws', { count: formatCount(draws) })}</th>}
        <td />
      </tr>
      {facts.map(({ label, name, of, value }) => (
        <tr key={name} className="sampler-facts">
          <th scope="row" className="sampler-name" colSpan={2}>
            {label}
          </th>
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
          <td colSpan={draws > 0 ? 3 : 2} />
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
      <td className="sampler-logit" title={seen ? t('sampler.seen') : undefined}>
        {formatFixed(logit, 2)}
        {score !== logit && <span className="sampler-penalised">→ {formatFixed(score, 2)}</span>}
      </td>
      {shares.map((share, stage) => (
        <td
          key={STAGES[stage]}
          className="sampler-share"
          data-testid="sampler-share"
          data-stage={STAGES[stage]}
          data-value={share ?? undefined}
          style={{ '--share': (share ?? 0) / longest }}
        >
          {share !== null ? formatProbability(share) : stage === cutAt ? t('sampler.cut') : '·'}
        </td>
      ))}
      <td className="sampler-interval">
        {interval !== null && `${formatFixed(interval[0], 3)}–${formatFixed(interval[1], 3)}`}
      </td>
      {count !== null && (
        <td
          className="sampler-share"
          style={{ '--share': count / draws / longest }}
          data-testid="sampler-count"
          data-value={count}
        >
          {formatCount(count)}
        </td>
      )}
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

function RestLine({ rest, count }: { rest: Workings['table']['rest']; count: number | null }) {
  const t = useTranslate()
  const far = useApp(remoteOf)
  if (rest.count === 0) return null
  return (
    <tr className="sampler-rest" data-testid="sampler-rest">
      <th scope="row" className="sampler-name" colSpan={2}>
        {far ? t('far.notSent') : t('sampler.others', { count: formatCount(rest.count) })}
      </th>
      {rest.shares.map((share, stage) => (
        <td key={STAGES[stage]} data-stage={STAGES[stage]} data-value={share}>
          {share < 1e-12 ? '' : formatProbability(share)}
        </td>
      ))}
      <td />
      {count !== null && <td>{formatCount(count)}</td>}
      <td />
    </tr>
  )
}
