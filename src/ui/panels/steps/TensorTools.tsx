import type { Cell } from '../../../store/steps.ts'
import { Icon } from '../../components/Icon.tsx'
import { Segmented } from '../../components/Segmented.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { rampGradient } from '../../draw/ramps.ts'
import type { ValueRange } from '../../draw/heatmap.ts'
import { writeCsv, writeNpy } from '../../draw/tensorFiles.ts'
import { useShade, type ShownTensor } from './hooks.ts'
import { formatValue } from './liveMath.ts'
import { sliceCount, type StepLayout } from './shape.ts'

interface TensorToolsProps {
  shown: ShownTensor
  layout: StepLayout
  cell: Cell
  range: ValueRange
  mode: 'map' | 'table'
  onMode: (mode: 'map' | 'table') => void
  onSlice: (slice: number) => void
}

/** Above the picture: which slice, how it is shown, what the colours mean, files to take away. */
export function TensorTools({ shown, layout, cell, range, mode, onMode, onSlice }: TensorToolsProps) {
  const t = useTranslate()
  return (
    <div className="tensor-tools">
      {layout.slices.kind !== 'none' && <SliceSelect layout={layout} cell={cell} onSlice={onSlice} />}
      <Segmented
        label={t('tensor.show')}
        value={mode}
        choices={[
          { value: 'map', label: t('tensor.map') },
          { value: 'table', label: t('tensor.table') },
        ]}
        onChange={onMode}
      />
      <RangeLegend layout={layout} range={range} shown={shown} />
      <Exports shown={shown} />
    </div>
  )
}

function SliceSelect({ layout, cell, onSlice }: Pick<TensorToolsProps, 'layout' | 'cell' | 'onSlice'>) {
  const t = useTranslate()
  const heads = layout.slices.kind === 'heads'
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
        {Array.from({ length: sliceCount(layout) }, (_, slice) => (
          <option key={slice} value={slice}>
            {heads ? slice : t(slice === 0 ? 'tensor.keys' : 'tensor.values')}
          </option>
        ))}
      </select>
    </label>
  )
}

/** The ramp with its ends; ends that some values lie beyond say so. */
function RangeLegend({ layout, range, shown }: Pick<TensorToolsProps, 'layout' | 'range' | 'shown'>) {
  const t = useTranslate()
  const shade = useShade()
  const [low, high] = range
  const beyond = layout.palette === 'diverging' && shown.tensor.data.some((value) => Math.abs(value) > high)
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

type FileFormat = 'npy' | 'csv' | 'png'

function Exports({ shown }: { shown: ShownTensor }) {
  const session = useSession()
  const t = useTranslate()
  const save = (format: FileFormat) => {
    makeFile(format, shown).then(
      (blob) => download(blob, `${shown.step.name}.${format}`),
      (error: unknown) => session.report(error),
    )
  }
  return (
    <span className="exports">
      <Icon name="download" />
      {(['npy', 'csv', 'png'] as const).map((format) => (
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

async function makeFile(format: FileFormat, { step, tensor }: ShownTensor): Promise<Blob> {
  switch (format) {
    case 'npy':
      return writeNpy(tensor)
    case 'csv':
      return writeCsv(tensor)
    case 'png': {
      const canvas = document.querySelector<HTMLCanvasElement>(
        `[data-step="${CSS.escape(step.name)}"] canvas`,
      )
      return new Promise((resolve, reject) => {
        if (canvas === null) reject(new Error('invariant: no picture is on show'))
        else
          canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('invariant: an empty picture'))))
      })
    }
  }
}

function download(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
