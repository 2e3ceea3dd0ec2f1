import { useCallback } from 'react'
import { useSession, useSlowTokenLog, useTranslate } from '../../context.ts'
import { formatProbability } from '../../../maths/format.ts'
import { useIsEncoder } from '../../components/reading.ts'
import { useRow, useRowTexts, useSteps, useStepsState } from './hooks.ts'
import { TokenButton, useChosenInView } from '../../components/TokenButton.tsx'
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
  const bar = useChosenInView('nearest', row, ids, texts)
  const select = useCallback((to: number) => steps.selectRow(to), [steps])
  return (
    <div className="token-bar">
      <div className="token-bar-tokens" ref={bar} role="group" aria-label={t('steps.tokens')}>
        {ids.map((id, index) => (
          <TokenButton
            key={index}
            className={
              index >= log.promptIds.length ? 'token-bar-token token-bar-generated' : 'token-bar-token'
            }
            row={index}
            id={id}
            text={texts[index] ?? ''}
            name={`${index}: ${tokenName(t, texts[index] ?? '', id)}`}
            selected={index === row}
            onSelect={select}
          />
        ))}
      </div>
      <Prediction ids={ids} texts={texts} row={row} />
    </div>
  )
}

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
