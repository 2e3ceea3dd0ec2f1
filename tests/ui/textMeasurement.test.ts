import { expect, test } from 'vitest'
import { createAppStore, DEFAULT_PREFERENCES } from '../../src/state/app.ts'
import type { Session } from '../../src/state/session.ts'
import { TextMeasurement } from '../../src/state/textMeasurement.ts'
import { FAKE_INFO } from './fakeClient.ts'

/** A page with a text, and a measurement of it that comes piece by piece when it is told to. */
function fakePage() {
  const app = createAppStore(DEFAULT_PREFERENCES, { model: { kind: 'ready', info: FAKE_INFO } })
  const listeners = new Set<() => void>()
  let ids: readonly number[] = [1, 2, 3]
  const session = {
    app,
    model: { info: FAKE_INFO, listAdapters: () => Promise.resolve([]) },
    log: {
      modelId: FAKE_INFO.id,
      tokens: [],
      idsBefore: () => [...ids],
      subscribe: (listener: () => void) => listeners.add(listener),
    },
    report: (error: unknown) => {
      throw error
    },
  } as unknown as Session
  const reads: AbortSignal[] = []
  let next: () => void = () => undefined
  const measurement = new TextMeasurement<number>(
    session,
    async function* (_, text, signal) {
      reads.push(signal)
      for (let done = 1; done <= text.length; done++) {
        await new Promise<void>((resolve) => (next = resolve))
        yield done
      }
    },
    { done: (value) => value },
  )
  const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))
  const goOn = async (): Promise<void> => {
    next()
    await turn()
  }
  const write = (text: readonly number[]): void => {
    ids = text
    for (const listener of listeners) listener()
  }
  return { measurement, reads, goOn, turn, write, state: () => measurement.state.getState() }
}

test('leaving a view ends its reading; what was read stays, and coming back reads anew', async () => {
  const { measurement, reads, goOn, turn, state } = fakePage()
  const leave = measurement.watch()
  await turn()
  await goOn()
  expect(state().phase).toEqual({ kind: 'reading', tokens: 3, done: 1 })
  leave()
  await goOn()
  expect([reads[0]?.aborted, state().phase.kind, state().shown?.value]).toEqual([true, 'empty', 1])
  measurement.watch()
  await turn()
  expect(reads).toHaveLength(2)
  for (const done of [1, 2, 3]) {
    await goOn()
    expect(state().shown?.value).toBe(done)
  }
  await goOn()
  expect(state().phase.kind).toBe('ready')
})

test('a view that takes over in the same turn goes on with the reading', async () => {
  const { measurement, reads, goOn, turn, state } = fakePage()
  const leave = measurement.watch()
  await turn()
  leave()
  measurement.watch()
  await goOn()
  expect([reads.length, reads[0]?.aborted, state().shown?.value]).toEqual([1, false, 1])
})

test('what was read of a text that was left halfway does not stand under another text', async () => {
  const { measurement, goOn, turn, write, state } = fakePage()
  const leave = measurement.watch()
  await turn()
  await goOn()
  leave()
  await turn()
  write([9, 9])
  expect(state()).toEqual({ phase: { kind: 'empty' }, shown: null })
})
