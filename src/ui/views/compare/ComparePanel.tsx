import { useState } from 'react'
import type { PairRow } from '../../../analysis/divergence.ts'
import { pairRows } from '../../../analysis/divergence.ts'
import { Segmented } from '../../components/Segmented.tsx'
import { useTranslate } from '../../context.ts'
import { formatFixed, formatProbability } from '../../../maths/format.ts'
import { CompareAttention } from './CompareAttention.tsx'
import { CompareLens } from './CompareLens.tsx'
import { useTokenName } from '../../components/useTokenName.ts'
import { useCompareState, useComparison } from './hooks.ts'
import { formatNats } from '../../components/numbers.ts'

/** Lines of the table of two distributions. */
const ROWS = 14

/** One position of a comparison: both distributions, both lenses, both attention patterns. */
export function ComparePanel() {
  const comparison = useComparison()
  const t = useTranslate()
  const [tab, setTab] = useState<'top' | 'lens' | 'attention'>('top')
  const mode = useCompareState((state) => state.shown?.mode ?? null)
  const chosen = useCompareState((state) => state.selected)
  const phase = useCompareState((state) => state.phase.kind)
  useCompareState((state) => state.version)
  const settled = phase !== 'prefill' && phase !== 'running'
  const count = comparison.kl.length
  const at = chosen ?? count - 1
  if (mode === null || at < 0 || at >= count) return <p className="panel-empty">{t('compare.panelEmpty')}</p>
  return (
    <div className="compare-panel">
      <Heading at={at} />
      <Segmented
        label={t('compare.look')}
        value={tab}
        choices={[
          { value: 'top', label: t('compare.distributions') },
          { value: 'lens', label: t('compare.lens') },
          { value: 'attention', label: t('compare.attention') },
        ]}
        onChange={setTab}
      />
      {tab === 'top' && <Distributions at={at} />}
      {tab !== 'top' && !settled && <p className="note">{t('compare.whenDone')}</p>}
      {tab === 'lens' && settled && <CompareLens key={at} at={at} />}
      {tab === 'attention' && settled && <CompareAttention at={at} />}
    </div>
  )
}

function Heading({ at }: { at: number }) {
  const comparison = useComparison()
  const t = useTranslate()
  const nameToken = useTokenName()
  const mode = useCompareState((state) => state.shown?.mode)
  const token = comparison.tokens[at]
  const [a, b] =
    mode === 'score'
      ? Array<string>(2).fill(
          nameToken(comparison.scoredTexts[at + 1] ?? '', comparison.scoredIds[at + 1] ?? 0),
        )
      : [token?.a, token?.b].map((one) => (one ? nameToken(one.text, one.id) : '—'))
  const kl = comparison.kl[at] ?? null
  return (
    <div className="compare-heading">
      <p className="numeric">
        {t('compare.position', { position: at + 1 })}
        {kl !== null && ` · KL ${formatNats(kl)} nat`}
      </p>
      <p className="cluster gap-2">
        <span className="side-letter">A</span>
        <span className="token-name">{a}</span>
        <span className="side-letter">B</span>
        <span className="token-name">{b}</span>
      </p>
    </div>
  )
}

function Distributions({ at }: { at: number }) {
  const comparison = useComparison()
  const mode = useCompareState((state) => state.shown?.mode)
  if (mode === 'score') return <ScoredToken at={at} />
  const token = comparison.tokens[at]
  const [a, b] = [token?.a?.top ?? [], token?.b?.top ?? []]
  const rows = pairRows(a, b, ROWS)
  return (
    <PairTable
      rows={rows}
      floors={[floorOf(a), floorOf(b)]}
      chosenA={token?.a?.id ?? null}
      chosenB={token?.b?.id ?? null}
    />
  )
}

/** A side that has ended captured nothing here, and bounds nothing. */
function shareOf(probability: number | null, floor: number): string {
  if (probability !== null) return formatProbability(probability)
  return floor < 1 ? `< ${formatProbability(floor)}` : '—'
}

/** The least probable of what was captured: whatever is not among it lies below. */
function floorOf(top: readonly { logprob: number }[]): number {
  return Math.exp(Math.min(0, ...top.map(({ logprob }) => logprob)))
}

/** Of a scored text only the token that stands there was kept. */
function ScoredToken({ at }: { at: number }) {
  const comparison = useComparison()
  const t = useTranslate()
  const position = comparison.scored[at]
  if (position === undefined) return null
  const { a, b } = position
  return (
    <dl className="facts">
      <div>
        <dt>ln p, A</dt>
        <dd className="numeric">{formatFixed(a, 3)}</dd>
      </div>
      <div>
        <dt>ln p, B</dt>
        <dd className="numeric">{formatFixed(b, 3)}</dd>
      </div>
      <div>
        <dt>{t('compare.difference')}</dt>
        <dd className="numeric">{signed(b - a)}</dd>
      </div>
    </dl>
  )
}

const signed = (value: number, digits = 3) => `${value > 0 ? '+' : ''}${formatFixed(value, digits)}`

interface PairTableProps {
  rows: readonly PairRow[]
  /** Least captured probability of either side. */
  floors: readonly [a: number, b: number]
  chosenA: number | null
  chosenB: number | null
}

/** Two distributions as mirrored bars around the token, and their difference. */
function PairTable({ rows, floors: [floorA, floorB], chosenA, chosenB }: PairTableProps) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const longest = Math.max(1e-12, ...rows.map(({ a, b }) => Math.max(a ?? 0, b ?? 0)))
  return (
    <table className="pair-table">
      <thead>
        <tr>
          <th scope="col">p, A</th>
          <th scope="col" className="pair-token">
            {t('logits.token')}
          </th>
          <th scope="col">p, B</th>
          <th scope="col">B − A</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ id, text, a, b }) => (
          <tr key={id} data-testid="pair-row" data-token-id={id}>
            <td className="pair-a" style={{ '--share': (a ?? 0) / longest }}>
              {shareOf(a, floorA)}
            </td>
            <th scope="row" className="pair-token" title={`id ${id}`}>
              {id === chosenA && <span className="side-letter">A</span>}
              {nameToken(text, id)}
              {id === chosenB && <span className="side-letter">B</span>}
            </th>
            <td className="pair-b" style={{ '--share': (b ?? 0) / longest }}>
              {shareOf(b, floorB)}
            </td>
            <td className="pair-delta">{a === null || b === null ? '—' : signed((b - a) * 100, 1)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
