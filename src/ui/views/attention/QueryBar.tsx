import { useEffect, useMemo, useRef } from 'react'
import { Segmented } from '../../components/Segmented.tsx'
import { useTranslate } from '../../context.ts'
import { ArcText } from './ArcText.tsx'
import { useAttention, useAttentionState } from './hooks.ts'
import { BarTokens, useBarKeys } from './BarTokens.tsx'

interface StripProps {
  ids: readonly number[]
  /** The selected token. */
  row: number
}

/** The text under the weights of the selected token: arcs over one line, or shades over the whole. */
export function QueryBar(props: StripProps) {
  const t = useTranslate()
  const drawn = useAttentionState((state) => state.drawn)
  return (
    <section className="query" aria-label={t('attention.overText')}>
      {drawn === 'arcs' ? <ArcText {...props} /> : <ShadedText {...props} />}
    </section>
  )
}

/** Which weights of the selected token are drawn over the text, and how. */
export function QueryTools() {
  const t = useTranslate()
  const { state } = useAttention()
  const drawn = useAttentionState((state) => state.drawn)
  const direction = useAttentionState((state) => state.direction)
  return (
    <>
      <Segmented
        label={t('attention.direction')}
        value={direction}
        choices={[
          { value: 'keys', label: t('attention.keys') },
          { value: 'queries', label: t('attention.queries') },
        ]}
        onChange={(next) => state.setState({ direction: next })}
      />
      <Segmented
        label={t('attention.drawn')}
        value={drawn}
        choices={[
          { value: 'arcs', label: t('attention.arcs') },
          { value: 'text', label: t('attention.text') },
        ]}
        onChange={(next) => state.setState({ drawn: next })}
      />
    </>
  )
}

function ShadedText({ ids, row }: StripProps) {
  const t = useTranslate()
  const bar = useRef<HTMLDivElement>(null)
  const all = useMemo(() => [...ids.keys()], [ids])
  useEffect(() => {
    bar.current?.querySelector('[aria-pressed="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [row, ids])
  return (
    <div
      className="query-bar"
      ref={bar}
      role="group"
      data-arrows=""
      aria-label={t('attention.textBar')}
      onKeyDown={useBarKeys(ids.length, row)}
    >
      <BarTokens ids={ids} row={row} shown={all} starts={null} />
    </div>
  )
}
