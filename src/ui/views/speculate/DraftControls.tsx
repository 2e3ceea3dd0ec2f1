import { answeringModel } from '../../../state/app.ts'
import { DRAFT_KINDS, MAX_AHEAD } from '../../../analysis/speculatedRounds.ts'
import type { DraftModel } from '../../../api/model.ts'
import { Icon } from '../../components/Icon.tsx'
import { PromptField } from '../../components/PromptField.tsx'
import { Segmented } from '../../components/Segmented.tsx'
import { SliderField } from '../../components/SliderField.tsx'
import { useApp, useTranslate } from '../../context.ts'
import { useRounds, useSpeculateState, useSpeculation } from './hooks.ts'

/** What a run needs: the prompt, who proposes, and how much. */
export function DraftControls() {
  const t = useTranslate()
  const penalised = useApp((state) => state.settings.repetitionPenalty !== 1)
  return (
    <section className="prompt">
      <p className="speculate-about">{t('speculate.about')}</p>
      <PromptField />
      <DraftChoice />
      {penalised && <p className="note speculate-remark">{t('speculate.penalty')}</p>}
      <Actions />
    </section>
  )
}

function DraftChoice() {
  const { state } = useSpeculation()
  const t = useTranslate()
  const draft = useSpeculateState((state) => state.draft)
  const ahead = useSpeculateState((state) => state.ahead)
  const layers = useSpeculateState((state) => state.layers)
  const deepest = useApp((state) => (answeringModel(state.model)?.layers ?? 2) - 1)
  const choices = DRAFT_KINDS.filter((kind) => kind !== 'first-layers' || deepest > 0)
  return (
    <>
      <div className="speculate-choice">
        <Segmented<DraftModel['kind']>
          label={t('speculate.draft')}
          labelled
          value={draft}
          choices={choices.map((value) => ({ value, label: t(`speculate.draft.${value}`) }))}
          onChange={(next) => state.setState({ draft: next })}
        />
        <CountField
          name="ahead"
          hint={t('speculate.aheadHint')}
          value={ahead}
          most={MAX_AHEAD}
          onChange={(next) => state.setState({ ahead: next })}
        />
        {draft === 'first-layers' && deepest > 1 && (
          <CountField
            name="layers"
            hint={t('speculate.layersHint', { layers: deepest + 1 })}
            value={layers}
            most={deepest}
            onChange={(next) => state.setState({ layers: next })}
          />
        )}
      </div>
      <p className="note speculate-remark">
        {t(`speculate.hint.${draft}`)}
        {deepest === 0 && ` ${t('speculate.oneLayer')}`}
      </p>
    </>
  )
}

interface CountFieldProps {
  name: 'ahead' | 'layers'
  hint: string
  value: number
  most: number
  onChange: (value: number) => void
}

/** A whole number from 1. */
function CountField({ name, hint, value, most, onChange }: CountFieldProps) {
  const t = useTranslate()
  const label = t(`speculate.${name}`)
  return (
    <SliderField
      label={label}
      sliderLabel={t('setting.slider', { name: label })}
      hint={hint}
      testId={`speculate-${name}`}
      value={value}
      min={1}
      max={most}
      step={1}
      digits={0}
      remark={null}
      onChange={(next) => onChange(Math.min(most, Math.max(1, Math.round(next))))}
    />
  )
}

function Actions() {
  const speculation = useSpeculation()
  const t = useTranslate()
  const ready = useApp((state) => answeringModel(state.model) !== null)
  const rounds = useRounds()
  useSpeculateState((state) => state.phase)
  const measuring = useSpeculateState((state) => state.measuring)
  const { working } = speculation
  const mac = /Mac|iPhone|iPad/.test(navigator.userAgent)
  return (
    <div className="actions">
      <button
        type="button"
        className="button button-primary"
        data-testid="speculate-start"
        disabled={!ready}
        onClick={() => void speculation.start()}
      >
        <Icon name="play" />
        {t('speculate.start')}
      </button>
      <button
        type="button"
        className="button"
        data-testid="speculate-stop"
        disabled={!working}
        onClick={() => speculation.stop()}
      >
        <Icon name="stop" />
        {t('action.stop')}
      </button>
      <button
        type="button"
        className="button"
        data-testid="speculate-plain"
        title={t('speculate.measureHint')}
        disabled={!ready || rounds.length === 0 || (working && !measuring)}
        onClick={() => void speculation.measurePlain()}
      >
        <Icon name="bars" />
        {t('speculate.measure')}
      </button>
      <span className="note keys">
        {t('speculate.keys', { generate: t(mac ? 'keys.generateMac' : 'keys.generate') })}
      </span>
    </div>
  )
}
