import { useEffect, useState, type FormEvent } from 'react'
import type { DirectionNorms } from '../../../analysis/steering.ts'
import type { ModelInfo } from '../../../api/model.ts'
import { Icon } from '../../components/Icon.tsx'
import { useSession, useTranslate } from '../../context.ts'
import { formatFixed } from '../../../maths/format.ts'
import { useAnatomy } from '../../components/reading.ts'
import { SelectField } from '../../components/SelectField.tsx'
import { useEditedRun, useEdits } from './hooks.ts'

/** A pair that most small story models tell apart. */
const FIRST = { toward: 'The little girl was very happy', away: 'The little girl was very sad' }
/** Milliseconds after the last key before a direction is measured. */
const DEBOUNCE_MS = 500

/** A direction between two prompts, added to the residual stream. */
export function SteerTool({ info }: { info: ModelInfo }) {
  const edits = useEdits()
  const t = useTranslate()
  const [{ toward, away }, setPrompts] = useState(FIRST)
  const [chosen, setLayer] = useState<number | null>(null)
  const layer = Math.min(chosen ?? Math.floor((info.layers - 1) / 2), info.layers - 1)
  const { layers } = useAnatomy()
  const step = layers[layer]?.stream ?? ''
  const ready = step !== '' && toward.trim() !== '' && away.trim() !== '' && toward !== away
  const norms = useNorms(step, toward, away, ready)
  const add = (event: FormEvent) => {
    event.preventDefault()
    if (ready) edits.add({ kind: 'steer', step, toward, away, factor: 1, span: { kind: 'all' } })
  }
  return (
    <form className="edit-form" onSubmit={add}>
      <Prompt
        label={t('edits.toward')}
        testId="steer-toward"
        value={toward}
        onChange={(text) => setPrompts({ toward: text, away })}
      />
      <Prompt
        label={t('edits.away')}
        testId="steer-away"
        value={away}
        onChange={(text) => setPrompts({ toward, away: text })}
      />
      <div className="edit-line cluster">
        <SelectField
          label={t('edits.at')}
          value={layer}
          options={layers.map(({ layer: value, stream }) => ({ value, label: stream }))}
          onChange={setLayer}
        />
        <button type="submit" className="button" data-testid="steer-add" disabled={!ready}>
          <Icon name="plus" />
          {t('edits.steerAdd')}
        </button>
        <span className="note numeric" role="status">
          {toward === away && t('edits.samePrompts')}
          {norms !== null &&
            t('edits.steerNorms', {
              direction: formatFixed(norms.direction, 2),
              toward: formatFixed(norms.toward, 2),
              away: formatFixed(norms.away, 2),
            })}
        </span>
      </div>
    </form>
  )
}

/** Lengths of the direction once the prompts rest; null until then. */
function useNorms(step: string, toward: string, away: string, ready: boolean): DirectionNorms | null {
  const run = useEditedRun()
  const session = useSession()
  const key = JSON.stringify([step, toward, away])
  const [loaded, setLoaded] = useState<{ key: string; norms: DirectionNorms | null } | null>(null)
  useEffect(() => {
    if (!ready) return
    let wanted = true
    const timer = setTimeout(() => {
      run.measureDirection(step, toward, away).then(
        (norms) => wanted && setLoaded({ key, norms }),
        (error: unknown) => wanted && session.report(error),
      )
    }, DEBOUNCE_MS)
    return () => {
      wanted = false
      clearTimeout(timer)
    }
  }, [run, session, step, toward, away, ready, key])
  return ready && loaded?.key === key ? loaded.norms : null
}

interface PromptProps {
  label: string
  testId: string
  value: string
  onChange: (value: string) => void
}

export function Prompt({ label, testId, value, onChange }: PromptProps) {
  return (
    <label className="edit-field edit-prompt">
      <span className="note">{label}</span>
      <input
        type="text"
        className="input"
        data-testid={testId}
        spellCheck={false}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    </label>
  )
}
