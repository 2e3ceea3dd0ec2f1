import { useMemo } from 'react'
import type { AttributionLine } from '../../../../analysis/attributionLines.ts'
import type { WantedLogit } from './store.ts'
import { Icon } from '../../../components/Icon.tsx'
import { useTranslate } from '../../../context.ts'
import { formatFixed } from '../../../../maths/format.ts'
import { useTokenLabels } from '../hooks.ts'
import { useAttribution, useAttributionState } from './hooks.ts'
import { useTokenName } from '../../../components/useTokenName.ts'

interface PartTableProps {
  lines: readonly AttributionLine[]
  of: WantedLogit
}

/** Signed bars, right of the middle for what raises the logit; the attention of a layer opens into its heads. */
export function PartTable({ lines, of }: PartTableProps) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const open = useAttributionState((state) => state.open)
  const tokens = useMemo(() => [of.token], [of])
  const contextIds = useMemo(() => of.ids.slice(0, of.position + 1), [of])
  const [text = ''] = useTokenLabels(tokens, contextIds)
  const shown = lines.flatMap((line): AttributionLine[] =>
    line.kind === 'attention' && open.includes(line.layer ?? -1)
      ? [line, ...line.parts.map((part) => ({ ...part, parts: [] }))]
      : [line],
  )
  const most = shown.reduce((size, { contribution }) => Math.max(size, Math.abs(contribution)), 1e-12)
  return (
    <table className="plain-table attribution-parts">
      <caption className="eyebrow">{t('attribution.caption', { token: nameToken(text, of.token) })}</caption>
      <thead className="visually-hidden">
        <tr>
          <th scope="col">{t('attribution.part')}</th>
          <th scope="col">{t('attribution.share')}</th>
          <th scope="col">{t('attribution.value')}</th>
        </tr>
      </thead>
      <tbody>
        {shown.map((line) => (
          <Line
            key={`${line.kind} ${line.layer} ${line.head} ${line.parts.length}`}
            line={line}
            most={most}
          />
        ))}
      </tbody>
    </table>
  )
}

function Line({ line, most }: { line: AttributionLine; most: number }) {
  const { kind, layer, head, contribution, parts } = line
  // A line without parts of its own is one of those above it, listed.
  const inside = parts.length === 0
  return (
    <tr
      data-testid="attribution-part"
      data-kind={kind}
      data-layer={layer ?? undefined}
      data-head={head ?? undefined}
      data-inside={inside}
      data-value={contribution}
    >
      <th scope="row">{kind === 'attention' ? <Opener line={line} /> : <Name line={line} />}</th>
      <td className="attribution-bar">
        <span
          className={contribution < 0 ? 'signed-bar signed-below' : 'signed-bar'}
          style={{ '--share': Math.abs(contribution) / most }}
        />
      </td>
      <td className="numeric">{`${contribution > 0 ? '+' : ''}${formatFixed(contribution, 3)}`}</td>
    </tr>
  )
}

function Name({ line: { kind, layer, head, parts } }: { line: AttributionLine }) {
  const t = useTranslate()
  const place = { layer: layer ?? 0, head: head ?? 0, count: parts.length }
  return t(kind === 'adapter' && layer !== null ? 'attribution.adapterIn' : `attribution.${kind}`, place)
}

function Opener({ line }: { line: AttributionLine }) {
  const t = useTranslate()
  const attribution = useAttribution()
  const layer = line.layer ?? 0
  const open = useAttributionState((state) => state.open.includes(layer))
  return (
    <button
      type="button"
      className="attribution-open"
      data-testid="attribution-open"
      aria-expanded={open}
      title={t('attribution.openHeads', { layer })}
      onClick={() => attribution.toggle(layer)}
    >
      <Icon name="right" />
      <Name line={line} />
    </button>
  )
}
