import { memo, useEffect, useState } from 'react'
import type { StepInfo } from '../../../api/model.ts'
import { indexInTensor, peakOf } from './row.ts'
import { localName, pictureShape } from '../../../analysis/steps.ts'
import type { StepsSource } from '../steps/source.ts'
import { useTranslate } from '../../context.ts'
import { autoRange, type ValueRange } from '../../draw/heatmap.ts'
import { useStepList, useSteps } from '../steps/hooks.ts'
import { formatConstant } from '../steps/numbers.ts'
import { formatShape } from '../../components/labels.ts'
import { roleName } from '../steps/describe.ts'
import type { FlowScale, PlacedNode } from './flowGeometry.ts'
import { useOpenings, useShapeWords } from './hooks.ts'
import { Thumb } from './Thumb.tsx'

/** The largest value of the chosen row, and where it lies in the whole tensor; the colours follow from that row. */
interface Peak {
  index: number
  value: number
  range: ValueRange
}

/** Reads the row of a step; null until it has come. */
function usePeak(source: StepsSource, step: StepInfo, row: number): Peak | null {
  const steps = useSteps()
  const [loaded, setLoaded] = useState<{ of: StepsSource; row: number; peak: Peak } | null>(null)
  useEffect(() => {
    let wanted = true
    source.row(step.name, row).then(
      ({ data }) => {
        if (!wanted) return
        const at = peakOf(data, step.axes.at(-1)?.kind === 'vocabulary')
        const range = autoRange(data, step.op === 'softmax' ? 'sequential' : 'diverging')
        const peak = { index: indexInTensor(step, row, at), value: data[at] ?? 0, range }
        setLoaded({ of: source, row, peak })
      },
      (error: unknown) => wanted && steps.fail(source, error),
    )
    return () => {
      wanted = false
    }
  }, [steps, source, step, row])
  return loaded?.of === source && loaded.row === row ? loaded.peak : null
}

interface FlowNodeProps {
  source: StepsSource
  step: StepInfo
  place: PlacedNode
  scale: FlowScale
  row: number
  /** The head whose weights attention's steps are shown of. */
  head: number
  current: boolean
  onPoint: (name: string | null) => void
}

/** Slices of the leading axis on show: keys and values both, of heads the chosen one. What lies behind the rows is one picture. */
function slicesOf(step: StepInfo, head: number): readonly number[] {
  if (pictureShape(step, step.output.shape).length < 3) return [0]
  const [first] = step.axes
  return first?.kind === 'kv' ? [0, 1] : [Math.min(head, (first?.size ?? 1) - 1)]
}

/** A step of the open layer: its output as it lies on the GPU, its name and shape. */
export const FlowNode = memo(function FlowNode(props: FlowNodeProps) {
  const { source, step, place, scale, row, head, current, onPoint } = props
  const t = useTranslate()
  const list = useStepList()
  const shapeWords = useShapeWords()
  const openings = useOpenings()
  const steps = useSteps()
  const peak = usePeak(source, step, row)
  const slices = slicesOf(step, head)
  const { width, height } = scale.thumb
  const each = Math.floor((width - 2 - (slices.length - 1) * 2) / slices.length)
  const rows = step.axes.find(({ kind }) => kind === 'rows')?.size ?? 1
  const nodeName = localName(step)
  const words = t('map.node', {
    name: step.name,
    role: roleName(t, list, step),
    shape: shapeWords(step),
  })
  const says = peak === null ? words : `${words} ${t('map.peak', { value: formatConstant(peak.value) })}`
  return (
    <button
      type="button"
      className="map-node"
      data-testid="map-node"
      data-step={step.name}
      data-index={peak?.index}
      data-value={peak?.value}
      aria-current={current ? 'step' : undefined}
      aria-label={says}
      tabIndex={-1}
      style={{ left: place.left, top: place.top, width: scale.node.width }}
      onMouseEnter={() => onPoint(step.name)}
      onMouseLeave={() => onPoint(null)}
      onFocus={() => steps.goTo(step.name)}
      onClick={() => openings.step(step.name)}
    >
      <span className="map-node-picture row" style={{ height }}>
        {slices.map((slice, at) => (
          <Thumb
            key={at}
            {...{ source, step, slice }}
            range={peak?.range ?? null}
            width={each}
            height={height - 2}
          />
        ))}
        <span className="map-node-row" style={{ '--share': (row + 0.5) / rows }} />
      </span>
      <span className="map-node-name one-line">
        {nodeName.slice(nodeName.lastIndexOf('.') + 1).replaceAll('_', '_\u200b')}
      </span>
      <span className="map-node-shape numeric">
        {formatShape(pictureShape(step, step.output.shape).slice(-2))}
      </span>
    </button>
  )
})
