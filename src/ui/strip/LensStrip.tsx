import { useEffect } from 'react'
import { useStore } from 'zustand'
import { lensOf } from '../views/lens/store.ts'
import { lensStripOf, type Absence, type StripCell, type StripLine } from './store.ts'
import { labelRows } from '../../state/tokenLabels.ts'
import { selectRow } from '../../state/selection.ts'
import { Icon } from '../components/Icon.tsx'
import { moveFocus } from '../components/roving.ts'
import { useIsEncoder } from '../components/reading.ts'
import { useTokenName } from '../components/useTokenName.ts'
import { useApp, useSession, useSlowTokenLog, useTranslate } from '../context.ts'
import { probabilityLevel } from '../draw/palette.ts'
import { formatProbability } from '../../maths/format.ts'
import type { MessageKey } from '../words/index.ts'

/** What each layer would predict after the selected token, in one line below every view. */
export function LensStrip() {
  const { app } = useSession()
  const t = useTranslate()
  const open = useApp((state) => state.layout.stripOpen)
  const label = t(open ? 'strip.hide' : 'strip.show')
  const what = t(useIsEncoder() ? 'strip.labelOwn' : 'strip.label')
  return (
    <section className="lens-strip" data-testid="lens-strip" data-open={open} aria-label={what}>
      <button
        type="button"
        className="lens-strip-fold"
        aria-expanded={open}
        aria-label={label}
        title={label}
        onClick={() => app.setState(({ layout }) => ({ layout: { ...layout, stripOpen: !open } }))}
      >
        <Icon name={open ? 'down' : 'up'} />
      </button>
      {open ? <Line /> : <span className="lens-strip-word">{what}</span>}
    </section>
  )
}

const WHY: Readonly<Record<Absence, MessageKey>> = {
  'no-model': 'strip.noModel',
  'no-text': 'strip.noText',
  running: 'strip.running',
  'other-model': 'strip.otherModel',
  failed: 'strip.notCaptured',
}

function Line() {
  const t = useTranslate()
  const strip = lensStripOf(useSession())
  useEffect(() => strip.watch(), [strip])
  const { line, absence, isReading } = useStore(strip.state)
  if (line === null) {
    return (
      <span className="lens-strip-word">
        {t(absence === null || isReading ? 'strip.reading' : WHY[absence])}
      </span>
    )
  }
  return (
    <>
      <After line={line} />
      <ol
        className="lens-strip-cells"
        data-arrows=""
        data-row={line.row}
        aria-busy={isReading}
        onKeyDown={moveFocus}
      >
        {line.cells.map((cell, index) => (
          <Cell key={cell.layer} cell={cell} row={line.row} last={index === line.cells.length - 1} />
        ))}
      </ol>
    </>
  )
}

/** The token that the predictions follow, or in whose place they are. */
function After({ line: { row, ids } }: { line: StripLine }) {
  const t = useTranslate()
  const isEncoder = useIsEncoder()
  const nameToken = useTokenName()
  const text = labelRows(useSlowTokenLog(200), row + 1)[row] ?? ''
  const token = nameToken(text, ids.at(-1) ?? 0)
  return (
    <span className="lens-strip-after" title={t(isEncoder ? 'strip.labelOwn' : 'strip.label')}>
      {t(isEncoder ? 'strip.at' : 'strip.after', { token })}
    </span>
  )
}

function Cell({ cell, row, last }: { cell: StripCell; row: number; last: boolean }) {
  const session = useSession()
  const t = useTranslate()
  const { layer, id, text, probability } = cell
  const top = useTokenName()(text, id)
  const name = layer < 0 ? t('lens.embedding') : t('lens.layer', { layer })
  const label = t('strip.cell', { layer: name, top, probability: formatProbability(probability) })
  const openLens = (): void => {
    lensOf(session).state.setState({ layer })
    selectRow(session, row)
    session.app.setState({ view: 'lens', narrow: 'view' })
  }
  return (
    <li>
      <button
        type="button"
        className="lens-strip-cell"
        data-testid="strip-cell"
        data-layer={layer}
        data-token-id={id}
        data-probability={probability}
        tabIndex={last ? 0 : -1}
        aria-label={label}
        title={label}
        style={{ '--swatch': `var(--seq-${probabilityLevel(Math.log(probability))})` }}
        onClick={openLens}
      >
        <span className="lens-strip-layer numeric">
          {layer < 0 ? t('lens.embeddingShort') : t('lens.layerShort', { layer })}
        </span>
        <span className="lens-strip-top one-line">{top}</span>
        <span className="lens-strip-share numeric">{Math.round(probability * 100)}%</span>
      </button>
    </li>
  )
}
