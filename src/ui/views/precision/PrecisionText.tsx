import { memo, useMemo } from 'react'
import type { PrecisionToken } from '../../../api/model.ts'
import { KL_POWERS, powerShare, type PrecisionResult } from './store.ts'
import { formatPower, formatProbability } from '../../../maths/format.ts'
import { TokenListbox } from '../../components/TokenListbox.tsx'
import { TokenText } from '../../components/TokenText.tsx'
import { useMissingTexts } from '../../components/useMissingTexts.ts'
import { useTranslate } from '../../context.ts'
import { LEVELS } from '../../draw/palette.ts'
import { formatNats } from '../../components/numbers.ts'
import { usePrecision, usePrecisionState } from './hooks.ts'
import { useTokenName } from '../../components/useTokenName.ts'

const levelOf = (kl: number): number => Math.min(LEVELS - 1, Math.floor(powerShare(kl, KL_POWERS) * LEVELS))

/** The text, each token in the colour of what is lost behind it; bars of the same numbers, and those of one token in words. */
export function PrecisionText({ result }: { result: PrecisionResult }) {
  const t = useTranslate()
  const { state } = usePrecision()
  const selected = usePrecisionState((state) => state.selected)
  const { tokens, texts, ids } = result
  const choose = (row: number | null) => state.setState({ selected: row })
  return (
    <section className="precision-text" aria-label={t('precision.text')}>
      <header className="cache-head">
        <h3 className="eyebrow">{t('precision.text')}</h3>
        <KlLegend />
      </header>
      <Bars tokens={tokens} total={result.total} />
      <TokenListbox
        id="precision"
        label={t('precision.tokens')}
        testId="precision-tokens"
        selected={selected}
        rows={tokens.length}
        onChoose={choose}
      >
        {tokens.map((token) => (
          <Chip
            key={token.position}
            token={token}
            text={texts[token.position] ?? ''}
            id={ids[token.position] ?? 0}
            selected={token.position === selected}
          />
        ))}
      </TokenListbox>
      <Readout result={result} row={selected} />
    </section>
  )
}

/** The colours of the tokens, between two powers of ten. */
function KlLegend() {
  const [low, high] = KL_POWERS
  const steps = Array.from({ length: LEVELS }, (_, level) => `var(--seq-${level})`).join(', ')
  return (
    <span className="range-legend numeric">
      <span>{formatPower(10 ** low)}</span>
      <span
        className="range-ramp"
        aria-hidden="true"
        style={{ background: `linear-gradient(to right, ${steps})` }}
      />
      <span>{10 ** high} nat</span>
    </span>
  )
}

interface ChipProps {
  token: PrecisionToken
  text: string
  id: number
  selected: boolean
}

const Chip = memo(function Chip({ token, text, id, selected }: ChipProps) {
  const { position, kl, model, other } = token
  return (
    <span
      id={`precision-${position}`}
      role="option"
      aria-selected={selected}
      aria-label={text.trim() === '' ? (text === '' ? `#${id}` : JSON.stringify(text)) : undefined}
      className={`chip precision-chip${text === '' ? ' chip-end' : ''}`}
      data-testid="precision-token"
      data-row={position}
      data-kl={kl}
      data-parted={model.id !== other.id}
      data-label={text === '' ? `#${id}` : undefined}
      title={`KL ${formatNats(kl)} nat`}
      style={{ '--level': `var(--seq-${levelOf(kl)})` }}
    >
      {text !== '' && <TokenText text={text} />}
    </span>
  )
})

/** A bar for each token, as high as its share of the largest; a mark below where greedy writing would part. */
const Bars = memo(function Bars({ tokens, total }: { tokens: readonly PrecisionToken[]; total: number }) {
  const largest = Math.max(...tokens.map(({ kl }) => kl), Number.MIN_VALUE)
  return (
    <svg className="precision-bars" viewBox={`0 0 ${total} 44`} preserveAspectRatio="none" aria-hidden="true">
      {tokens.map(({ position, kl, model, other }) => {
        const height = Math.max(0.5, (kl / largest) * 38)
        return (
          <g key={position}>
            <rect
              x={position + 0.1}
              width={0.8}
              y={38 - height}
              height={height}
              fill={`var(--seq-${levelOf(kl)})`}
            />
            {model.id !== other.id && (
              <rect x={position + 0.1} width={0.8} y={40} height={4} fill="var(--accent)" />
            )}
          </g>
        )
      })}
    </svg>
  )
})

/** What both say behind the chosen token. */
function Readout({ result, row }: { result: PrecisionResult; row: number | null }) {
  const t = useTranslate()
  const nameToken = useTokenName()
  const token = row === null ? undefined : result.tokens[row]
  const ids = useMemo(() => (token ? [token.model.id, token.other.id] : []), [token])
  const contextIds = useMemo(() => result.ids.slice(0, (token?.position ?? 0) + 1), [result.ids, token])
  const texts = useMissingTexts(ids, contextIds)
  if (token === undefined) return <p className="readout note">{t('precision.pick')}</p>
  const says = (side: 'model' | 'other'): string =>
    t('precision.says', {
      format: result.formats[side],
      token: nameToken(texts.get(token[side].id) ?? '', token[side].id),
      probability: formatProbability(Math.exp(token[side].logprob)),
    })
  return (
    <p className="readout" data-testid="precision-readout" data-row={row}>
      <span className="readout-value numeric">KL {formatNats(token.kl)} nat</span>
      <span>{says('model')}</span>
      <span>{says('other')}</span>
    </p>
  )
}
