import { memo, useCallback } from 'react'
import type { LayerFacts } from './store.ts'
import type { MapLayer } from './picture.ts'
import { formatProbability } from '../../../maths/format.ts'
import { useTranslate } from '../../context.ts'
import { useShade } from '../../components/useShade.ts'
import { formatConstant } from '../steps/numbers.ts'
import { useOpenings } from './hooks.ts'
import { paintSigned } from './ink.ts'
import { Strip } from './Strip.tsx'

interface InnerProps {
  layer: MapLayer
  facts: LayerFacts | null
  width: number
  height: number
}

/** What the MLP's switches let through at the row, or which experts it took. */
export const Inner = memo(function Inner(props: InnerProps) {
  const { layer } = props
  return layer.experts !== null ? (
    <Experts {...props} experts={layer.experts} />
  ) : layer.inner !== null ? (
    <Switches {...props} step={layer.inner} />
  ) : null
})

/** How long what the blocks beside attention write is, against the stream it joins. */
function useWritten({ layer, facts }: Pick<InnerProps, 'layer' | 'facts'>): string {
  const t = useTranslate()
  const at = layer.writes.findIndex(({ block }) => block === 'mlp')
  const written = facts?.writes[at]
  if (written === undefined) return t('map.mlp', { layer: layer.layer })
  return t('map.mlpWrites', {
    layer: layer.layer,
    norm: formatConstant(written.norm),
    before: formatConstant(written.normBefore),
  })
}

function Switches({ layer, facts, width, height, step }: InnerProps & { step: string }) {
  const shade = useShade()
  const openings = useOpenings()
  const values = facts?.inner ?? null
  const says = useWritten({ layer, facts })
  const draw = useCallback(
    (canvas: HTMLCanvasElement) => {
      if (values !== null) paintSigned(canvas, values, shade)
    },
    [values, shade],
  )
  return (
    <button
      type="button"
      className="map-inner"
      data-testid="map-node"
      data-step={step}
      data-empty={values === null}
      tabIndex={-1}
      aria-label={says}
      title={says}
      onClick={() => openings.step(step)}
    >
      {values !== null && width > 0 && <Strip width={width} height={height} draw={draw} />}
    </button>
  )
}

function Experts({ layer, facts, experts }: InnerProps & { experts: NonNullable<MapLayer['experts']> }) {
  const t = useTranslate()
  const openings = useOpenings()
  const taken = facts?.experts ?? []
  const list = taken.map(({ expert, weight }) =>
    t('map.expertTaken', { expert, weight: formatProbability(weight) }),
  )
  const says = [useWritten({ layer, facts }), t('map.experts', { count: experts.count }), ...list].join(' ')
  return (
    <button
      type="button"
      className="map-inner map-experts"
      data-testid="map-node"
      data-step={experts.taken}
      tabIndex={-1}
      aria-label={says}
      title={says}
      onClick={() => openings.step(experts.weights ?? experts.taken)}
    >
      {Array.from({ length: experts.count }, (_, expert) => {
        const match = taken.find((one) => one.expert === expert)
        return (
          <span
            key={expert}
            className={match === undefined ? 'map-expert' : 'map-expert map-expert-taken'}
            style={match === undefined ? undefined : { '--share': match.weight }}
          />
        )
      })}
    </button>
  )
}
