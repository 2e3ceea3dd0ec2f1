import { memo, useCallback, useEffect, useRef, type KeyboardEvent } from 'react'
import type { AttentionMap, ChosenHead, HeadSummary } from '../../../store/attention.ts'
import { labelOf, SCORE_NAMES } from '../../../store/attentionScores.ts'
import { useTranslate } from '../../context.ts'
import { rampWords, type Shade } from '../../draw/ramps.ts'
import { formatFixed } from '../../format.ts'
import { useShade } from '../steps/hooks.ts'
import { useAttention, useChosenHead, useHeadTitle } from './hooks.ts'
import { inkIndex } from './ink.ts'

/** A line for every layer: its heads, then their mean. Arrow keys move through it. */
export function HeadGrid({ map }: { map: AttentionMap }) {
  const t = useTranslate()
  const attention = useAttention()
  const title = useHeadTitle()
  const chosen = useChosenHead()
  const shade = useShade()
  const columns = map.heads + 1
  const choose = useCallback((head: ChosenHead) => attention.choose(head), [attention])
  const layers = Array.from({ length: Math.ceil(map.summaries.length / columns) }, (_, layer) => layer)
  return (
    <section className="heads" aria-label={t('attention.heads')}>
      <div
        className="heads-grid"
        data-arrows=""
        style={{ '--heads': columns }}
        onKeyDown={(event) => moveHead(event, map, chosen, choose)}
      >
        {layers.map((layer) => (
          <div key={layer} className="heads-line" role="group" aria-label={t('attention.layer', { layer })}>
            <span className="heads-layer numeric" aria-hidden="true">
              {t('attention.short', { layer })}
            </span>
            {map.summaries.slice(layer * columns, (layer + 1) * columns).map((summary) => (
              <Thumb
                key={String(summary.head)}
                summary={summary}
                shade={shade}
                label={t('attention.thumb', {
                  title: title(summary),
                  label: t(`attention.label.${labelOf(summary.scores) ?? 'none'}`),
                  entropy: formatFixed(summary.scores.entropy, 2),
                })}
                chosen={summary.layer === chosen.layer && summary.head === chosen.head}
                onChoose={choose}
              />
            ))}
          </div>
        ))}
        <HeadNumbers heads={map.heads} />
      </div>
      <LetterKey />
    </section>
  )
}

/** What the letters on the thumbnails stand for. */
function LetterKey() {
  const t = useTranslate()
  return (
    <ul className="heads-key note">
      {SCORE_NAMES.map((name) => (
        <li key={name} title={t(`attention.about.${name}`)}>
          <b>{t(`attention.letter.${name}`)}</b> {t(`attention.label.${name}`)}
        </li>
      ))}
    </ul>
  )
}

function HeadNumbers({ heads }: { heads: number }) {
  const t = useTranslate()
  return (
    <div className="heads-line heads-numbers" aria-hidden="true">
      <span className="heads-layer" />
      {Array.from({ length: heads }, (_, head) => (
        <span key={head} className="numeric">
          {head}
        </span>
      ))}
      <span>{t('attention.mean')}</span>
    </div>
  )
}

interface ThumbProps {
  summary: HeadSummary
  shade: Shade
  label: string
  chosen: boolean
  onChoose: (chosen: ChosenHead) => void
}

const Thumb = memo(function Thumb({ summary, shade, label, chosen, onChoose }: ThumbProps) {
  const t = useTranslate()
  const { layer, head, thumb, scores } = summary
  const canvas = useRef<HTMLCanvasElement>(null)
  const name = labelOf(scores)
  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (!context) return
    const { size, data } = thumb
    const ramp = rampWords('sequential', shade)
    const pixels = new Uint32Array(size * size)
    for (let row = 0; row < size; row++)
      for (let col = 0; col <= row; col++)
        pixels[row * size + col] = ramp[inkIndex(data[row * size + col] ?? 0)] ?? 0
    context.putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), size, size), 0, 0)
  }, [thumb, shade])
  return (
    <button
      type="button"
      className="thumb"
      data-testid="attention-head"
      data-layer={layer}
      data-head={head ?? 'mean'}
      data-entropy={scores.entropy}
      aria-pressed={chosen}
      aria-label={label}
      title={label}
      tabIndex={chosen ? 0 : -1}
      onClick={() => onChoose({ layer, head })}
    >
      <canvas ref={canvas} width={thumb.size} height={thumb.size} aria-hidden="true" />
      {name !== null && (
        <span className="thumb-letter" aria-hidden="true">
          {t(`attention.letter.${name}`)}
        </span>
      )}
    </button>
  )
})

const MOVES: Readonly<Record<string, readonly [layers: number, heads: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -Infinity],
  End: [0, Infinity],
  PageUp: [-Infinity, 0],
  PageDown: [Infinity, 0],
}

/** Moves the choice, and the focus with it. */
function moveHead(
  event: KeyboardEvent<HTMLElement>,
  { heads, summaries }: AttentionMap,
  { layer, head }: ChosenHead,
  choose: (head: ChosenHead) => void,
): void {
  const move = MOVES[event.key]
  if (move === undefined || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  event.stopPropagation()
  const hold = (value: number, end: number): number => Math.min(end, Math.max(0, value))
  const to = hold(layer + move[0], Math.ceil(summaries.length / (heads + 1)) - 1)
  const column = hold((head ?? heads) + move[1], heads)
  choose({ layer: to, head: column === heads ? null : column })
  const thumbs = event.currentTarget.querySelectorAll<HTMLElement>('.thumb')
  thumbs[to * (heads + 1) + column]?.focus()
}
