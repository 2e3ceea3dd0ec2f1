import { visibleText } from '../../../state/characterGroups.ts'
import { lensCell, lensText, type LensMap } from './store.ts'
import { PlotExport } from '../../components/PlotExport.tsx'
import { useTranslate } from '../../context.ts'
import { probabilityLevel } from '../../draw/palette.ts'
import type { PlotPicture } from '../../draw/plotFiles.ts'
import { matrixPlot, type PlotFrame } from '../../draw/plots.ts'
import { useTexts } from '../../components/reading.ts'
import { useTokenName } from '../../components/useTokenName.ts'

/** The lens as a picture: the last layer on top, in every cell its word and its probability. */
export function LensExport({ ids, map }: { ids: readonly number[]; map: LensMap }) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const texts = useTexts(ids.length)
  const make = (frame: PlotFrame): PlotPicture => {
    const layers = map.layers.toReversed()
    const best = (row: number, col: number) => lensCell(map, layers[row] ?? 0, col)?.top[0]
    return matrixPlot(frame, {
      rows: layers.length,
      cols: map.positions,
      colour: (row, col) => {
        const top = best(row, col)
        return top === undefined
          ? null
          : (frame.ink.levels[probabilityLevel(Math.log(top.probability))] ?? null)
      },
      words: (row, col) => {
        const top = best(row, col)
        if (top === undefined) return ''
        const word = lensText(map, col, top.id)
        return `${Math.round(top.probability * 100)}% ${nameToken(word, top.id)}`
      },
      rowLabel: (row) => {
        const layer = layers[row] ?? 0
        return layer < 0 ? t('lens.embeddingShort') : t('lens.layerShort', { layer })
      },
      colLabel: (col) => (texts[col] ? visibleText(texts[col]) : `#${ids[col] ?? ''}`),
      colWords: false,
      cell: { width: 96, height: 24 },
      scale: { colours: frame.ink.levels, ends: ['0', '1'], note: t('plot.wordScale') },
    })
  }
  return <PlotExport title={t('plot.lens')} make={make} />
}
