import { isPreference } from './store/preferences.ts'
import { isUnderWay } from './store/runState.ts'
import {
  RANGES,
  TARGET_CHOICES,
  withinRange,
  type NumberSetting,
  type RunSettings,
} from './store/settings.ts'
import { SliderField } from '../../components/SliderField.tsx'
import { useTranslate } from '../../context.ts'
import { useData, useRun, useTraining } from './hooks.ts'

/** What most people change; the rest stands behind a fold. */
const FIRST: readonly NumberSetting[] = ['steps', 'learningRate', 'rank', 'batchSize', 'every', 'heldOut']
const MORE: readonly NumberSetting[] = [
  'alpha',
  'warmupSteps',
  'finalRate',
  'packRows',
  'accumulate',
  'finalAccumulate',
  'clipNorm',
  'weightDecay',
  'spikeFactor',
  'longest',
  'seed',
]

/** How it learns; every setting says in a line what it does. */
export function SettingsPanel() {
  const t = useTranslate()
  const underWay = useRun((state) => isUnderWay(state.phase))
  const isPreferring = useData((state) => state.examples.some(isPreference))
  return (
    <fieldset className="train-part train-settings" disabled={underWay}>
      <legend className="eyebrow">{t('train.settings')}</legend>
      {FIRST.map((name) => (
        <NumberField key={name} name={name} />
      ))}
      {isPreferring && <NumberField name="beta" />}
      <details className="train-more">
        <summary>{t('train.more')}</summary>
        <ChoiceField name="targets" choices={TARGET_CHOICES} />
        <ChoiceField name="optimizer" choices={['adamw', 'adafactor', 'sgd']} />
        <ChoiceField name="schedule" choices={['constant', 'linear', 'cosine']} />
        {MORE.filter((name) => !isPreferring || name !== 'packRows').map((name) => (
          <NumberField key={name} name={name} />
        ))}
      </details>
    </fieldset>
  )
}

function NumberField({ name }: { name: NumberSetting }) {
  const t = useTranslate()
  const { run } = useTraining()
  const value = useRun((state) => state.settings[name])
  const { min, max, slider, step, digits } = RANGES[name]
  const label = t(`train.setting.${name}`)
  const [low, high] = slider ?? [min, max]
  return (
    <div className="train-setting">
      <SliderField
        label={label}
        sliderLabel={t('setting.slider', { name: label })}
        hint={t(`train.hint.${name}`)}
        testId={`train-${name}`}
        value={value}
        min={low}
        max={high}
        step={step}
        digits={digits}
        remark={null}
        slider={slider !== undefined}
        onChange={(next) => run.change({ [name]: withinRange(name, next) })}
      />
      <p className="note train-hint">{t(`train.hint.${name}`)}</p>
    </div>
  )
}

type ChoiceSetting = {
  [K in keyof RunSettings]: RunSettings[K] extends string ? K : never
}[keyof RunSettings]

function ChoiceField<K extends ChoiceSetting>({
  name,
  choices,
}: {
  name: K
  choices: readonly RunSettings[K][]
}) {
  const t = useTranslate()
  const { run } = useTraining()
  const value = useRun((state) => state.settings[name])
  const id = `train-${name}`
  return (
    <div className="train-setting">
      <label className="field-label" htmlFor={id}>
        {t(`train.setting.${name}`)}
      </label>
      <select
        id={id}
        className="select"
        data-testid={id}
        value={value}
        onChange={(event) => {
          const chosen = choices.find((choice) => choice === event.currentTarget.value)
          if (chosen !== undefined) run.change({ [name]: chosen })
        }}
      >
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {t(`train.choice.${choice}`)}
          </option>
        ))}
      </select>
      <p className="note train-hint">{t(`train.hint.${name}`)}</p>
    </div>
  )
}
