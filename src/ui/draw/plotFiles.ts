import { invariant } from '../../errors.ts'

/** Colours and fonts of a picture, as files take them: sRGB hex, and names of fonts, which are not embedded. */
export interface PlotInk {
  paper: string
  ink: string
  soft: string
  hairline: string
  accent: string
  data: string
  /** `--seq-0` to `--seq-9`. */
  levels: readonly string[]
  ui: string
  mono: string
}

interface TextMark {
  kind: 'text'
  x: number
  /** Of the baseline. */
  y: number
  text: string
  fill: string
  size: number
  font: 'ui' | 'mono'
  anchor: 'start' | 'middle' | 'end'
  bold?: boolean
  /** Written upwards from its place. */
  turned?: boolean
}

/** One thing drawn, in CSS pixels. */
export type Mark =
  | { kind: 'rect'; x: number; y: number; width: number; height: number; fill: string }
  | { kind: 'line'; x1: number; y1: number; x2: number; y2: number; stroke: string; dash?: string }
  | { kind: 'path'; d: string; stroke: string; width: number }
  | TextMark

/** A plot as marks: written as SVG, or drawn into a PNG, with the same geometry. */
export interface PlotPicture {
  width: number
  height: number
  title: string
  /** What the numbers are of: model, text, scales. */
  caption: string
  marks: readonly Mark[]
}

const LEVELS = 10

/** The theme's colours where an element stands. */
export function readPlotInk(element: Element): PlotInk {
  const style = getComputedStyle(element)
  const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })
  invariant(context, 'a canvas draws')
  // Drawn and read back: programs that open the file may not know the colour spaces of the page.
  const colour = (name: string): string => {
    context.fillStyle = style.getPropertyValue(name)
    context.fillRect(0, 0, 1, 1)
    const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data
    return hex((blue << 16) | (green << 8) | red)
  }
  return {
    paper: colour('--paper'),
    ink: colour('--ink'),
    soft: colour('--ink-soft'),
    hairline: colour('--hairline-strong'),
    accent: colour('--accent'),
    data: colour('--data'),
    levels: Array.from({ length: LEVELS }, (_, level) => colour(`--seq-${level}`)),
    ui: style.getPropertyValue('--font-ui').replace(/\s+/g, ' ').trim(),
    mono: style.getPropertyValue('--font-mono').replace(/\s+/g, ' ').trim(),
  }
}

/** `#rrggbb` of a little-endian RGBA word, as ramps hold them. */
export function hex(word: number): string {
  const channel = (shift: number): string => ((word >>> shift) & 255).toString(16).padStart(2, '0')
  return `#${channel(0)}${channel(8)}${channel(16)}`
}

const escape = (text: string): string =>
  text
    // XML 1.0 holds no control characters, not even escaped.
    // oxlint-disable-next-line no-control-regex
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')

const n = (value: number): string => String(Math.round(value * 100) / 100)

function svgMark(mark: Mark): string {
  switch (mark.kind) {
    case 'rect':
      return `<rect x="${n(mark.x)}" y="${n(mark.y)}" width="${n(mark.width)}" height="${n(mark.height)}" fill="${mark.fill}"/>`
    case 'line': {
      const dash = mark.dash === undefined ? '' : ` stroke-dasharray="${mark.dash}"`
      return `<line x1="${n(mark.x1)}" y1="${n(mark.y1)}" x2="${n(mark.x2)}" y2="${n(mark.y2)}" stroke="${mark.stroke}"${dash}/>`
    }
    case 'path':
      return `<path d="${mark.d}" fill="none" stroke="${mark.stroke}" stroke-width="${mark.width}"/>`
    case 'text': {
      const { x, y, text, fill, size, anchor, bold = false, turned = false } = mark
      const place = turned ? `transform="translate(${n(x)} ${n(y)}) rotate(-90)"` : `x="${n(x)}" y="${n(y)}"`
      const weight = bold ? ' font-weight="600"' : ''
      return `<text ${place} font-size="${size}"${weight} text-anchor="${anchor}" fill="${fill}">${escape(text)}</text>`
    }
  }
}

/** Vectors and text, readable by any program; cells are crisp at every size. */
export function writeSvg(picture: PlotPicture, ink: PlotInk): Blob {
  const { width, height, title, caption, marks } = picture
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${n(width)}" height="${n(height)}" viewBox="0 0 ${n(width)} ${n(height)}">`,
    `<title>${escape(title)}</title>`,
    `<desc>${escape(caption)}</desc>`,
    `<rect width="${n(width)}" height="${n(height)}" fill="${ink.paper}"/>`,
    `<g shape-rendering="crispEdges">`,
    ...marks.filter(({ kind }) => kind === 'rect').map(svgMark),
    '</g>',
    ...marks.filter(({ kind }) => kind !== 'rect' && kind !== 'text').map(svgMark),
    ...(['ui', 'mono'] as const).flatMap((font) => [
      // Attributes, not a style sheet: a page that shows the file may forbid those.
      `<g font-family="${escape(ink[font])}" xml:space="preserve">`,
      ...marks.filter((mark) => mark.kind === 'text' && mark.font === font).map(svgMark),
      '</g>',
    ]),
    '</svg>',
  ]
  return new Blob([`${lines.join('\n')}\n`], { type: 'image/svg+xml' })
}

/** Device pixels of a CSS pixel. */
const SHARP = 2

/** The same picture as pixels, in the page's own fonts. */
export function writePng(picture: PlotPicture, ink: PlotInk): Promise<Blob> {
  const canvas = new OffscreenCanvas(Math.ceil(picture.width * SHARP), Math.ceil(picture.height * SHARP))
  const context = canvas.getContext('2d')
  invariant(context, 'a canvas draws')
  context.scale(SHARP, SHARP)
  paint(context, picture, ink)
  return canvas.convertToBlob({ type: 'image/png' })
}

/** Draws a picture from the corner of a canvas on, in its units. */
export function paint(
  context: OffscreenCanvasRenderingContext2D,
  { width, height, marks }: PlotPicture,
  ink: PlotInk,
): void {
  context.fillStyle = ink.paper
  context.fillRect(0, 0, width, height)
  for (const mark of marks) if (mark.kind === 'rect') drawMark(context, mark, ink)
  for (const mark of marks) if (mark.kind !== 'rect') drawMark(context, mark, ink)
}

function drawMark(context: OffscreenCanvasRenderingContext2D, mark: Mark, ink: PlotInk): void {
  switch (mark.kind) {
    case 'rect':
      context.fillStyle = mark.fill
      return context.fillRect(mark.x, mark.y, mark.width, mark.height)
    case 'line':
      context.strokeStyle = mark.stroke
      context.lineWidth = 1
      context.setLineDash((mark.dash ?? '').split(' ').filter(Boolean).map(Number))
      return context.stroke(new Path2D(`M${mark.x1} ${mark.y1}L${mark.x2} ${mark.y2}`))
    case 'path':
      context.strokeStyle = mark.stroke
      context.lineWidth = mark.width
      context.setLineDash([])
      return context.stroke(new Path2D(mark.d))
    case 'text':
      return drawText(context, mark, ink)
  }
}

function drawText(context: OffscreenCanvasRenderingContext2D, mark: TextMark, ink: PlotInk): void {
  context.save()
  context.font = `${mark.bold === true ? 600 : 400} ${mark.size}px ${ink[mark.font]}`
  context.textAlign = mark.anchor === 'middle' ? 'center' : mark.anchor
  context.fillStyle = mark.fill
  context.translate(mark.x, mark.y)
  if (mark.turned === true) context.rotate(-Math.PI / 2)
  context.fillText(mark.text, 0, 0)
  context.restore()
}
