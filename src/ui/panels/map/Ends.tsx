import type { StepInfo } from '../../../api/model.ts'
import { visibleText } from '../../../store/characterGroups.ts'
import { useSession, useSlowTokenLog, useTranslate } from '../../context.ts'
import { formatProbability } from '../../../maths/format.ts'
import { useStepList, useStepsState } from '../steps/hooks.ts'
import { roleName, tokenName } from '../steps/words.ts'
import { useBoard, useOpenings, useShapeWords } from './hooks.ts'
import { bank } from './River.tsx'
import { Word } from './Word.tsx'

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
  const { before } = picture
  const start = before.at(-1)
  const word = facts?.words?.get(-1)
  const width = start?.axes.at(-1)?.size ?? 0
  const half = bank(to)
  return (
    <div className="map-line map-line-here map-beginning" role="group" aria-label={t('map.beginning')}>
      <span />
      <div className="map-left">
        <span className="map-says">{t('map.embeds', { width })}</span>
        {before.map((step) => (
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
          d={`M0,${line * 0.5 - 1} C40,${line * 0.5 - 1} ${50 - half},${line * 0.6} ${50 - half},${line} L${50 + half},${line} C${50 + half},${line * 0.2} 40,${line * 0.5 + 1} 0,${line * 0.5 + 1} Z`}
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

/** How the token behind the row came: its probability before it was drawn, where it was. */
function useOutcome() {
  const { facts, next } = useBoard()
  const session = useSession()
  const log = useSlowTokenLog(200)
  const row = facts?.row ?? 0
  const generated = log.tokens[row + 1 - session.log.promptIds.length]
  const last = facts?.words?.get(facts.layers.length - 1)
  const probability =
    next !== null && generated?.id === next ? Math.exp(generated.logprob) : (last?.probability ?? null)
  return { last, generated: generated !== undefined && generated.id === next, probability }
}

/** Where the stream becomes a word: the last norm, a score for every token, the most probable ones, and the one that came. */
export function Ending({ from }: { from: number }) {
  const t = useTranslate()
  const { picture, facts, next } = useBoard()
  const { last, generated, probability } = useOutcome()
  const logits = picture.after.at(-1)
  const vocab = logits?.axes.at(-1)?.kind === 'vocabulary' ? (logits.axes.at(-1)?.size ?? 0) : 0
  const half = bank(from)
  const openings = useOpenings()
  const text = next === null ? null : tokenName(t, facts?.texts.get(next) ?? '', next)
  return (
    <div className="map-line map-line-here map-ending" role="group" aria-label={t('map.ending')}>
      <span />
      <div className="map-left">
        {vocab > 0 && <span className="map-says">{t('map.scores', { count: vocab })}</span>}
        {picture.after.map((step) => (
          <Chip key={step.name} step={step} />
        ))}
      </div>
      <svg className="map-river" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
        <path
          className="map-bed"
          d={`M${50 - half},0 C${50 - half},60 70,46 100,46 L100,54 C80,54 ${50 + half},40 ${50 + half},0 Z`}
        />
      </svg>
      <ol className="map-bars" aria-label={t('map.likely')}>
        {(last?.top ?? []).map(({ id, probability }) => (
          <li
            key={id}
            className={id === next ? 'map-bar map-bar-lit' : 'map-bar'}
            data-token-id={id}
            data-probability={probability}
          >
            <span className="map-bar-word">{tokenName(t, facts?.texts.get(id) ?? '', id)}</span>
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
            <span className="map-outcome-how">
              {t(picture.seesLater ? 'map.standsHere' : generated ? 'map.drawn' : 'map.follows')}
            </span>
            <span className="map-outcome-word">{visibleText(text)}</span>
            <span className="map-outcome-share numeric">{formatProbability(probability)}</span>
          </button>
        )}
        {next === null && facts !== null && <span className="map-says">{t('map.noneYet')}</span>}
      </div>
    </div>
  )
}
