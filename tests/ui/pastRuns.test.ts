import { beforeEach, expect, test } from 'vitest'
import { adaptersOf } from '../../src/state/adapters.ts'
import { createAppStore, DEFAULT_PREFERENCES } from '../../src/state/app.ts'
import { editsOf } from '../../src/ui/views/edits/store.ts'
import { historyOf } from '../../src/state/history.ts'
import { pastRunsOf } from '../../src/ui/views/write/pastRuns.ts'
import { MAX_RUNS, readPastRuns, writePastRuns } from '../../src/ui/views/write/pastRunsMemory.ts'
import { Session } from '../../src/state/session.ts'
import { DEFAULT_SETTINGS } from '../../src/state/settings.ts'
import { textOf } from '../../src/state/textOf.ts'
import { TokenLog } from '../../src/state/tokenLog.ts'
import { createFakeClient } from './fakeClient.ts'

/** The tab's storage, which Node has none of. */
class FakeStorage {
  readonly #held = new Map<string, string>()
  getItem = (key: string): string | null => this.#held.get(key) ?? null
  setItem = (key: string, value: string): void => void this.#held.set(key, value)
}

beforeEach(() => {
  Object.assign(globalThis, { sessionStorage: new FakeStorage(), localStorage: new FakeStorage() })
})

async function open() {
  const app = createAppStore(DEFAULT_PREFERENCES, {
    prompt: 'A fox',
    settings: { ...DEFAULT_SETTINGS, maxTokens: 3 },
  })
  const log = new TokenLog((run) => void setTimeout(run, 1))
  const client = createFakeClient({ pace: 1, loadTime: 1 })
  const session = new Session({ client, app, log, now: () => performance.now() })
  await session.load('model', { label: 'Model', id: 'model' })
  return { app, log, session, past: pastRunsOf(session) }
}

const EDIT = { kind: 'scale', step: 'layers.0', head: null, factor: 0, span: { kind: 'all' } } as const

test('a run comes back with its prompt, settings and edits, as one step of undo', async () => {
  const { app, log, session, past } = await open()
  editsOf(session).add(EDIT)
  await session.generate()
  const first = log.tokens.map(({ id }) => id)
  editsOf(session).clear()
  app.setState({ prompt: 'A bear', settings: { ...DEFAULT_SETTINGS, maxTokens: 2, seed: 9 } })
  await session.generate()
  await session.continue()
  const second = log.tokens.map(({ id }) => id)
  const { runs } = past.state.getState()
  // What goes on is one run with its beginning; the newest stands first.
  expect(runs.map(({ prompt, log: text }) => [prompt, text?.tokens.length])).toEqual([
    ['A bear', 4],
    ['A fox', 3],
  ])

  await past.restore(runs[1]!)
  const shown = () => [app.getState().prompt, app.getState().settings.seed, log.tokens.map(({ id }) => id)]
  expect(shown()).toEqual(['A fox', DEFAULT_SETTINGS.seed, first])
  expect(editsOf(session).entries.map(({ change }) => change)).toEqual([EDIT])
  expect(adaptersOf(session).text.state.getState().spans).toEqual([{ from: 0, scales: [] }])
  await historyOf(session).undo()
  expect(shown()).toEqual(['A bear', 9, second])
  expect(editsOf(session).entries).toEqual([])
  await historyOf(session).redo()
  expect(shown()).toEqual(['A fox', DEFAULT_SETTINGS.seed, first])
})

test('the list outlives a reload, is bounded, and can be cleared', async () => {
  const { session, past } = await open()
  await session.generate()
  const again = await open()
  const [kept] = again.past.state.getState().runs
  expect(textOf(kept!.log!)).toBe(textOf(past.state.getState().runs[0]!.log!))

  const many = Array.from({ length: MAX_RUNS + 5 }, (_, at) => ({ ...kept!, at }))
  expect(writePastRuns(many)).toHaveLength(MAX_RUNS)
  const long = kept!.log!.tokens.flatMap((token) => Array.from({ length: 3000 }, () => token))
  const large = many.map((run) => ({ ...run, log: { ...run.log!, tokens: long } }))
  expect(writePastRuns(large).length).toBeLessThan(MAX_RUNS)
  expect(readPastRuns().length).toBeGreaterThan(0)

  again.past.clear()
  expect(readPastRuns()).toEqual([])
})

test('what another version kept is passed over', () => {
  sessionStorage.setItem('tokenscope.runs.1', JSON.stringify([{ at: 1 }, null, { prompt: 'x', log: {} }]))
  expect(readPastRuns()).toEqual([])
})
