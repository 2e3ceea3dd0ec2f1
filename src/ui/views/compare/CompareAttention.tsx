import { ReadingBar } from '../../components/ReadingBar.tsx'
import { useEffect, useMemo, useRef, useState } from 'react'
import { answeringModel } from '../../../state/app.ts'
import type { TensorData } from '../../../api/model.ts'
import { useApp, useMedia, useSession, useTranslate } from '../../context.ts'
import { rampRgba, type Palette, type Shade } from '../../draw/ramps.ts'
import { formatFixed } from '../../../maths/format.ts'
import { useComparison, useCompareState } from './hooks.ts'

/** Attention patterns of one layer and head under both sets of scales, and their difference. */
export function CompareAttention({ at }: { at: number }) {
  const t = useTranslate()
  const info = useApp((state) => answeringModel(state.model))
  const [layer, setLayer] = useState(0)
  const [head, setHead] = useState(0)
  const patterns = usePatterns(layer, at)
  const [layers, heads] = [info?.layers ?? 1, info?.heads ?? 1]
  return (
    <div className="attention-pair">
      <div className="compare-line cluster">
        <IndexSelect label={t('delta.layer')} count={layers} value={layer} onChange={setLayer} />
        <IndexSelect label={t('compare.head')} count={heads} value={head} onChange={setHead} />
      </div>
      {patterns === null ? (
        <ReadingBar words={t('compare.readingAttention')} />
      ) : (
        <Patterns patterns={patterns} head={Math.min(head, heads - 1)} />
      )}
    </div>
  )
}

function usePatterns(layer: number, at: number): { a: TensorData; b: TensorData } | null {
  const comparison = useComparison()
  const session = useSession()
  const shown = useCompareState((state) => state.shown)
  const [patterns, setPatterns] = useState<{ a: TensorData; b: TensorData } | null>(null)
  useEffect(() => {
    let wanted = true
    comparison.attention(layer, at).then(
      (loaded) => wanted && setPatterns(loaded),
      (error: unknown) => wanted && session.report(error),
    )
    return () => {
      wanted = false
    }
  }, [comparison, session, shown, layer, at])
  return patterns
}

interface IndexSelectProps {
  label: string
  count: number
  value: number
  onChange: (value: number) => void
}

function IndexSelect({ label, count, value, onChange }: IndexSelectProps) {
  return (
    <label className="compare-side">
      <span className="note">{label}</span>
      <select
        className="select"
        value={value}
        onChange={(event) => onChange(Number(event.currentTarget.value))}
      >
        {Array.from({ length: count }, (_, index) => (
          <option key={index} value={index}>
            {index}
          </option>
        ))}
      </select>
    </label>
  )
}

function Patterns({ patterns, head }: { patterns: { a: TensorData; b: TensorData }; head: number }) {
  const t = useTranslate()
  const [, rows = 0, positions = 0] = patterns.a.shape
  const { a, b, difference, largest } = useMemo(() => {
    const slice = ({ data }: TensorData) =>
      data.subarray(head * rows * positions, (head + 1) * rows * positions)
    const [first, second] = [slice(patterns.a), slice(patterns.b)]
    const gaps = first.map((value, index) => (second[index] ?? 0) - value)
    const end = gaps.reduce((top, value) => Math.max(top, Math.abs(value)), 0)
    return { a: first, b: second, difference: gaps, largest: end }
  }, [patterns, head, rows, positions])
  const size = { rows, cols: positions }
  return (
    <>
      <p className="note">{t('compare.attentionNote', { rows })}</p>
      <PatternPicture title="A" values={a} {...size} palette="sequential" range={[0, 1]} />
      <PatternPicture title="B" values={b} {...size} palette="sequential" range={[0, 1]} />
      <PatternPicture
        title={`B − A, ± ${formatFixed(largest, 3)}`}
        values={difference}
        {...size}
        palette="diverging"
        range={[-Math.max(largest, 1e-9), Math.max(largest, 1e-9)]}
      />
    </>
  )
}

interface PatternProps {
  title: string
  values: Float32Array
  rows: number
  cols: number
  palette: Palette
  range: readonly [low: number, high: number]
}

function useShade(): Shade {
  const theme = useApp((state) => state.theme)
  const dark = useMedia('(prefers-color-scheme: dark)')
  return theme === 'auto' ? (dark ? 'dark' : 'light') : theme
}

/** Queries down, keys across; the future stays empty. */
function PatternPicture({ title, values, rows, cols, palette, range: [low, high] }: PatternProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const shade = useShade()
  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (!context || rows === 0) return
    const ramp = rampRgba(palette, shade)
    const pixels = new Uint32Array(rows * cols)
    for (let row = 0; row < rows; row++) {
      for (let col = 0; col <= row && col < cols; col++) {
        const share = ((values[row * cols + col] ?? 0) - low) / (high - low)
        pixels[row * cols + col] = ramp[Math.min(255, Math.max(0, Math.floor(share * 256)))] ?? 0
      }
    }
    context.putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), cols, rows), 0, 0)
  }, [values, rows, cols, palette, low, high, shade])
  return (
    <figure className="pattern">
      <figcaption className="note numeric">{title}</figcaption>
      <canvas ref={canvas} width={cols} height={rows} role="img" aria-label={title} />
    </figure>
  )
}
