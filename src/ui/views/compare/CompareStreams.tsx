import { BlankSlate } from '../../components/BlankSlate.tsx'
import { useEffect, useRef, type MouseEvent } from 'react'
import type { ComparedSide } from './store.ts'
import { LEVELS } from '../../draw/palette.ts'
import { labelTokenParts } from '../../../state/tokenLabels.ts'
import { TokenText } from '../../components/TokenText.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { formatCount, formatFixed } from '../../../maths/format.ts'
import { useCompareState, useComparison } from './hooks.ts'
import { KlExport } from './KlExport.tsx'
import { bare } from '../../components/labels.ts'
import { useTokenName } from '../../components/useTokenName.ts'
import { ScalesName } from '../adapters/ScalesChip.tsx'
import { formatNats } from '../../components/numbers.ts'

/** KL at which the colours end, nats. */
const KL_END = 2

const klLevel = (kl: number) => Math.min(LEVELS - 1, Math.floor((kl / KL_END) * LEVELS))

/** Both texts side by side, coloured by how far the two distributions lie apart. */
export function CompareStreams() {
  const t = useTranslate()
  const shown = useCompareState((state) => state.shown)
  useCompareState((state) => state.version)
  if (shown === null) {
    return (
      <BlankSlate title={t('compare.empty')}>
        <p>{t('compare.emptyHint')}</p>
      </BlankSlate>
    )
  }
  return (
    <>
      <Summary />
      <div className="compare-streams" data-palette="surprise">
        <Stream side="a" />
        <Stream side="b" />
      </div>
    </>
  )
}

/** Where the run stands, and how far apart the two are on the whole. */
function Summary() {
  const comparison = useComparison()
  const t = useTranslate()
  const phase = useCompareState((state) => state.phase)
  const mode = useCompareState((state) => state.shown?.mode)
  // Behind the first token that differs the two distributions are of different texts.
  const kl = comparison.klAlike
  const mean = kl.length === 0 ? null : kl.reduce((sum, value) => sum + value, 0) / kl.length
  const first = comparison.firstDifference
  return (
    <div className="output-tools cluster compare-summary">
      <span className="note numeric" role="status">
        {phase.kind === 'prefill' && t('output.reading', { done: phase.done, total: phase.total })}
        {mean !== null && t('compare.summary', { kl: formatNats(mean), count: formatCount(kl.length) })}
        {mode === 'write' && mean !== null && (
          <> · {first < 0 ? t('compare.same') : t('compare.firstDifference', { token: first + 1 })}</>
        )}
      </span>
      <span className="legend" data-palette="surprise" title={t('compare.legend')}>
        <span>{t('compare.klShort')}</span>
        <span className="numeric">0</span>
        <span className="legend-ramp" aria-hidden="true">
          {Array.from({ length: LEVELS }, (_, level) => (
            <span key={level} style={{ '--swatch': `var(--seq-${level})` }} />
          ))}
        </span>
        <span className="numeric">≥ {KL_END} nat</span>
      </span>
      <KlExport />
    </div>
  )
}

/** What one position shows on one side. */
interface StreamCell {
  id: number
  text: string
  logprob: number | null
  kl: number | null
}

function useCells(side: ComparedSide): { cells: readonly (StreamCell | null)[]; lead: string } {
  const comparison = useComparison()
  useCompareState((state) => state.version)
  const shown = useCompareState((state) => state.shown)
  const { eosIds = [] } = useSession().model?.info ?? {}
  const spell = (tokens: readonly { id: number; text: string }[]): string[] =>
    labelTokenParts(tokens, (id) => eosIds.includes(id))
  if (shown?.mode === 'score') {
    const { scored, scoredIds, scoredTexts } = comparison
    const texts = spell(scoredIds.map((id, at) => ({ id, text: scoredTexts[at] ?? '' })))
    return {
      lead: scoredTexts[0] ?? '',
      cells: scored.map((position, index) => ({
        id: scoredIds[index + 1] ?? 0,
        text: texts[index + 1] ?? '',
        logprob: position[side],
        kl: position.kl,
      })),
    }
  }
  const texts = spell(comparison.tokens.map((token) => token[side] ?? { id: -1, text: ' ' }))
  return {
    lead: shown?.prompt ?? '',
    cells: comparison.tokens.map((token, at) => {
      const one = token[side]
      return one === null ? null : { id: one.id, text: texts[at] ?? '', logprob: one.logprob, kl: token.kl }
    }),
  }
}

function Stream({ side }: { side: ComparedSide }) {
  const comparison = useComparison()
  const t = useTranslate()
  const shown = useCompareState((state) => state.shown)
  const phase = useCompareState((state) => state.phase.kind)
  const selected = useCompareState((state) => state.selected)
  const { cells, lead } = useCells(side)
  const first = comparison.firstDifference
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (selected === null) return
    box.current?.querySelector(`[data-token-index="${selected}"]`)?.scrollIntoView({ block: 'nearest' })
  }, [selected])
  const sum = cells.reduce((total, cell) => total + (cell?.logprob ?? 0), 0)
  const onClick = (event: MouseEvent) => {
    const chip = event.target instanceof Element ? event.target.closest('[data-token-index]') : null
    const at = chip?.getAttribute('data-token-index')
    if (at !== null && at !== undefined) comparison.state.setState({ selected: Number(at) })
  }
  return (
    <section className="compare-stream stack" aria-label={t('compare.side', { side: side.toUpperCase() })}>
      <header className="compare-stream-head">
        <span className="side-letter">{side.toUpperCase()}</span>
        <ScalesName scales={shown?.[side] ?? []} />
        {cells.length > 0 && (
          <span className="note numeric" title={t('compare.logprobHint')}>
            {t('compare.logprob', { value: formatFixed(sum / cells.length, 3) })}
          </span>
        )}
      </header>
      <div
        ref={box}
        className="compare-text"
        role="listbox"
        tabIndex={0}
        aria-label={t('compare.output', { side: side.toUpperCase() })}
        aria-activedescendant={selected === null ? undefined : `${side}-${selected}`}
        data-testid={`output-${side}`}
        data-state={phase}
        onClick={onClick}
      >
        <span className="compare-lead" role="presentation">
          {lead}
        </span>
        {cells.map(
          (cell, index) =>
            cell !== null && (
              <Chip
                key={index}
                side={side}
                index={index}
                cell={cell}
                selected={index === selected}
                parting={index === first}
              />
            ),
        )}
      </div>
    </section>
  )
}

interface ChipProps {
  side: ComparedSide
  index: number
  cell: StreamCell
  selected: boolean
  /** The first token that differs from the other side's. */
  parting: boolean
}

function Chip({ side, index, cell, selected, parting }: ChipProps) {
  const { id, text, kl } = cell
  const nameToken = useTokenName()
  return (
    <span
      id={`${side}-${index}`}
      role="option"
      aria-selected={selected}
      className={`chip${parting ? ' chip-parting' : ''}${text === '' ? ' chip-end' : ''}`}
      data-label={text === '' ? bare(nameToken(text, id)) : undefined}
      data-token-index={index}
      data-token-id={id}
      data-kl={kl ?? undefined}
      title={kl === null ? undefined : `KL ${formatNats(kl)}`}
      aria-label={text === '' ? nameToken(text, id) : text.trim() === '' ? JSON.stringify(text) : undefined}
      style={kl === null ? undefined : { '--level': `var(--seq-${klLevel(kl)})` }}
    >
      <TokenText text={text} />
    </span>
  )
}
