import { useEffect, useMemo, useRef, useState } from 'react'
import { layOutLayer } from '../../../analysis/layerFlow.ts'
import type { MapLayer } from './picture.ts'
import type { StepInfo } from '../../../api/model.ts'
import type { StepsSource } from '../steps/source.ts'
import { useSize } from '../../components/measure.ts'
import { useTranslate } from '../../context.ts'
import { useStepList, useStepsState } from '../steps/hooks.ts'
import { aboutStep, roleName } from '../steps/describe.ts'
import { drawFlow, scaleFor, type DrawnFlow } from './flowGeometry.ts'
import { FlowNode } from './FlowNode.tsx'
import { useMapState, useModelMap, useOpenings, useShapeWords } from './hooks.ts'
import { Thumb } from './Thumb.tsx'

interface LayerOpenedProps {
  layer: MapLayer
  source: StepsSource
  row: number
}

/** A layer's steps as they read each other, the stream along one edge; below, its heads and words about one step. */
export function LayerOpened({ layer, source, row }: LayerOpenedProps) {
  const t = useTranslate()
  const [host, setHost] = useState<HTMLDivElement | null>(null)
  const { width } = useSize(host)
  const current = useStepsState((state) => state.step)
  const [pointed, setPointed] = useState<string | null>(null)
  const head = useMapState((state) => state.head)
  const flow = useMemo(() => layOutLayer(layer.steps), [layer])
  const scale = useMemo(() => (width > 0 ? scaleFor(flow, width) : null), [flow, width])
  const drawn = useMemo(() => (scale === null ? null : drawFlow(flow, scale)), [flow, scale])
  useRevealed(host, layer)
  useFollowedFocus(host, current)
  const inspected = layer.steps.find(({ name }) => name === (pointed ?? current)) ?? null
  const byName = useMemo(() => new Map(layer.steps.map((step) => [step.name, step])), [layer])
  return (
    <section className="map-opened" aria-label={t('map.inside', { layer: layer.layer })}>
      <div ref={setHost} className="map-flow">
        {drawn !== null && scale !== null && (
          <div className="map-flow-plane" style={{ width: drawn.width, height: drawn.height }}>
            <Edges drawn={drawn} hot={inspected?.name ?? null} />
            {drawn.nodes.map((place) => {
              const step = byName.get(place.name)
              return (
                step !== undefined && (
                  <FlowNode
                    key={place.name}
                    {...{ source, step, place, scale, row, head }}
                    current={place.name === current}
                    onPoint={setPointed}
                  />
                )
              )
            })}
          </div>
        )}
      </div>
      <div className="map-opened-foot">
        <HeadGallery {...{ layer, source }} />
        <About step={inspected} />
      </div>
    </section>
  )
}

function Edges({ drawn, hot }: { drawn: DrawnFlow; hot: string | null }) {
  const { edges, ports, width, height } = drawn
  return (
    <svg className="map-edges" width={width} height={height} aria-hidden="true">
      <defs>
        <marker
          id="map-arrow"
          viewBox="0 0 6 6"
          refX="5.5"
          refY="3"
          markerWidth="6"
          markerHeight="6"
          orient="auto"
        >
          <path d="M0,0.5 L6,3 L0,5.5 Z" className="map-arrow" />
        </marker>
      </defs>
      {edges.map(({ from, to, path, stream }) => (
        <path
          key={`${from}>${to}`}
          d={path}
          className={stream ? 'map-edge map-edge-stream' : 'map-edge'}
          markerEnd={stream ? undefined : 'url(#map-arrow)'}
          data-from={from}
          data-to={to}
          data-hot={from === hot || to === hot}
        />
      ))}
      {ports.map(({ band, x, y }) => (
        <circle key={band} className="map-port" cx={x} cy={y} r={3.5} />
      ))}
    </svg>
  )
}

/** Side of a head's picture, CSS pixels. */
const HEAD = 44

/** The weights of every head, live; the one pointed at is the one that the steps above show. */
function HeadGallery({ layer, source }: Omit<LayerOpenedProps, 'row'>) {
  const t = useTranslate()
  const map = useModelMap()
  const openings = useOpenings()
  const chosen = useMapState((state) => state.head)
  const { heads } = layer
  const step = layer.steps.find(({ name }) => name === heads?.probs)
  if (heads === null || step === undefined) return null
  return (
    <div className="map-gallery" role="group" aria-label={t('map.gallery', { layer: layer.layer })}>
      <span className="map-gallery-title">{t('map.galleryTitle')}</span>
      {Array.from({ length: heads.count }, (_, head) => {
        const enter = (): void => {
          map.chooseHead(head)
          map.look({ layer: layer.layer, head })
        }
        const leave = (): void => map.look(null)
        return (
          <button
            key={head}
            type="button"
            className="map-gallery-head"
            data-testid="map-node"
            data-step={step.name}
            data-head={head}
            aria-label={t('map.head', { layer: layer.layer, head })}
            title={t('map.head', { layer: layer.layer, head })}
            aria-current={head === chosen ? 'true' : undefined}
            tabIndex={-1}
            onMouseEnter={enter}
            onMouseLeave={leave}
            onFocus={enter}
            onBlur={leave}
            onClick={() => openings.head(layer.layer, head)}
          >
            <Thumb {...{ source, step }} slice={head} range={null} width={HEAD} height={HEAD} />
            <span className="map-gallery-number numeric">{head}</span>
          </button>
        )
      })}
    </div>
  )
}

/** The step under the pointer or the current one, in words. */
function About({ step }: { step: StepInfo | null }) {
  const t = useTranslate()
  const list = useStepList()
  const shapeWords = useShapeWords()
  if (step === null) return <p className="map-about note">{t('map.aboutNone')}</p>
  return (
    <p className="map-about">
      <b className="map-about-name">{step.name}</b>{' '}
      <span className="note">
        {roleName(t, list, step)} · {shapeWords(step)}
      </span>
      <span className="map-about-words">{aboutStep(t, list, step)}</span>
    </p>
  )
}

/** A layer that opens is brought into sight. */
function useRevealed(host: HTMLElement | null, layer: MapLayer): void {
  const shown = useRef<MapLayer | null>(null)
  useEffect(() => {
    if (host === null || shown.current === layer) return
    shown.current = layer
    host.parentElement?.scrollIntoView({ block: 'nearest' })
  }, [host, layer])
}

/** Where the keyboard stands in the flow, it goes along with the steps. */
function useFollowedFocus(host: HTMLElement | null, current: string): void {
  useEffect(() => {
    if (host === null || !host.contains(document.activeElement)) return
    host.querySelector<HTMLElement>(`[data-step="${CSS.escape(current)}"]`)?.focus()
  }, [host, current])
}
