import { useRef } from 'react'
import { useSession, useTranslate } from '../context.ts'
import { readPlotInk, writePng, writeSvg, type PlotPicture } from '../draw/plotFiles.ts'
import type { PlotFrame } from '../draw/plots.ts'
import { selectedRow } from '../../state/selection.ts'
import { useScales, useScalesText } from './useScales.ts'
import { saveFile } from './saveFile.ts'
import { Icon } from './Icon.tsx'

export interface PlotExportProps {
  /** What is drawn: the picture's title, and the name of its file. */
  title: string
  /** What its numbers are of; omitted: the model, text and scales on the page. */
  caption?: string
  /** Makes the picture in the colours of the page. */
  make: (frame: PlotFrame) => PlotPicture | Promise<PlotPicture>
}

const FORMATS = ['svg', 'png'] as const

/** Saves a plot as vectors or pixels, in the theme on show. */
export function PlotExport({ title, caption, make }: PlotExportProps) {
  const t = useTranslate()
  const session = useSession()
  const pageCaption = usePageCaption()
  const place = useRef<HTMLSpanElement>(null)
  const save = async (format: (typeof FORMATS)[number]): Promise<void> => {
    const ink = readPlotInk(place.current ?? document.documentElement)
    const picture = await make({ ink, title, caption: caption ?? pageCaption() })
    const blob = format === 'svg' ? writeSvg(picture, ink) : await writePng(picture, ink)
    saveFile({ name: `${fileStem(title)}.${format}`, blob })
  }
  return (
    <span className="exports plot-export" ref={place}>
      <Icon name="download" />
      {FORMATS.map((format) => (
        <button
          key={format}
          type="button"
          className="button button-quiet button-small"
          data-testid={`plot-export-${format}`}
          aria-label={`${t('plot.exportOf', { name: title })}: ${t(`plot.${format}`)}`}
          title={t(`plot.${format}`)}
          onClick={() => void save(format).catch((error: unknown) => session.report(error))}
        >
          {format}
        </button>
      ))}
    </span>
  )
}

/** Letters of the text that a caption quotes. */
const QUOTED = 60

/** What the numbers on the page are of: model, text and scales. */
export function usePageCaption(): () => string {
  const t = useTranslate()
  const session = useSession()
  const { log } = session
  const scalesText = useScalesText()
  const scales = useScales()
  return () => {
    const fullText = [...log.promptTexts, ...log.tokens.map(({ text }) => text)].join('')
    const caption = plotCaption(log.modelId, fullText, scalesText(scales))
    if (log.settings === null) return caption
    const position = selectedRow(session, log.promptIds.length + log.tokens.length)
    const { temperature, seed } = log.settings
    return [caption, t('logits.position', { position }), t('runs.settings', { temperature, seed })].join(
      ' · ',
    )
  }
}

/** Model, the beginning of the text, and the scales, on one line. */
export function plotCaption(model: string, text: string, scales: string): string {
  const letters = [...text.replace(/\s+/g, ' ').trim()]
  const quoted = letters.length > QUOTED ? `${letters.slice(0, QUOTED).join('')}…` : letters.join('')
  return [model, quoted === '' ? '' : `“${quoted}”`, scales].filter((part) => part !== '').join(' · ')
}

const fileStem = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}.]+/gu, '-')
    .replace(/^-|-$/g, '')
