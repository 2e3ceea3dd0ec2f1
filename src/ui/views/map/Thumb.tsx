import { useEffect, useRef } from 'react'
import type { StepInfo } from '../../../api/model.ts'
import type { StepsSource } from '../steps/source.ts'
import { pictureShape } from '../../../analysis/steps.ts'
import { usePixelRatio } from '../../components/measure.ts'
import type { GpuPort } from '../../draw/gpuPort.ts'
import type { ValueRange } from '../../draw/heatmap.ts'
import { useShade } from '../../components/useShade.ts'
import { useSteps } from '../steps/hooks.ts'
import { givePort, takePort } from './thumbPorts.ts'

interface ThumbProps {
  source: StepsSource
  step: StepInfo
  /** Index into the leading axis of a rank-3 output. */
  slice: number
  /** Of the colours; null: the tensor's extremes. */
  range: ValueRange | null
  /** CSS pixels. */
  width: number
  height: number
}

const unheard = (): void => undefined

/** A step's output as it lies on the GPU, drawn there. */
export function Thumb({ source, step, slice, range, width, height }: ThumbProps) {
  const steps = useSteps()
  const shade = useShade()
  const ratio = usePixelRatio()
  const host = useRef<HTMLSpanElement>(null)
  const port = useRef<GpuPort | null>(null)
  useEffect(() => {
    const taken = takePort(source)
    port.current = taken
    host.current?.append(taken.element)
    return () => givePort(source, taken)
  }, [source])
  useEffect(() => {
    const [cols = 1, rows = 1] = pictureShape(step, step.output.shape).toReversed()
    port.current?.draw(
      { width: Math.max(1, Math.round(width * ratio)), height: Math.max(1, Math.round(height * ratio)) },
      {
        step: step.name,
        slice,
        rows: [0, rows],
        cols: [0, cols],
        palette: step.op === 'softmax' ? 'sequential' : 'diverging',
        range: range ?? 'auto',
        theme: shade,
      },
      { onDrawn: unheard, onError: (error) => steps.fail(source, error) },
    )
  }, [steps, source, step, slice, range, width, height, ratio, shade])
  return <span ref={host} className="map-thumb" style={{ width, height }} aria-hidden="true" />
}
