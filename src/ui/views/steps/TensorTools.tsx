import { useMemo } from 'react'
import { invariant } from '../../../errors.ts'
import type { TensorCell } from './store.ts'
import type { StepInfo } from '../../../api/model.ts'
import { Icon } from '../../components/Icon.tsx'
import { usePageCaption } from '../../components/PlotExport.tsx'
import { saveFile } from '../../components/saveFile.ts'
import { Segmented } from '../../components/Segmented.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { rampGradient, rampStops, type Palette } from '../../draw/ramps.ts'
import type { ValueRange } from '../../draw/heatmap.ts'
import { paint, readPlotInk } from '../../draw/plotFiles.ts'
import {
  framed,
  PLOT_MARGIN,
  PLOT_TOP,
  SCALE_HEIGHT,
  scaleMarks,
  type ColourScale,
} from '../../draw/plots.ts'
import { writeCsv, writeNpy } from '../../draw/tensorFiles.ts'
import { changeAt, EditHere } from '../edits/EditHere.tsx'
import { useShade } from '../../components/useShade.ts'
import { useRowTexts, useSteps, type ShownStep } from './hooks.ts'
import { formatValue } from './numbers.ts'
import type { StepLayout } from './shape.ts'

interface TensorToolsProps {
  shown: ShownStep
  layout: StepLayout
  cell: TensorCell
  /** Null until something has been drawn. */
  range: ValueRange | null
  mode: 'map' | 'table'
  onMode: (mode: 'map' | 'table') => void
  onSlice: (slice: number) => void
}

/** Above the picture: which slice, how it is shown, what the colours mean, files to take away. */
export function TensorTools({ shown, layout, cell, range, mode, onMode, onSlice }: TensorToolsProps) {
  const t = useTranslate()
  return (
    <div className="tensor-tools cluster">
      {layout.sliceKind !== 'none' && <SliceSelect layout={layout} cell={cell} onSlice={onSlice} />}
      <Segmented
        label={t('tensor.show')}
        value={mode}
        choices={[
          { value: 'map', label: t('tensor.map') },
          { value: 'table', label: t('tensor.table') },
        ]}
        onChange={onMode}
      />
      {range !== null && <RangeLegend layout={layout} range={range} shown={shown} />}
      <Exports
        shown={shown}
        picture={mode === 'map' && range !== null ? { range, palette: layout.palette } : null}
      />
      <EditStep step={shown.step} cell={cell} />
    </div>
  )
}

/** An edit at the chosen cell, where this step can be edited. */
function EditStep({ step, cell }: { step: StepInfo; cell: TensorCell }) {
  const change = changeAt({ step, ...cell })
  return change === null ? null : <EditHere changes={[change]} />
}

function SliceSelect({ layout, cell, onSlice }: Pick<TensorToolsProps, 'layout' | 'cell' | 'onSlice'>) {
  const t = useTranslate()
  const heads = layout.sliceKind === 'heads'
  const label = t(heads ? 'tensor.head' : 'tensor.slice')
  return (
    <label className="slice">
      <span className="note">{label}</span>
      <select
        className="select"
        data-testid="tensor-slice"
        value={cell.slice}
        onChange={(event) => onSlice(Number(event.currentTarget.value))}
      >
        {Array.from({ length: layout.slices }, (_, slice) => (
          <option key={slice} value={slice}>
            {heads ? slice : t(slice === 0 ? 'tensor.keys' : 'tensor.values')}
          </option>
        ))}
      </select>
    </label>
  )
}

/** The ramp with its ends; ends that some values lie beyond say so. */
interface RangeLegendProps {
  layout: StepLayout
  range: ValueRange
  shown: ShownStep
}

function RangeLegend({ layout, range, shown }: RangeLegendProps) {
  const t = useTranslate()
  const shade = useShade()
  const [low, high] = range
  const { fullTensor } = shown
  const beyond = useMemo(
    () => fullTensor !== null && fullTensor.data.some((value) => value > high || value < low),
    [fullTensor, low, high],
  )
  const ends = {
    low: `${beyond ? '≤ ' : ''}${formatValue(low)}`,
    high: `${beyond ? '≥ ' : ''}${formatValue(high)}`,
  }
  return (
    <span className="range-legend" title={t('tensor.zoomHint')}>
      <span className="visually-hidden">{t('tensor.legend', ends)}</span>
      <span className="numeric" aria-hidden="true">
        {ends.low}
      </span>
      <span
        className="range-ramp"
        aria-hidden="true"
        style={{ backgroundImage: rampGradient(layout.palette, shade) }}
      />
      <span className="numeric" aria-hidden="true">
        {ends.high}
      </span>
    </span>
  )
}

const FORMATS = ['npy', 'csv', 'png'] as const
type FileFormat = (typeof FORMATS)[number]

/** What the colours of the picture on show say. */
interface ShownPicture {
  range: ValueRange
  palette: Palette
}

/** Files of the step; a picture is offered where one is drawn. */
function Exports({ shown, picture }: { shown: ShownStep; picture: ShownPicture | null }) {
  const session = useSession()
  const steps = useSteps()
  const t = useTranslate()
  const texts = useRowTexts()
  const caption = usePageCaption()
  const shade = useShade()
  const formats = FORMATS.filter((format) => format !== 'png' || picture !== null)
  const step = shown.step.name
  const make = async (format: FileFormat): Promise<Blob> => {
    if (format === 'png') {
      invariant(picture, 'a picture is on show')
      const [low, high] = picture.range
      // The line of the tree names the same step, and stands before the picture.
      const view = document.querySelector(`.tensor[data-step="${CSS.escape(step)}"]`)
      return pictureOf(view, {
        title: step,
        caption: caption(),
        scale: {
          colours: rampStops(picture.palette, shade),
          ends: [formatValue(low), formatValue(high)],
        },
      })
    }
    const tensor = await steps.cache.read(shown.source, step)
    if (format === 'npy') return writeNpy(tensor)
    return writeCsv(tensor, shown.step.axes.at(-2)?.kind === 'rows' ? texts : undefined)
  }
  const save = (format: FileFormat) => {
    make(format).then(
      (blob) => saveFile({ name: `${step}.${format}`, blob }),
      (error: unknown) => session.report(error),
    )
  }
  return (
    <span className="exports">
      <Icon name="download" />
      {formats.map((format) => (
        <button
          key={format}
          type="button"
          className="button button-quiet button-small"
          aria-label={t('tensor.export', { format: `.${format}` })}
          title={t('tensor.export', { format: `.${format}` })}
          data-testid={`tensor-export-${format}`}
          onClick={() => save(format)}
        >
          {format}
        </button>
      ))}
    </span>
  )
}

/** The picture as it stands, what the engine drew and the labels over it, between its title and what the colours say. */
async function pictureOf(
  view: Element | null,
  { title, caption, scale }: { title: string; caption: string; scale: ColourScale },
): Promise<Blob> {
  const layers = [...(view?.querySelectorAll('canvas') ?? [])]
  const labels = layers.at(-1)
  invariant(view && labels, 'a picture is on show')
  const box = labels.getBoundingClientRect()
  const ratio = labels.width / box.width
  const ink = readPlotInk(view)
  const height = PLOT_TOP + box.height + SCALE_HEIGHT
  const marks = scaleMarks(ink, scale, { x: PLOT_MARGIN, y: height - 4 })
  const frame = framed({ ink, title, caption }, { width: PLOT_MARGIN + box.width, height }, marks)
  const canvas = new OffscreenCanvas(Math.ceil(frame.width * ratio), Math.ceil(frame.height * ratio))
  const context = canvas.getContext('2d')
  invariant(context, 'a canvas draws')
  context.scale(ratio, ratio)
  paint(context, frame, ink)
  for (const layer of layers) {
    const { x, y, width, height: tall } = layer.getBoundingClientRect()
    context.drawImage(layer, PLOT_MARGIN + x - box.x, PLOT_TOP + y - box.y, width, tall)
  }
  return canvas.convertToBlob({ type: 'image/png' })
}
