import { RAMP, rampRgba, type Shade } from '../../draw/ramps.ts'
import { inkIndex } from '../../draw/ink.ts'

/** Where each of `heads` cells of a strip stands: whole device pixels, further apart where there is room. */
export function cellEdges(heads: number, width: number): readonly (readonly [from: number, to: number])[] {
  const gap = Math.min(4, Math.floor(width / heads / 6))
  return Array.from({ length: heads }, (_, head) => [
    Math.round((head * width) / heads),
    Math.max(Math.round((head * width) / heads) + 1, Math.round(((head + 1) * width) / heads) - gap),
  ])
}

/** The largest of `values[from, to)` behind each of `pixels`. */
export function poolPeaks(values: Float32Array, from: number, to: number, pixels: number): Float32Array {
  const peaks = new Float32Array(pixels)
  const count = to - from
  for (let pixel = 0; pixel < pixels; pixel++) {
    const begin = from + Math.floor((pixel * count) / pixels)
    const end = Math.max(begin + 1, from + Math.floor(((pixel + 1) * count) / pixels))
    let peak = 0
    for (let at = begin; at < end; at++) {
      const value = values[at] ?? 0
      if (Math.abs(value) > Math.abs(peak)) peak = value
    }
    peaks[pixel] = peak
  }
  return peaks
}

/** A column of colour for every pixel, over the whole height of a canvas. */
function paint(canvas: HTMLCanvasElement, words: Uint32Array): void {
  const context = canvas.getContext('2d')
  if (context === null) return
  const pixels = new Uint32Array(canvas.width * canvas.height)
  for (let y = 0; y < canvas.height; y++) pixels.set(words, y * canvas.width)
  context.putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), canvas.width, canvas.height), 0, 0)
}

/** Each head's weights over the positions a row can see, first to last. */
export function paintHeads(
  canvas: HTMLCanvasElement,
  weights: Float32Array,
  { heads, seen, shade }: { heads: number; seen: number; shade: Shade },
): void {
  const ramp = rampRgba('sequential', shade)
  const positions = weights.length / heads
  const words = new Uint32Array(canvas.width)
  cellEdges(heads, canvas.width).forEach(([from, to], head) => {
    const peaks = poolPeaks(weights, head * positions, head * positions + seen, to - from)
    peaks.forEach((weight, at) => {
      words[from + at] = ramp[inkIndex(weight)] ?? 0
    })
  })
  paint(canvas, words)
}

/** Signed values in one line, the colours symmetric about 0. */
export function paintSigned(canvas: HTMLCanvasElement, values: Float32Array, shade: Shade): void {
  const ramp = rampRgba('diverging', shade)
  const peaks = poolPeaks(values, 0, values.length, canvas.width)
  const end = peaks.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const words = new Uint32Array(canvas.width)
  peaks.forEach((value, at) => {
    const share = end === 0 ? 0 : Math.sign(value) * Math.sqrt(Math.abs(value) / end)
    words[at] = ramp[Math.min(RAMP - 1, Math.floor(((share + 1) / 2) * RAMP))] ?? 0
  })
  paint(canvas, words)
}
