import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createAppStore, DEFAULT_PREFERENCES } from '../../src/state/app.ts'
import { watchWork } from '../../src/state/working.ts'
import { createFakeClient } from './fakeClient.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function watched() {
  const app = createAppStore(DEFAULT_PREFERENCES)
  let tell = (_working: boolean): void => undefined
  watchWork({ ...createFakeClient(), onWork: (listener) => ((tell = listener), () => undefined) }, app)
  return { tell: (working: boolean) => tell(working), shown: () => app.getState().working }
}

test('a call that is over at once is not said', () => {
  const { tell, shown } = watched()
  tell(true)
  vi.advanceTimersByTime(100)
  tell(false)
  vi.advanceTimersByTime(1000)
  expect(shown()).toBe(false)
})

test('long work is said, and its end once nothing follows', () => {
  const { tell, shown } = watched()
  tell(true)
  vi.advanceTimersByTime(500)
  expect(shown()).toBe(true)
  tell(false)
  expect(shown()).toBe(true)
  vi.advanceTimersByTime(500)
  expect(shown()).toBe(false)
})

test('many short calls one after the other are one piece of work', () => {
  const { tell, shown } = watched()
  for (let call = 0; call < 20; call++) {
    tell(true)
    vi.advanceTimersByTime(30)
    tell(false)
    vi.advanceTimersByTime(20)
  }
  expect(shown()).toBe(true)
  vi.advanceTimersByTime(500)
  expect(shown()).toBe(false)
})
