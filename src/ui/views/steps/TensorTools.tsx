import { useMemo } from 'react'
import { invariant } from '../../../errors.ts'
import type { TensorCell } from './store.ts'
import type { StepInfo, TensorData } from '../../../api/model.ts'
import { Icon } from '../../components/Icon.tsx'
import { Segmented } from '../../components/Segmented.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { rampGradient } from '../../draw/ramps.ts'
import type { ValueRange } from '../../draw/heatmap.ts'
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
      <Exports shown={shown} formats={mode === 'map' ? FORMATS : FORMATS.filter((one) => one !== 'png')} />
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

/** Files of the step; a picture is offered where one is drawn. */
function Exports({ shown, formats }: { shown: ShownStep; formats: readonly FileFormat[] }) {
  const session = useSession()
  const steps = useSteps()
  const t = useTranslate()
  const texts = useRowTexts()
  const save = (format: FileFormat) => {
    const readTensor = () => steps.cache.read(shown.source, shown.step.name)
    makeFile(format, shown.step, readTensor, texts).then(
      (blob) => download(blob, `${shown.step.name}.${format}`),
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

async function makeFile(
  format: FileFormat,
  { name: step, axes }: StepInfo,
  readTensor: () => Promise<TensorData>,
  texts: readonly string[],
): Promise<Blob> {
  switch (format) {
    case 'npy':
      return writeNpy(await readTensor())
    case 'csv':
      return writeCsv(await readTensor(), axes.at(-2)?.kind === 'rows' ? texts : undefined)
    case 'png':
      // The line of the tree names the same step, and stands before the picture.
      return pictureOf(document.querySelector(`.tensor[data-step="${CSS.escape(step)}"]`))
  }
}

/** The picture as it stands: what the engine drew, and the labels over it. */
async function pictureOf(view: Element | null): Promise<Blob> {
  const layers = [...(view?.querySelectorAll('canvas') ?? [])]
  const labels = layers.at(-1)
  invariant(labels, 'a picture is on show')
  const canvas = new OffscreenCanvas(labels.width, labels.height)
  const context = canvas.getContext('2d')
  invariant(context, 'a canvas draws')
  const frame = labels.getBoundingClientRect()
  const ratio = labels.width / frame.width
  for (const layer of layers) {
    const { x, y, width, height } = layer.getBoundingClientRect()
    context.drawImage(layer, (x - frame.x) * ratio, (y - frame.y) * ratio, width * ratio, height * ratio)
  }
  return canvas.convertToBlob({ type: 'image/png' })
}

function download(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
