import { expect, test } from 'vitest'
import { DEFAULT_PREFERENCES } from '../../src/state/app.ts'
import { examplesOf, FALLBACK_EXAMPLES, parseCatalogue } from '../../src/state/catalogue.ts'
import {
  applyPreset,
  clampSetting,
  DEFAULT_SETTINGS,
  PRESET_NAMES,
  presetOf,
} from '../../src/state/settings.ts'
import { parsePreferences } from '../../src/state/storage.ts'
import { formatBytes, formatFixed, formatMyriads, formatProbability } from '../../src/maths/format.ts'
import { en } from '../../src/ui/words/en.ts'
import { loadLanguage, loadViewMessages, translator } from '../../src/ui/words/index.ts'
import { ko } from '../../src/ui/words/ko.ts'
import { viewsEn } from '../../src/ui/words/views.en.ts'

test('every preset is recognised after it was applied, and keeps seed and length', () => {
  const tuned = { ...DEFAULT_SETTINGS, seed: 9, maxTokens: 33, temperature: 1.7 }
  expect(presetOf(tuned)).toBeNull()
  for (const name of PRESET_NAMES) {
    const settings = applyPreset(tuned, name)
    expect(presetOf(settings)).toBe(name)
    expect(settings).toMatchObject({ seed: 9, maxTokens: 33 })
  }
})

test('numbers are brought into range, no number is refused', () => {
  expect(clampSetting('topK', 3.6)).toBe(4)
  expect(clampSetting('topP', 0)).toBe(0.001)
  expect(clampSetting('maxTokens', -5)).toBe(1)
  expect(clampSetting('temperature', Number.NaN)).toBeNull()
})

test('stale preferences give way field by field', () => {
  expect(parsePreferences('x')).toEqual(DEFAULT_PREFERENCES)
  const kept = parsePreferences({
    theme: 'dark',
    language: 'xx',
    layout: { leftWidth: 9999, rightOpen: false },
  })
  expect(kept).toEqual({
    ...DEFAULT_PREFERENCES,
    theme: 'dark',
    layout: { ...DEFAULT_PREFERENCES.layout, rightOpen: false },
  })
})

test('the list of models: its default, its examples, what is wrong with it', () => {
  const list = parseCatalogue({
    default: 'b',
    models: [{ id: 'a' }, { id: 'b', name: 'B', examples: ['x', 3] }],
  })
  expect(list.initial).toBe('b')
  expect(examplesOf(list, 'b')).toEqual(['x'])
  expect(examplesOf(list, 'a')).toBe(FALLBACK_EXAMPLES)
  expect(parseCatalogue({ models: [] }).initial).toBeNull()
  expect(() => parseCatalogue({})).toThrow(/no list/)
  expect(() => parseCatalogue({ models: [{}] })).toThrow(/models\[0\]/)
})

test('both languages take the same values in every message', async () => {
  const slots = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([slot]) => slot).sort()
  const english = { ...en, ...viewsEn }
  for (const [key, text] of Object.entries(english)) {
    expect(slots(ko[key as keyof typeof english]), key).toEqual(slots(text))
  }
  expect(translator('en')('steps.empty')).toBe('')
  await loadViewMessages()
  expect(translator('en')('steps.empty')).toBe(viewsEn['steps.empty'])
  await loadLanguage('ko')
  expect(translator('ko')('output.count', { count: 3 })).toBe('토큰 3개')
})

test('numbers print with constant precision', () => {
  expect([1, 0.5, 0.0123, 0.00012, 3.2e-7, 0].map(formatProbability)).toEqual([
    '100%',
    '50.0%',
    '1.23%',
    '0.01%',
    '3.2·10⁻⁷',
    '0%',
  ])
  expect(formatFixed(-0.001, 2)).toBe('0.00')
  expect(formatFixed(-1.5, 1)).toBe('−1.5')
  expect([512, 579_000, 6_400_000].map(formatBytes)).toEqual(['512 B', '579 kB', '6.40 MB'])
  expect([870, 3_290_112, 134_515_008].map(formatMyriads)).toEqual(['870', '329만', '1.35억'])
})
