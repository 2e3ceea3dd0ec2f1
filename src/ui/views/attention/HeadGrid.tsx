import { memo, useCallback, useEffect, useRef } from 'react'
import { headsOf, singleChoice, type Attention, type ChosenHead, type HeadPlace } from './store.ts'
import type { AttentionMap, HeadSummary } from './readAttention.ts'
import { labelOf, SCORE_NAMES } from '../../../analysis/headScores.ts'
import { Grid } from '../../components/Grid.tsx'
import { useTranslate } from '../../context.ts'
import { rampRgba, type Shade } from '../../draw/ramps.ts'
import { formatFixed } from '../../../maths/format.ts'
import { useShade } from '../../components/useShade.ts'
import { useAttention, useAttentionState, useChosenHead, useHeadTitle, useSelectedHeads } from './hooks.ts'
import { HeadsExport } from './HeadExports.tsx'
import { inkIndex } from '../../draw/ink.ts'

const nameOf = ({ layer, head }: HeadPlace): string => `${layer}.${head}`

/** Keys held while a head is chosen. */
interface Held {
  range: boolean
  add: boolean
}

const heldKeys = (event: { shiftKey: boolean; ctrlKey: boolean; metaKey: boolean }): Held => ({
  range: event.shiftKey,
  add: event.ctrlKey || event.metaKey,
})

/** Chooses a head, adds it to the mean or takes it out, or takes everything up to it. */
function chooseHead(attention: Attention, chosen: ChosenHead, { range, add }: Held): void {
  if (range) attention.extendTo(chosen)
  else if (add || attention.state.getState().picking) attention.toggle(chosen)
  else attention.choose(chosen)
}

/** A line for every layer: its heads, then their mean. Arrow keys move through it. */
export function HeadGrid({ map }: { map: AttentionMap }) {
  const t = useTranslate()
  const attention = useAttention()
  const chosen = useChosenHead()
  const places = useSelectedHeads()
  const { heads, layers, summaries } = map
  const columns = heads + 1
  const lines = Array.from({ length: Math.ceil(summaries.length / columns) }, (_, layer) => layer)
  return (
    <section className="heads" aria-label={t('attention.heads')}>
      <SelectionTools selected={places.length} heads={layers * heads} />
      <Grid
        className="heads-grid"
        style={{ '--heads': columns }}
        rows={lines.length}
        columns={columns}
        place={{ row: chosen.layer, column: chosen.head ?? heads }}
        onMove={({ row, column }, event) =>
          moveHead(attention, { layer: row, head: column === heads ? null : column }, event.shiftKey)
        }
      >
        {lines.map((layer) => (
          <HeadLine
            key={layer}
            layer={layer}
            summaries={summaries.slice(layer * columns, (layer + 1) * columns)}
            isShown={shownAmong(places, heads)}
            chosen={chosen}
          />
        ))}
        <HeadNumbers heads={heads} />
      </Grid>
      <LetterKey />
      <HeadsExport map={map} />
    </section>
  )
}

/** Tells which thumbnails are on show large: one alone, or all whose heads the mean is of. */
function shownAmong(places: readonly HeadPlace[], heads: number): (head: ChosenHead) => boolean {
  const one = singleChoice(places, heads)
  if (one !== null) return ({ layer, head }) => one.layer === layer && one.head === head
  const several = new Set(places.map(nameOf))
  return (head) => headsOf(head, heads).every((place) => several.has(nameOf(place)))
}

interface HeadLineProps {
  layer: number
  /** Its heads, then their mean. */
  summaries: readonly HeadSummary[]
  isShown: (head: ChosenHead) => boolean
  chosen: ChosenHead
}

function HeadLine({ layer, summaries, isShown, chosen }: HeadLineProps) {
  const t = useTranslate()
  const attention = useAttention()
  const title = useHeadTitle()
  const shade = useShade()
  const choose = useCallback((head: ChosenHead, held: Held) => chooseHead(attention, head, held), [attention])
  return (
    <div className="heads-line" role="group" aria-label={t('attention.layer', { layer })}>
      <span className="heads-layer numeric" aria-hidden="true">
        {t('attention.short', { layer })}
      </span>
      {summaries.map((summary) => (
        <Thumb
          key={String(summary.head)}
          summary={summary}
          shade={shade}
          label={t('attention.thumb', {
            title: title(summary),
            label: t(`attention.label.${labelOf(summary.scores) ?? 'none'}`),
            entropy: formatFixed(summary.scores.entropy, 2),
          })}
          shown={isShown(summary)}
          entry={summary.layer === chosen.layer && summary.head === chosen.head}
          onChoose={choose}
        />
      ))}
    </div>
  )
}

/** Where no key can be held while clicking: plain clicks add and take out. */
function SelectionTools({ selected, heads }: { selected: number; heads: number }) {
  const t = useTranslate()
  const attention = useAttention()
  const picking = useAttentionState((state) => state.picking)
  return (
    <div className="heads-tools">
      <label className="check" title={t('attention.pickHint')}>
        <input
          type="checkbox"
          data-testid="attention-pick"
          checked={picking}
          onChange={() => attention.state.setState({ picking: !picking })}
        />
        {t('attention.pick')}
      </label>
      <button
        type="button"
        className="button button-small"
        disabled={selected === heads}
        data-testid="attention-all"
        onClick={() => attention.chooseAll()}
      >
        {t('attention.all')}
      </button>
      <span className="note numeric">{t('attention.selected', { selected, heads })}</span>
    </div>
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
  /** Part of what is on show large. */
  shown: boolean
  /** Where the keyboard enters the grid. */
  entry: boolean
  onChoose: (chosen: ChosenHead, held: Held) => void
}

const Thumb = memo(function Thumb({ summary, shade, label, shown, entry, onChoose }: ThumbProps) {
  const t = useTranslate()
  const { layer, head, thumb, scores } = summary
  const canvas = useRef<HTMLCanvasElement>(null)
  const name = labelOf(scores)
  useEffect(() => {
    // A task for each: dozens of pictures at once would hold the page up.
    const timer = setTimeout(() => drawThumb(canvas.current, thumb, shade))
    return () => clearTimeout(timer)
  }, [thumb, shade])
  return (
    <button
      type="button"
      className="thumb"
      data-testid="attention-head"
      data-layer={layer}
      data-head={head ?? 'mean'}
      data-entropy={scores.entropy}
      aria-pressed={shown}
      aria-label={label}
      title={label}
      tabIndex={entry ? 0 : -1}
      onClick={(event) => onChoose({ layer, head }, heldKeys(event))}
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

/** Moves the choice; with shift, everything up to it joins the mean. While heads are picked only the focus moves. */
function moveHead(attention: Attention, next: ChosenHead, isRange: boolean): void {
  if (isRange) attention.extendTo(next)
  else if (attention.state.getState().picking) attention.moveTo(next)
  else attention.choose(next)
}

function drawThumb(
  canvas: HTMLCanvasElement | null,
  { size, data }: HeadSummary['thumb'],
  shade: Shade,
): void {
  const context = canvas?.getContext('2d')
  if (!context) return
  const ramp = rampRgba('sequential', shade)
  const pixels = new Uint32Array(size * size)
  for (let row = 0; row < size; row++)
    for (let col = 0; col < size; col++) {
      const weight = data[row * size + col] ?? 0
      // What lies ahead is bare where the mask lets nothing through.
      if (col <= row || weight > 0) pixels[row * size + col] = ramp[inkIndex(weight)] ?? 0
    }
  context.putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), size, size), 0, 0)
}
