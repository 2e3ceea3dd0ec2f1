import { useEffect, useRef } from 'react'
import type { Inspection } from '../../api/model.ts'
import { gpuPortOf } from '../draw/gpuPort.ts'
import type { Window2 } from '../draw/heatmap.ts'
import type { Palette, Shade } from '../draw/ramps.ts'
import type { Box } from '../draw/tensorCanvas.ts'

/** A tensor that stays where the model is, and is drawn there. */
export interface GpuTensor {
  source: Inspection
  step: string
  slice: number
  onRange: (range: readonly [number, number]) => void
  onError: (error: unknown) => void
}

interface GpuCellsProps {
  tensor: GpuTensor
  plot: Box
  view: Window2
  palette: Palette
  shade: Shade
  ratio: number
}

/** The cells of a tensor too large to be read, under the labels of the picture. */
export function GpuCells({ tensor, plot, view, palette, shade, ratio }: GpuCellsProps) {
  const { source, step, slice, onRange, onError } = tensor
  const host = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const { element } = gpuPortOf(source)
    host.current?.append(element)
    return () => element.remove()
  }, [source])
  useEffect(() => {
    const size = {
      width: Math.max(1, Math.round(plot.width * ratio)),
      height: Math.max(1, Math.round(plot.height * ratio)),
    }
    const request = {
      step,
      slice,
      palette,
      theme: shade,
      range: 'auto' as const,
      rows: [view.row, view.row + view.rows] as const,
      cols: [view.col, view.col + view.cols] as const,
    }
    gpuPortOf(source).draw(size, request, { onDrawn: onRange, onError })
  }, [source, step, slice, onRange, onError, plot, view, palette, shade, ratio])
  const { x, y, width, height } = plot
  return <div ref={host} className="gpu-cells" style={{ left: x, top: y, width, height }} />
}
