import { useMemo } from 'react'
import { segmentsOf, type Segment } from '../../../store/samplingLanes.ts'
import { useTranslate } from '../../context.ts'
import { formatCount, formatFixed, formatProbability } from '../../../maths/format.ts'
import { Icon } from '../../components/Icon.tsx'
import { tokenName } from '../steps/words.ts'
import { useBench, useBenchState, type Workings } from './hooks.ts'

/** Tokens with a stretch of their own. */
const SEGMENTS = 48
/** Share of the bar from which a name fits. */
const NAMED = 0.045
const TICKS = [0, 0.25, 0.5, 0.75, 1]

/** The draw: the distribution laid out from 0 to 1, and the random number that points into it. */
export function DrawBar(workings: Workings) {
  const { table, random, options, texts } = workings
  const t = useTranslate()
  const { stages } = table
  const greedy = options.temperature === 0
  const segments = useMemo(() => segmentsOf(stages, SEGMENTS), [stages])
  const name = (id: number) => tokenName(t, texts.get(id) ?? '', id)
  const drawn = segments.find(({ id }) => id === stages.chosen)
  return (
    <section className="draw" aria-label={t('bench.draw')}>
      <div className="draw-head">
        <h3 className="eyebrow">{t('bench.draw')}</h3>
        <p
          className="draw-sentence"
          data-testid="bench-drawn"
          data-token-id={stages.chosen}
          data-random={greedy ? undefined : random}
          aria-live="polite"
        >
          {greedy
            ? t('bench.greedySentence', { token: name(stages.chosen) })
            : t('bench.sentence', {
                random: formatFixed(random, 4),
                token: name(stages.chosen),
                from: formatFixed(drawn?.from ?? 0, 4),
                to: formatFixed(drawn?.to ?? 1, 4),
              })}{' '}
          <Remark {...workings} />
        </p>
        <DrawButtons greedy={greedy} />
      </div>
      <div className="draw-bar" aria-hidden="true">
        {segments.map((segment) => (
          <Stretch
            key={segment.id ?? `rest ${segment.from}`}
            segment={segment}
            name={
              segment.id === null
                ? t('bench.others', { count: formatCount(segment.count) })
                : name(segment.id)
            }
            drawn={segment.id === stages.chosen}
          />
        ))}
        {!greedy && <span className="draw-mark" data-testid="bench-mark" style={{ '--at': random }} />}
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

function Stretch({ segment, name, drawn }: { segment: Segment; name: string; drawn: boolean }) {
  const { id, from, to } = segment
  const width = to - from
  return (
    <span
      className="draw-stretch"
      data-testid="bench-stretch"
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
  const draws = useBenchState((state) => state.draws)
  const moved = useBenchState((state) => state.moved)
  if (options.temperature === 0) return null
  if (draws > 0) return <span className="note">{t('bench.ownNumber', { count: formatCount(draws) })}</span>
  if (place.undrawn !== null) return <span className="note">{t(`bench.undrawn.${place.undrawn}`)}</span>
  const same = table.stages.chosen === place.token?.id
  const untouched = Object.keys(moved).length === 0
  if (untouched) return <span className="note">{t(same ? 'bench.asRun' : 'bench.otherRun')}</span>
  return <span className="note">{t(same ? 'bench.sameToken' : 'bench.otherToken')}</span>
}

function DrawButtons({ greedy }: { greedy: boolean }) {
  const t = useTranslate()
  const bench = useBench()
  const untouched = useBenchState((state) => Object.keys(state.moved).length === 0 && state.draws === 0)
  return (
    <span className="draw-buttons">
      <button
        type="button"
        className="button"
        data-testid="bench-draw"
        disabled={greedy}
        onClick={() => bench.draw(1)}
      >
        <Icon name="shuffle" />
        {t('bench.drawAgain')}
      </button>
      <button
        type="button"
        className="button"
        data-testid="bench-draw-many"
        disabled={greedy}
        onClick={() => bench.draw(100)}
      >
        {t('bench.drawMany')}
      </button>
      <button
        type="button"
        className="button button-quiet"
        data-testid="bench-reset"
        disabled={untouched}
        onClick={() => bench.reset()}
      >
        <Icon name="reset" />
        {t('bench.reset')}
      </button>
    </span>
  )
}
