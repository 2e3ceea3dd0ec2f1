import { memo, useEffect, useRef } from 'react'
import { visibleText } from '../../../state/characterGroups.ts'
import { useSession, useSlowTokenLog, useTranslate } from '../../context.ts'
import { formatProbability } from '../../../maths/format.ts'
import { useIsEncoder } from '../../components/reading.ts'
import { useRow, useRowTexts, useSteps, useStepsState } from './hooks.ts'
import { tokenName } from '../../components/labels.ts'

const NO_IDS: readonly number[] = []

/** The text's tokens in one line: each is a row of every tensor. Below, what the selected one predicts. */
export function TokenBar() {
  const t = useTranslate()
  const steps = useSteps()
  const { log } = useSession()
  const texts = useRowTexts()
  const ids = useStepsState((state) => state.source?.ids ?? NO_IDS)
  const row = useRow()
  const bar = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const chosen = bar.current?.querySelector('[aria-pressed="true"]')
    chosen?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [row, ids, texts])
  return (
    <div className="token-bar">
      <div className="token-bar-tokens" ref={bar} role="group" aria-label={t('steps.tokens')}>
        {ids.map((id, index) => (
          <BarToken
            key={index}
            row={index}
            id={id}
            text={texts[index] ?? ''}
            name={tokenName(t, texts[index] ?? '', id)}
            generated={index >= log.promptIds.length}
            selected={index === row}
            onSelect={steps}
          />
        ))}
      </div>
      <Prediction ids={ids} texts={texts} row={row} />
    </div>
  )
}

interface BarTokenProps {
  row: number
  id: number
  text: string
  name: string
  generated: boolean
  selected: boolean
  onSelect: { selectRow: (row: number) => void }
}

const BarToken = memo(function BarToken(props: BarTokenProps) {
  const { row, id, text, name, generated, selected, onSelect } = props
  return (
    <button
      type="button"
      className={generated ? 'token-bar-token token-bar-generated' : 'token-bar-token'}
      data-testid="row-token"
      data-row={row}
      data-token-id={id}
      aria-pressed={selected}
      aria-label={`${row}: ${name}`}
      tabIndex={selected ? 0 : -1}
      onClick={() => onSelect.selectRow(row)}
    >
      {text === '' ? <span className="token-bar-special">{id}</span> : visibleText(text)}
    </button>
  )
})

interface PredictionProps {
  ids: readonly number[]
  texts: readonly string[]
  row: number
}

/** A row's output is about the token behind it; the words say so. */
function Prediction({ ids, texts, row }: PredictionProps) {
  const t = useTranslate()
  const log = useSlowTokenLog(200)
  const isEncoder = useIsEncoder()
  const id = ids[row]
  const next = ids[row + 1]
  if (id === undefined) return null
  const token = tokenName(t, texts[row] ?? '', id)
  const generated = log.tokens[row + 1 - log.promptIds.length]
  const label = isEncoder
    ? t('steps.predictsOwn', { position: row, token })
    : next === undefined
      ? t('steps.predictsNothing', { position: row, token })
      : t('steps.predicts', { position: row, token, next: tokenName(t, texts[row + 1] ?? '', next) })
  return (
    <p
      className="token-bar-label numeric"
      data-testid="step-position"
      data-position={row}
      data-token-id={id}
      data-predicts-id={next}
    >
      <span>{label}</span>
      {generated !== undefined && (
        <span className="note">
          {t('steps.chance', { probability: formatProbability(Math.exp(generated.logprob)) })}
        </span>
      )}
    </p>
  )
}
