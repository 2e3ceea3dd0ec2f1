import type { SamplingOptions } from '../api/model.ts'
import { DEFAULT_SAMPLING, PRESETS, type PresetName } from '../decode/samplingOptions.ts'

export type { PresetName } from '../decode/samplingOptions.ts'

/** What a person may set before a run. */
export interface Settings extends SamplingOptions {
  maxTokens: number
}

export type SettingName = keyof Settings

export interface SettingRange {
  /** Ends of the slider. */
  min: number
  max: number
  /** What may be typed: the slider covers the useful part of it. */
  lowest: number
  highest: number
  step: number
  /** Digits shown after the decimal point. */
  digits: number
  /** The value that switches the setting off, where one exists. */
  off?: number
}

export const SETTING_NAMES = [
  'temperature',
  'topK',
  'topP',
  'minP',
  'repetitionPenalty',
  'seed',
  'maxTokens',
] as const satisfies readonly SettingName[]

export const SETTING_RANGES: Readonly<Record<SettingName, SettingRange>> = {
  temperature: { min: 0, max: 2, lowest: 0, highest: 10, step: 0.05, digits: 2 },
  topK: { min: 0, max: 256, lowest: 0, highest: 1_000_000, step: 1, digits: 0, off: 0 },
  topP: { min: 0.05, max: 1, lowest: 0.001, highest: 1, step: 0.01, digits: 2, off: 1 },
  minP: { min: 0, max: 0.5, lowest: 0, highest: 1, step: 0.01, digits: 2, off: 0 },
  repetitionPenalty: { min: 1, max: 2, lowest: 0.1, highest: 10, step: 0.05, digits: 2, off: 1 },
  seed: { min: 0, max: 9999, lowest: 0, highest: Number.MAX_SAFE_INTEGER, step: 1, digits: 0 },
  maxTokens: { min: 1, max: 512, lowest: 1, highest: 1_000_000, step: 1, digits: 0 },
}

export const DEFAULT_SETTINGS: Readonly<Settings> = { ...DEFAULT_SAMPLING, maxTokens: 128 }

export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[]

/** The nearest allowed value, or null when `value` is no number at all. */
export function clampSetting(name: SettingName, value: number): number | null {
  if (!Number.isFinite(value)) return null
  const { lowest, highest, digits } = SETTING_RANGES[name]
  const clamped = Math.min(highest, Math.max(lowest, value))
  return digits === 0 ? Math.round(clamped) : clamped
}

type Shape = Omit<SamplingOptions, 'seed'>

/** Whether settings sample in a given way, seed and length left out. */
export function samplesAs(settings: Settings, shape: Shape | null): boolean {
  const shaping = ['temperature', 'topK', 'topP', 'minP', 'repetitionPenalty'] as const
  return shape !== null && shaping.every((field) => shape[field] === settings[field])
}

/** The preset these settings equal, seed and length left out; null when they were tuned by hand. */
export function presetOf(settings: Settings): PresetName | null {
  return PRESET_NAMES.find((name) => samplesAs(settings, PRESETS[name])) ?? null
}

export function applyPreset(settings: Settings, name: PresetName): Settings {
  return { ...settings, ...PRESETS[name] }
}
