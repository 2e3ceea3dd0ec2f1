import type { StepInfo } from '../../../api/model.ts'
import { useSession, useSlowTokenLog, useTranslate } from '../../context.ts'
import { formatProbability } from '../../../maths/format.ts'
import { useStepList, useStepsState } from '../steps/hooks.ts'
import { roleName } from '../steps/describe.ts'
import { useBoard, useOpenings, useShapeWords } from './hooks.ts'
import { bank, core } from './River.tsx'
import { Word } from './Word.tsx'
import { useTokenName } from '../../components/useTokenName.ts'

/** A step outside the layers, by its name. */
function Chip({ step }: { step: StepInfo }) {
  const t = useTranslate()
  const list = useStepList()
  const shapeWords = useShapeWords()
  const openings = useOpenings()
  const current = useStepsState((state) => state.step)
  const says = t('map.node', {
    name: step.name,
    role: list.length > 0 ? roleName(t, list, step) : step.op,
    shape: shapeWords(step),
  })
  return (
    <button
      type="button"
      className="map-chip"
      data-testid="map-node"
      data-step={step.name}
      aria-current={step.name === current ? 'step' : undefined}
      aria-label={says}
      title={says}
      tabIndex={-1}
      onClick={() => openings.step(step.name)}
    >
      {step.name}
    </button>
  )
}

/** Where tokens become lists of numbers: the stream begins. `to`: its length, as a share of the longest. */
export function Beginning({ to }: { to: number }) {
  const t = useTranslate()
  const { picture, facts, next, line } = useBoard()
  const { firstSteps } = picture
  const start = firstSteps.at(-1)
  const word = facts?.words?.get(-1)
  const width = start?.axes.at(-1)?.size ?? 0
  const half = bank(to)
  return (
    <div className="map-line map-line-here map-beginning" role="group" aria-label={t('map.beginning')}>
      <span />
      <div className="map-left row">
        <span className="map-says">{t('map.embeds', { width })}</span>
        {firstSteps.map((step) => (
          <Chip key={step.name} step={step} />
        ))}
      </div>
      <svg
        className="map-river"
        viewBox={`0 0 100 ${line}`}
        preserveAspectRatio="none"
        aria-hidden="true"
        style={{ height: '100%' }}
      >
        <path
          className="map-bed"
          d={`M0,${line * 0.45} C${30 + half},${line * 0.45} ${50 + half},${line * 0.5} ${50 + half},${line} L${50 - half},${line} C${50 - half},${line * 0.62} 30,${line * 0.55} 0,${line * 0.55} Z`}
        />
      </svg>
      <span />
      <Word
        word={word}
        step={start?.name ?? ''}
        name={t('lens.embedding')}
        lit={next !== null && word?.top[0]?.id === next}
      />
    </div>
  )
}

/** How the token that is followed came, and its probability before it was drawn. */
function useOutcome() {
  const { picture, facts, next, inPlace } = useBoard()
  const { log } = useSession()
  useSlowTokenLog(200)
  const last = facts?.words?.get(picture.layers.at(-1)?.layer ?? -1)
  const writtenToken = log.tokens[(facts?.row ?? 0) + 1 - log.promptIds.length]
  const isDrawn = facts?.followed?.isGiven === true && !inPlace && writtenToken?.id === next
  const how = isDrawn
    ? 'map.drawn'
    : facts?.followed?.isGiven === false
      ? 'map.likeliest'
      : inPlace
        ? 'map.standsHere'
        : 'map.follows'
  return {
    last,
    how,
    probability: isDrawn ? Math.exp(writtenToken.logprob) : (last?.probability ?? null),
  } as const
}

/** The stream as it turns to the scores; `half` of its width at the top. */
const turn = (half: number): string =>
  `M${50 - half},0 C${50 - half},${12 + half * 0.9} ${64 - half / 2},${10 + half * 0.6} 100,${9 + half * 0.25} ` +
  `L100,${9 - half * 0.25} C${64 + half / 2},${9 - half * 0.25} ${50 + half},6 ${50 + half},0 Z`

/** Where the stream becomes a word: the last norm, a score for every token, the most probable ones, and the one that came. */
export function Ending({ from }: { from: number }) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const { picture, facts, next } = useBoard()
  const { last, how, probability } = useOutcome()
  const logits = picture.lastSteps.at(-1)
  const vocab = logits?.axes.at(-1)?.kind === 'vocabulary' ? (logits.axes.at(-1)?.size ?? 0) : 0
  const half = bank(from)
  const openings = useOpenings()
  const text = next === null ? null : nameToken(facts?.texts.get(next) ?? '', next)
  return (
    <div className="map-line map-line-here map-ending" role="group" aria-label={t('map.ending')}>
      <span />
      <div className="map-left row">
        {vocab > 0 && <span className="map-says">{t('map.scores', { count: vocab })}</span>}
        {picture.lastSteps.map((step) => (
          <Chip key={step.name} step={step} />
        ))}
      </div>
      <svg className="map-river" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
        <path className="map-bed" d={turn(half)} />
        {probability !== null && <path className="map-core" d={turn(half * core(probability))} />}
      </svg>
      <ol className="map-bars" aria-label={t('map.likely')}>
        {(last?.top ?? []).map(({ id, probability }) => (
          <li
            key={id}
            className={id === next ? 'map-bar map-bar-lit' : 'map-bar'}
            data-token-id={id}
            data-probability={probability}
          >
            <span className="map-bar-word">{nameToken(facts?.texts.get(id) ?? '', id)}</span>
            <span className="map-bar-length" style={{ '--share': probability }} />
            <span className="map-word-share numeric">{formatProbability(probability)}</span>
          </li>
        ))}
      </ol>
      <div className="map-outcome">
        {text !== null && probability !== null && (
          <button
            type="button"
            className="map-outcome-token"
            data-testid="map-node"
            data-step={logits?.name}
            data-token-id={next ?? undefined}
            data-probability={probability}
            tabIndex={-1}
            onClick={() => logits !== undefined && openings.step(logits.name)}
          >
            <span className="map-outcome-how">{t(how)}</span>
            <span className="map-outcome-word">{text}</span>
            <span className="map-outcome-share numeric">{formatProbability(probability)}</span>
          </button>
        )}
      </div>
    </div>
  )
}
