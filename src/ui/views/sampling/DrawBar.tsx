import { useMemo } from 'react'
import { segmentsOf, type Segment } from '../../../analysis/samplingStages.ts'
import { useTranslate } from '../../context.ts'
import { formatCount, formatFixed, formatProbability } from '../../../maths/format.ts'
import { Icon } from '../../components/Icon.tsx'
import { useExplorer, useExplorerState, type Workings } from './hooks.ts'
import { useTokenName } from '../../components/useTokenName.ts'

/** Tokens with an interval of their own. */
const SEGMENTS = 48
/** Share of the bar from which a name fits. */
const NAMED = 0.045
const TICKS = [0, 0.25, 0.5, 0.75, 1]

/** The draw: the distribution laid out from 0 to 1, and the random number that points into it. */
export function DrawBar(workings: Workings) {
  const { table, random, options, texts } = workings
  const t = useTranslate()
  const nameToken = useTokenName()
  const { sampled } = table
  const greedy = options.temperature === 0
  const segments = useMemo(() => segmentsOf(sampled, SEGMENTS), [sampled])
  const name = (id: number) => nameToken(texts.get(id) ?? '', id)
  const drawn = segments.find(({ id }) => id === sampled.chosen)
  return (
    <section className="draw" aria-label={t('sampler.draw')}>
      <div className="draw-head cluster">
        <h3 className="eyebrow">{t('sampler.draw')}</h3>
        <p
          className="draw-sentence"
          data-testid="sampler-drawn"
          data-token-id={sampled.chosen}
          data-random={greedy ? undefined : random}
          aria-live="polite"
        >
          {greedy
            ? t('sampler.greedySentence', { token: name(sampled.chosen) })
            : t('sampler.sentence', {
                random: formatFixed(random, 4),
                token: name(sampled.chosen),
                from: formatFixed(drawn?.from ?? 0, 4),
                to: formatFixed(drawn?.to ?? 1, 4),
              })}{' '}
          <Remark {...workings} />
        </p>
        <DrawButtons greedy={greedy} />
      </div>
      <div className="draw-bar" aria-hidden="true">
        {segments.map((segment) => (
          <IntervalBar
            key={segment.id ?? `rest ${segment.from}`}
            segment={segment}
            name={
              segment.id === null
                ? t('sampler.others', { count: formatCount(segment.count) })
                : name(segment.id)
            }
            drawn={segment.id === sampled.chosen}
          />
        ))}
        {!greedy && <span className="draw-mark" data-testid="sampler-mark" style={{ '--at': random }} />}
      </div>
      <div className="draw-axis numeric" aria-hidden="true">
        {TICKS.map((tick) => (
          <span key={tick} style={{ '--at': tick }}>
            {tick}
          </span>
        ))}
      </div>
    </section>
  )
}

function IntervalBar({ segment, name, drawn }: { segment: Segment; name: string; drawn: boolean }) {
  const { id, from, to } = segment
  const width = to - from
  return (
    <span
      className="draw-interval one-line"
      data-testid="sampler-interval"
      data-token-id={id ?? undefined}
      data-from={from}
      data-to={to}
      data-drawn={drawn}
      data-rest={id === null}
      style={{ '--share': width }}
      title={`${name} · ${formatProbability(width)}`}
    >
      {width >= NAMED && name}
    </span>
  )
}

/** Where the number comes from, and whether the run came to the same token by it. */
function Remark({ place, options, table }: Workings) {
  const t = useTranslate()
  const draws = useExplorerState((state) => state.draws)
  const moved = useExplorerState((state) => state.moved)
  if (options.temperature === 0) return null
  if (draws > 0) return <span className="note">{t('sampler.ownNumber', { count: formatCount(draws) })}</span>
  if (place.undrawn !== null) return <span className="note">{t(`sampler.undrawn.${place.undrawn}`)}</span>
  const same = table.sampled.chosen === place.token?.id
  const untouched = Object.keys(moved).length === 0
  if (untouched) return <span className="note">{t(same ? 'sampler.asRun' : 'sampler.otherRun')}</span>
  return <span className="note">{t(same ? 'sampler.sameToken' : 'sampler.otherToken')}</span>
}

function DrawButtons({ greedy }: { greedy: boolean }) {
  const t = useTranslate()
  const explorer = useExplorer()
  const untouched = useExplorerState((state) => Object.keys(state.moved).length === 0 && state.draws === 0)
  return (
    <span className="draw-buttons">
      <button
        type="button"
        className="button"
        data-testid="sampler-draw"
        disabled={greedy}
        onClick={() => explorer.draw(1)}
      >
        <Icon name="shuffle" />
        {t('sampler.drawAgain')}
      </button>
      <button
        type="button"
        className="button"
        data-testid="sampler-draw-many"
        disabled={greedy}
        onClick={() => explorer.draw(100)}
      >
        {t('sampler.drawMany')}
      </button>
      <button
        type="button"
        className="button button-quiet"
        data-testid="sampler-reset"
        disabled={untouched}
        onClick={() => explorer.reset()}
      >
        <Icon name="reset" />
        {t('sampler.reset')}
      </button>
    </span>
  )
}
