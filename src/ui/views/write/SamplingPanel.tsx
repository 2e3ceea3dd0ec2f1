import { useState } from 'react'
import { answeringModel, remoteOf } from '../../../state/app.ts'
import type { SettingName } from '../../../state/settings.ts'
import {
  applyPreset,
  clampSetting,
  DEFAULT_SETTINGS,
  PRESET_NAMES,
  presetOf,
  samplesAs,
  SETTING_NAMES,
  SETTING_RANGES,
} from '../../../state/settings.ts'
import { SETTING_KEYS } from '../../../state/hash.ts'
import { Icon } from '../../components/Icon.tsx'
import { SliderField } from '../../components/SliderField.tsx'
import { useApp, useSession, useTranslate } from '../../context.ts'

/** The preset of generation_config.json. */
const AUTHOR = 'author'

/** Everything that shapes the draw, set before a run. */
export function SamplingPanel() {
  const { app } = useSession()
  const t = useTranslate()
  const settings = useApp((state) => state.settings)
  const [explained, setExplained] = useState(false)
  const author = useApp((state) => answeringModel(state.model)?.sampling ?? null)
  const preset = presetOf(settings) ?? (samplesAs(settings, author) ? AUTHOR : null)
  return (
    <div className="sampling">
      <div className="field">
        <label htmlFor="preset" className="field-label">
          {t('sampling.preset')}
        </label>
        <button
          type="button"
          className="button button-icon"
          data-testid="sampling-explain"
          aria-pressed={explained}
          aria-label={t('sampling.explain')}
          title={t('sampling.explain')}
          onClick={() => setExplained(!explained)}
        >
          ?
        </button>
        <select
          id="preset"
          className="select"
          data-testid="sampling-preset"
          value={preset ?? 'custom'}
          onChange={(event) => {
            if (author !== null && event.currentTarget.value === AUTHOR)
              app.setState({ settings: { ...settings, ...author } })
            const chosen = PRESET_NAMES.find((name) => name === event.currentTarget.value)
            if (chosen !== undefined) app.setState({ settings: applyPreset(settings, chosen) })
          }}
        >
          {PRESET_NAMES.map((name) => (
            <option key={name} value={name}>
              {t(`preset.${name}`)}
            </option>
          ))}
          {author !== null && <option value={AUTHOR}>{t('preset.author')}</option>}
          <option value="custom" disabled>
            {t('sampling.custom')}
          </option>
        </select>
      </div>
      {SETTING_NAMES.map((name) => (
        <Setting key={name} name={name} explained={explained} />
      ))}
      <div className="sampling-foot">
        <button
          type="button"
          className="button button-quiet"
          disabled={SETTING_NAMES.every((name) => settings[name] === DEFAULT_SETTINGS[name])}
          onClick={() => app.setState({ settings: { ...DEFAULT_SETTINGS } })}
        >
          <Icon name="reset" />
          {t('action.reset')}
        </button>
      </div>
    </div>
  )
}

function Setting({ name, explained }: { name: SettingName; explained: boolean }) {
  const { app } = useSession()
  const t = useTranslate()
  const value = useApp((state) => state.settings[name])
  const range = SETTING_RANGES[name]
  const label = t(`setting.${name}`)
  const feature = name === 'repetitionPenalty' ? 'repetition-penalty' : SETTING_KEYS[name]
  const untaken = useApp((state) => typeof remoteOf(state)?.capabilities[feature] === 'string')
  const set = (next: number) => {
    const allowed = clampSetting(name, next)
    if (allowed !== null) app.setState(({ settings }) => ({ settings: { ...settings, [name]: allowed } }))
  }
  const remark = untaken
    ? t('far.notTaken')
    : name === 'temperature' && value === 0
      ? t('setting.greedy')
      : value === range.off
        ? t('setting.off')
        : null
  return (
    <SliderField
      label={label}
      sliderLabel={t('setting.slider', { name: label })}
      hint={t(`setting.hint.${name}`)}
      explained={explained}
      testId={`sampling-${SETTING_KEYS[name]}`}
      value={value}
      {...range}
      remark={remark}
      onChange={set}
      slider={name !== 'seed'}
      action={
        name === 'seed' && (
          <button
            type="button"
            className="button button-icon"
            aria-label={t('action.newSeed')}
            title={t('action.newSeed')}
            onClick={() => set(Math.floor(Math.random() * 10_000))}
          >
            <Icon name="shuffle" />
          </button>
        )
      }
    />
  )
}
