import { beforeEach, expect, test } from 'vitest'
import { keepLoads, loadsOf } from '../../src/state/loadChoices.ts'
import { contextChoices } from '../../src/ui/views/models/ContextPart.tsx'

beforeEach(() => {
  const kept = new Map<string, string>()
  Object.assign(globalThis, {
    localStorage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
    },
  })
})

test('the lengths on offer are doublings, what the model has, and what it is loaded with', () => {
  expect(contextChoices(512, 512)).toEqual([64, 128, 256, 512])
  expect(contextChoices(300, 100)).toEqual([64, 100, 128, 256, 300])
  expect(contextChoices(33, 33)).toEqual([33])
})

test('a chosen length is how the model is loaded on the next visit, beside what was chosen before', () => {
  keepLoads('m', { weights: 'q8_0' })
  keepLoads('m', { ...loadsOf('m'), contextLength: 128 })
  expect(loadsOf('m')).toEqual({ weights: 'q8_0', contextLength: 128 })
  expect(loadsOf('other')).toBeUndefined()
})
