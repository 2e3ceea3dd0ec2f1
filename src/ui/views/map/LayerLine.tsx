import { memo } from 'react'
import type { LayerFacts, LayerWord } from './store.ts'
import type { MapLayer } from './picture.ts'
import { useTranslate } from '../../context.ts'
import { Icon } from '../../components/Icon.tsx'
import { HeadStrip } from './HeadStrip.tsx'
import { useModelMap } from './hooks.ts'
import { Inner } from './Inner.tsx'
import { River } from './River.tsx'
import { Word } from './Word.tsx'

export interface MapColumns {
  heads: number
  inner: number
}

interface LayerLineProps {
  layer: MapLayer
  facts: LayerFacts | null
  word: LayerWord | undefined
  /** Id of the token that was chosen behind the row. */
  next: number | null
  /** Lengths of the stream above and below, as shares of the longest of all. */
  from: number
  to: number
  /** Probability of the chosen token above the layer. */
  above: number
  seen: number
  open: boolean
  columns: MapColumns
  height: number
}

/** A layer folded to one line: attention at the left of the stream, the MLP at its right, then the word. */
export const LayerLine = memo(function LayerLine(props: LayerLineProps) {
  const { layer, facts, word, next, from, to, above, seen, open, columns, height } = props
  const t = useTranslate()
  const map = useModelMap()
  const name = t('map.layer', { layer: layer.layer })
  const inside = Math.max(8, height - 4)
  return (
    <div
      className={facts === null ? 'map-line' : 'map-line map-line-here'}
      role="group"
      aria-label={name}
      data-layer={layer.layer}
      style={{ height, '--at': layer.layer }}
    >
      <button
        type="button"
        className="map-layer row numeric"
        data-testid="map-node"
        data-step={layer.out}
        aria-expanded={open}
        aria-label={t(open ? 'map.close' : 'map.open', { layer: layer.layer })}
        title={t(open ? 'map.close' : 'map.open', { layer: layer.layer })}
        tabIndex={-1}
        onClick={() => map.toggle(layer.layer)}
      >
        <span className={open ? 'map-twist map-twist-open' : 'map-twist'}>
          <Icon name="right" />
        </span>
        {layer.layer}
      </button>
      <div className="map-left row">
        {layer.heads !== null && columns.heads > 0 && (
          <HeadStrip
            layer={layer.layer}
            heads={layer.heads}
            {...{ facts, seen }}
            width={columns.heads}
            height={inside}
          />
        )}
      </div>
      <River
        {...{ from, to, height }}
        chance={[above, word?.probability ?? above]}
        writes={layer.writes.map((write, at) => ({ write, facts: facts?.writes[at] ?? null }))}
      />
      <div className="map-right row">
        <Inner layer={layer} facts={facts} width={columns.inner} height={inside} />
      </div>
      <Word word={word} step={layer.out} name={name} lit={next !== null && word?.top[0]?.id === next} />
    </div>
  )
})
