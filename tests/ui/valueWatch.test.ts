import { expect, test, vi } from 'vitest'
import type { WatchedStep } from '../../src/api/model.ts'
import { createAppStore, DEFAULT_PREFERENCES } from '../../src/state/app.ts'
import type { Session } from '../../src/state/session.ts'
import { ValueWatching } from '../../src/ui/views/models/valueWatch.ts'
import { FAKE_INFO } from './fakeClient.ts'

const SOUND: WatchedStep = { step: 'embed', covers: [], nan: 0, infinite: 0, large: 0, peak: 2 }
const ODD: WatchedStep = { ...SOUND, step: 'layers.1.resid', large: 3, peak: 1e6 }

/** A page whose model counts these steps, and what it heard of the switch. */
function fakePage(steps: readonly WatchedStep[]) {
  const heard: [string, boolean][] = []
  const fakeModel = (name: string) => ({
    watchValues: (on: boolean) => Promise.resolve(void heard.push([name, on])),
    watchedValues: () => Promise.resolve(steps),
  })
  const app = createAppStore(DEFAULT_PREFERENCES, { model: { kind: 'ready', info: FAKE_INFO } })
  const session = {
    app,
    model: fakeModel('first'),
    report: (error: unknown) => heard.push([String(error), false]),
  }
  const watching = new ValueWatching(session as unknown as Session)
  const swap = (name: string): void => {
    session.model = fakeModel(name)
    app.setState({ model: { kind: 'ready', info: { ...FAKE_INFO, id: name } } })
  }
  return { heard, app, watching, swap }
}

test('counts are read while the switch is on, the first odd step is told of once, and the next model counts too', async () => {
  vi.useFakeTimers()
  const { heard, app, watching, swap } = fakePage([SOUND, ODD])
  await watching.setOn(true)
  await vi.advanceTimersByTimeAsync(1000)
  expect(watching.state.getState().steps).toEqual([SOUND, ODD])
  expect(app.getState().odd).toEqual(ODD)
  app.setState({ odd: null })
  await vi.advanceTimersByTimeAsync(2000)
  expect(app.getState().odd).toBeNull()
  swap('second')
  await vi.advanceTimersByTimeAsync(1000)
  expect(app.getState().odd).toEqual(ODD)
  await watching.setOn(false)
  expect(app.getState().odd).toBeNull()
  expect(heard).toEqual([
    ['first', true],
    ['second', true],
    ['second', false],
  ])
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

test('nothing odd: nothing is said', async () => {
  vi.useFakeTimers()
  const { app, watching } = fakePage([SOUND])
  await watching.setOn(true)
  await vi.advanceTimersByTimeAsync(3000)
  expect(app.getState().odd).toBeNull()
  await watching.setOn(false)
  vi.useRealTimers()
})
