import { Fragment, useMemo, useState } from 'react'
import { useStore } from 'zustand'
import { pictureOf, type Picture } from './picture.ts'
import type { RowFacts } from './store.ts'
import { maskChoiceOf } from '../../../state/maskChoice.ts'
import { MaskSwitch } from '../../components/MaskSwitch.tsx'
import { useSize } from '../../components/measure.ts'
import { NARROW, useMedia, useSession, useTranslate } from '../../context.ts'
import { useAnatomy } from '../../components/reading.ts'
import { useRow, useStepsState, useWatchedSteps } from '../steps/hooks.ts'
import { Beginning, Ending } from './Ends.tsx'
import { BoardContext, useMapState, useWatchedMap, type Board } from './hooks.ts'
import { LayerLine, type MapColumns } from './LayerLine.tsx'
import { LayerOpened } from './LayerOpened.tsx'
import { MapNotice } from './MapNotice.tsx'
import { MapText } from './MapText.tsx'
import { useRoving } from './useRoving.ts'

/** The whole model in one picture: a text flows in at the top, a word comes out at the bottom. */
export function MapView() {
  useWatchedSteps()
  useWatchedMap()
  const t = useTranslate()
  const source = useStepsState((state) => state.source)
  const read = useMapState((state) => state.picture)
  const facts = useMapState((state) => state.facts)
  const { list } = useAnatomy()
  // Without a text the model is drawn as it is built.
  const picture = useMemo(() => read ?? (list.length > 0 ? pictureOf(list) : null), [read, list])
  const [host, setHost] = useState<HTMLDivElement | null>(null)
  const roving = useRoving(host)
  return (
    <div className="map stack" data-testid="map-view">
      <MapNotice />
      <OtherMask />
      {source !== null && <MapText facts={facts} />}
      <div ref={setHost} className="map-scroll" data-arrows="" {...roving}>
        {picture !== null && <Lines picture={picture} facts={facts} host={host} />}
        {picture === null && <span className="visually-hidden">{t('map.title')}</span>}
      </div>
    </div>
  )
}

/** Says under what mask the forward ran, where that is not the model's own. */
function OtherMask() {
  const kind = useStore(maskChoiceOf(useSession()).state, (state) => state.kind)
  return kind !== null && <MaskSwitch />
}

/** Height of the ends, and the least and the greatest of a layer's line, CSS pixels. */
const ENDS = 140
const LOWEST = 18
const HIGHEST = 40
const NARROW_LINE = 24

/** Widths of the columns that are drawn on. */
function columnsOf(width: number, narrow: boolean): MapColumns & { template: string } {
  if (width === 0) return { heads: 0, inner: 0, template: '1fr' }
  if (narrow) {
    const heads = Math.floor((width - 40) * 0.32)
    const inner = Math.floor((width - 40) * 0.16)
    return { heads, inner, template: `34px ${heads}px minmax(48px, 1fr) ${inner}px minmax(92px, 1.2fr)` }
  }
  const room = Math.min(width, 1240) - 44 - 150 - 150
  const heads = Math.floor(room * 0.6)
  const inner = Math.floor(room * 0.4) - 24
  return { heads, inner, template: `44px ${heads}px 150px ${inner}px 150px` }
}

interface LinesProps {
  picture: Picture
  facts: RowFacts | null
  host: HTMLElement | null
}

/** The layer that is open: the one chosen, at first the first of a model whose layers leave room. */
function useOpenLayer({ layers }: Picture, roomy: boolean): number | null {
  const open = useMapState((state) => state.open)
  return open === undefined ? (roomy ? (layers[0]?.layer ?? null) : null) : open
}

function Lines({ picture, facts, host }: LinesProps) {
  const { width, height } = useSize(host)
  const narrow = useMedia(NARROW)
  const row = useRow()
  const ids = useStepsState((state) => state.source?.ids)
  const columns = columnsOf(width, narrow)
  const { layers, seesLater } = picture
  const room = Math.floor((height - ENDS) / Math.max(1, layers.length))
  const line = narrow ? NARROW_LINE : Math.min(HIGHEST, Math.max(LOWEST, room))
  const roomy = !narrow && height > 0 && height - ENDS - layers.length * LOWEST > 300
  const open = useOpenLayer(picture, roomy)
  const next = facts?.followed?.id ?? null
  const readInPlace = useMapState((state) => state.inPlace)
  const inPlace = ids === undefined ? seesLater : readInPlace
  const board = useMemo(
    (): Board => ({
      picture,
      facts,
      next,
      inPlace,
      line: open === null ? line : Math.min(line, 24),
    }),
    [picture, facts, next, inPlace, line, open],
  )
  const lengths = [facts?.start ?? 0]
  // What has not been read yet goes on as wide as before.
  for (const at of layers.keys()) lengths.push(facts?.layers[at]?.out ?? lengths[at] ?? 0)
  const longest = Math.max(1e-9, ...lengths)
  const share = (at: number): number => (lengths[at] ?? 0) / longest
  const positions = ids?.length ?? 0
  const chance = (layer: number): number => facts?.words?.get(layer)?.probability ?? 0
  const isComplete = useMapState((state) => state.isComplete)
  return (
    <BoardContext value={board}>
      <div
        className="map-board"
        data-whole={isComplete && facts?.row === row}
        data-row={facts?.row}
        aria-busy={facts !== null && facts.row !== row}
        style={{ '--map-columns': columns.template, '--map-line': `${board.line}px` }}
      >
        <Heads picture={picture} inPlace={inPlace} />
        <Beginning to={share(0)} />
        {layers.map((layer, at) => (
          <Fragment key={layer.layer}>
            <LayerLine
              layer={layer}
              facts={facts?.layers[at] ?? null}
              word={facts?.words?.get(layer.layer)}
              next={next}
              from={share(at)}
              to={share(at + 1)}
              above={chance(layer.layer - 1)}
              seen={seesLater ? positions : (facts?.row ?? 0) + 1}
              open={open === layer.layer}
              columns={columns}
              height={board.line}
            />
            {open === layer.layer && facts !== null && (
              <LayerOpened layer={layer} source={facts.source} row={facts.row} />
            )}
          </Fragment>
        ))}
        <Ending from={share(layers.length)} />
      </div>
    </BoardContext>
  )
}

/** What each column is. */
function Heads({ picture, inPlace }: { picture: Picture; inPlace: boolean }) {
  const t = useTranslate()
  const narrow = useMedia(NARROW)
  const count = Math.max(0, ...picture.layers.map((layer) => layer.heads?.count ?? 0))
  const experts = picture.layers.some((layer) => layer.experts !== null)
  const attention = narrow ? t('view.attention') : t('map.columnAttention', { count })
  const other = experts ? t('map.columnExperts') : narrow ? 'MLP' : t('map.columnMlp')
  return (
    <div className="map-line map-heading">
      <span>{t('map.columnLayer')}</span>
      <span className="map-heading-left" title={t('map.columnAttentionHint')}>
        {attention}
      </span>
      <span className="map-heading-middle" title={t('map.columnStreamHint')}>
        {t('map.columnStream')}
      </span>
      <span title={t('map.columnMlpHint')}>{other}</span>
      <span title={t('map.columnWordHint')}>{t(inPlace ? 'map.columnHere' : 'map.columnWord')}</span>
    </div>
  )
}
