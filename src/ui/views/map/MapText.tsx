import { memo, useEffect, useRef } from 'react'
import type { RowFacts } from './store.ts'
import { visibleText } from '../../../state/characterGroups.ts'
import { selectRow } from '../../../state/selection.ts'
import { useSession, useTranslate } from '../../context.ts'
import { inkLevel } from '../../draw/ink.ts'
import { useRow, useRowTexts, useStepsState } from '../steps/hooks.ts'
import { tokenName } from '../../components/labels.ts'
import { useMapState } from './hooks.ts'

const NO_IDS: readonly number[] = []

/** Weights of the head that is pointed at, over the positions; null while none is. */
function useLooked(facts: RowFacts | null): Float32Array | null {
  const looked = useMapState((state) => state.looked)
  const layers = useMapState((state) => state.picture?.layers)
  if (looked === null || facts === null) return null
  const at = layers?.findIndex(({ layer }) => layer === looked.layer) ?? -1
  const weights = facts.layers[at]?.weights
  const count = layers?.[at]?.heads?.count
  if (!weights || count === undefined) return null
  const positions = weights.length / count
  return weights.subarray(looked.head * positions, (looked.head + 1) * positions)
}

/** The text that flows in. The chosen token is the row the picture is of; a head pointed at shows here what it looks at. */
export function MapText({ facts }: { facts: RowFacts | null }) {
  const t = useTranslate()
  const session = useSession()
  const texts = useRowTexts()
  const ids = useStepsState((state) => state.source?.ids ?? NO_IDS)
  const row = useRow()
  const weights = useLooked(facts)
  const bar = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const chosen = bar.current?.querySelector('[aria-pressed="true"]')
    chosen?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [row, ids])
  return (
    <div className="map-text" ref={bar} role="group" aria-label={t('map.text')}>
      {ids.map((id, index) => (
        <Token
          key={index}
          row={index}
          id={id}
          text={texts[index] ?? ''}
          name={tokenName(t, texts[index] ?? '', id)}
          generated={index >= session.log.promptIds.length}
          selected={index === row}
          level={weights === null ? null : inkLevel(weights[index] ?? 0)}
          onSelect={selectRow}
        />
      ))}
    </div>
  )
}

interface TokenProps {
  row: number
  id: number
  text: string
  name: string
  generated: boolean
  selected: boolean
  /** Step of the palette behind it. */
  level: number | null
  onSelect: typeof selectRow
}

const Token = memo(function Token(props: TokenProps) {
  const { row, id, text, name, generated, selected, level, onSelect } = props
  const session = useSession()
  return (
    <button
      type="button"
      className={generated ? 'map-token map-token-generated' : 'map-token'}
      data-testid="row-token"
      data-row={row}
      data-token-id={id}
      aria-pressed={selected}
      aria-label={`${row}: ${name}`}
      tabIndex={selected ? 0 : -1}
      style={level === null ? undefined : { '--swatch': `var(--seq-${level})` }}
      onClick={() => onSelect(session, row)}
    >
      {text === '' ? `<${id}>` : visibleText(text)}
    </button>
  )
})
