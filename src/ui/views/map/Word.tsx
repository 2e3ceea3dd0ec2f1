import { memo } from 'react'
import type { LayerWord } from './store.ts'
import { formatProbability } from '../../../maths/format.ts'
import { useTranslate } from '../../context.ts'
import { probabilityLevel } from '../../draw/palette.ts'
import { useOpenings } from './hooks.ts'
import { useTokenName } from '../../components/useTokenName.ts'

interface WordProps {
  word: LayerWord | undefined
  /** The stream that is read. */
  step: string
  /** What the layer is called. */
  name: string
  /** The token that was chosen is already this layer's. */
  lit: boolean
}

/** The word a layer would say if the model ended there. */
export const Word = memo(function Word({ word, step, name, lit }: WordProps) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const openings = useOpenings()
  const best = word?.top[0]
  if (word === undefined || best === undefined) return <span className="map-word row map-word-none" />
  const text = nameToken(word.text, best.id)
  const says = t('map.wordOf', { name, word: text, probability: formatProbability(best.probability) })
  return (
    <button
      type="button"
      className={lit ? 'map-word row map-word-lit' : 'map-word row'}
      data-testid="map-node"
      data-step={step}
      data-token-id={best.id}
      data-probability={best.probability}
      tabIndex={-1}
      aria-label={says}
      title={says}
      onClick={() => openings.word(word.layer)}
    >
      <span
        className="map-word-text"
        style={{ '--swatch': `var(--seq-${probabilityLevel(Math.log(best.probability))})` }}
      >
        {text}
      </span>
      <span className="map-word-share numeric">{formatShare(best.probability)}</span>
    </button>
  )
})

/** Whole percents: a column of them is read at a glance. */
const formatShare = (probability: number): string =>
  probability < 0.005 ? '<1%' : `${Math.round(probability * 100)}%`
