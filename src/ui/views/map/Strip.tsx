import { useEffect, useRef } from 'react'
import { usePixelRatio } from '../../components/measure.ts'

interface StripProps {
  /** CSS pixels. */
  width: number
  height: number
  /** Draws at the canvas's own size; a new function draws again. */
  draw: (canvas: HTMLCanvasElement) => void
}

/** A line of cells in one canvas. */
export function Strip({ width, height, draw }: StripProps) {
  const ratio = usePixelRatio()
  const canvas = useRef<HTMLCanvasElement>(null)
  const [wide, high] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))]
  useEffect(() => {
    if (canvas.current !== null) draw(canvas.current)
  }, [draw, wide, high])
  return (
    <canvas
      ref={canvas}
      className="map-strip"
      width={wide}
      height={high}
      style={{ width, height }}
      aria-hidden="true"
    />
  )
}
