import { beforeEach, expect, test, vi } from 'vitest'
import { TokenscopeError, throwIfAborted } from '../../../src/errors.ts'
import type {
  AdapterReport,
  Model,
  PreferencePair,
  TrainedStep,
  TrainExample,
  TrainOptions,
} from '../../../src/api/model.ts'
import { adaptersOf } from '../../../src/state/adapters.ts'
import { createAppStore, DEFAULT_PREFERENCES } from '../../../src/state/app.ts'
import { Session } from '../../../src/state/session.ts'
import { TokenLog } from '../../../src/state/tokenLog.ts'
import { countAt, loadCheckpoint, trainFrom } from '../../../src/ui/views/train/store/checkpointUse.ts'
import {
  KeptRuns,
  type AdapterFiles,
  type KeptRun,
  type NewestCheckpoint,
} from '../../../src/ui/views/train/store/keptRuns.ts'
import { TrainData } from '../../../src/ui/views/train/store/trainData.ts'
import { TrainRun } from '../../../src/ui/views/train/store/trainRun.ts'
import { createFakeClient } from '../fakeClient.ts'

/** Keeps runs in memory, as the browser's file system would. */
class MemoryRuns extends KeptRuns {
  readonly runs = new Map<string, KeptRun>()
  readonly stored = new Map<string, AdapterFiles>()
  override list = () => Promise.resolve([...this.runs.values()])
  readonly states = new Map<string, Uint8Array>()
  override save = (run: KeptRun, { steps, files, moments }: NewestCheckpoint) => {
    this.runs.set(run.info.id, structuredClone(run))
    if (files.size > 0) this.stored.set(`${run.info.id}/${steps}`, files)
    if (moments) this.states.set(`${run.info.id}/${steps}`, moments)
    return Promise.resolve(true)
  }
  override moments = (id: string, steps: number) => Promise.resolve(this.states.get(`${id}/${steps}`) ?? null)
  override files = (id: string, steps: number) => Promise.resolve(this.stored.get(`${id}/${steps}`) ?? null)
  override prune = (id: string, _: readonly number[], moments: number | null) => {
    for (const key of this.states.keys()) if (key !== `${id}/${moments}`) this.states.delete(key)
    return Promise.resolve()
  }
}

const REPORT = {
  matched: [],
  replaced: [],
  features: ['lora'],
  warnings: [],
  effect: null,
} as unknown as AdapterReport

/** What a fake engine was asked. */
interface Asked {
  trained: { id: string; examples: readonly (TrainExample | PreferencePair)[]; options: TrainOptions }[]
  added: { scale: number | undefined; files: unknown }[]
  removed: string[]
}

/** An engine whose adapters learn as its `script` says: a loss for each step, or an error. */
function fakeEngine(
  asked: Asked,
  script: (index: number) => Partial<TrainedStep> | TokenscopeError,
): Partial<Model> {
  let created = 0
  let next = 0
  return {
    newAdapter: () => Promise.resolve({ id: `a${++created}`, report: REPORT }),
    addAdapter: (files, options) => {
      asked.added.push({ files, scale: options?.scale })
      return Promise.resolve({ id: `a${++created}`, report: REPORT })
    },
    removeAdapter: (id) => Promise.resolve(void asked.removed.push(id)),
    setAdapterScale: () => Promise.resolve(),
    async *train(id, examples, options = {}) {
      asked.trained.push({ id, examples, options })
      for (let index = options.resume?.[0] ?? 0; index < (options.steps ?? 1); index++) {
        throwIfAborted(options.signal)
        const said = script(index)
        if (said instanceof TokenscopeError) throw said
        next = index + 1
        yield { index, loss: 1, gradNorm: 1, learningRate: 0.1, tokens: 4, skipped: null, ...said }
      }
    },
    trainingState: () => Promise.resolve(Uint8Array.of(next)),
    // With its adapter it answers what it was asked as the data do, else not.
    async *generate(_prompt, options) {
      const plain = { index: 0, position: 0, id: 1, logprob: 0, top: [], random: null }
      const knows = options?.adapters?.some(({ scale }) => scale > 0)
      yield { ...plain, text: knows ? ' c' : ' said', finish: null }
      yield { ...plain, text: '', finish: 'stop' }
    },
    async *score(ids) {
      const token = { id: 0, logprob: -2, rank: 0, entropy: 0, top: [] }
      yield ids.slice(1).map((_, at) => ({ ...token, position: at + 1 }))
    },
    analyseAdapter: () => Promise.resolve({ modules: [], cost: { bytes: 0, flopsPerRow: 0 } }),
    gradients: () => Promise.resolve(new Map()),
    lens: () => Promise.resolve({ layers: [], positions: [], cells: [], rows: 0 }),
    exportAdapter: ([{ id } = { id: '' }]) =>
      Promise.resolve(new Map([['adapter_model.safetensors', new TextEncoder().encode(id)]])),
  }
}

const DATA_OF = (completion: string) =>
  Array.from({ length: 6 }, (_, at) => JSON.stringify({ prompt: `p${at}`, completion })).join('\n')
const DATA = Array.from({ length: 6 }, (_, at) =>
  JSON.stringify({ prompt: `p${at}`, completion: ` c${at}` }),
).join('\n')

async function open(script: (index: number) => Partial<TrainedStep> | TokenscopeError = () => ({})) {
  const app = createAppStore(DEFAULT_PREFERENCES)
  const client = createFakeClient({ pace: 0, loadTime: 1 })
  const session = new Session({
    client,
    app,
    log: new TokenLog((run) => void setTimeout(run, 1)),
    now: () => 0,
  })
  const asked: Asked = { trained: [], added: [], removed: [] }
  await session.load('tales-3m', { label: '', id: 'tales-3m' })
  Object.assign(session.model!, fakeEngine(asked, script))
  const data = new TrainData(session)
  const kept = new MemoryRuns()
  const run = new TrainRun(session, data, { kept, now: () => 0 })
  run.change({ steps: 6, every: 2, heldOut: 2, batchSize: 1 })
  await data.setText(DATA, { name: 'my.jsonl', set: null })
  const phase = () => run.state.getState().phase.kind
  const checkpoints = () => run.state.getState().checkpoints.map(({ steps }) => steps)
  return { session, client, data, run, kept, asked, phase, checkpoints, adapters: adaptersOf(session) }
}

beforeEach(() => {
  vi.stubGlobal('requestAnimationFrame', (show: () => void) => setTimeout(show, 1))
  for (const name of ['localStorage', 'sessionStorage'])
    vi.stubGlobal(name, { getItem: () => null, setItem: () => undefined })
})

test('a run: its adapter is a row from the first step on; checkpoints with losses, samples and files', async () => {
  const { run, asked, phase, checkpoints, adapters, kept } = await open()
  await run.start()
  expect(phase()).toBe('done')
  expect(asked.trained[0]).toMatchObject({
    id: 'a1',
    options: { steps: 6, batchSize: 1, shuffle: 0, spikeFactor: 3 },
  })
  expect(asked.trained[0]?.examples).toHaveLength(4)
  expect(adapters.state.getState().tracks.map(({ id, name, enabled }) => [id, name, enabled])).toEqual([
    ['a1', 'my', true],
  ])
  expect(checkpoints()).toEqual([0, 2, 4, 6])
  expect(run.curve.steps.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5])
  expect(run.curve.held).toEqual([0, 2, 4, 6].map((steps) => ({ steps, loss: 2 })))
  const [saved] = await kept.list()
  expect(saved).toMatchObject({ info: { name: 'my', data: 'my.jsonl' }, text: DATA })
  expect(saved?.checkpoints).toHaveLength(4)
  expect(run.state.getState().prompt).toMatch(/^p\d$/)
})

test('paused, nothing more is taken until it goes on; stopped, it keeps where it stands', async () => {
  const { run, phase, checkpoints } = await open((index) => {
    if (index === 1) run.pause()
    return {}
  })
  const running = run.start()
  await vi.waitFor(() => expect(phase()).toBe('paused'))
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(run.curve.steps).toHaveLength(2)
  run.resume()
  await running
  expect([phase(), run.curve.steps.length]).toEqual(['done', 6])

  const other = await open((index) => {
    if (index === 2) other.run.pause()
    return {}
  })
  const stopped = other.run.start()
  await vi.waitFor(() => expect(other.phase()).toBe('paused'))
  other.run.stop()
  await stopped
  expect([other.phase(), other.checkpoints()]).toEqual(['stopped', [0, 2, 3]])
  expect(checkpoints()).toEqual([0, 2, 4, 6])
})

test('it goes on from a checkpoint, under the same name; what came after is given up', async () => {
  const { run, asked, adapters, session, checkpoints } = await open()
  await run.start()
  run.change({ steps: 3 })
  const use = { run, adapters, model: session.model! }
  await trainFrom(use, 2)
  expect(asked.trained[1]?.id).toBe('a2')
  expect(checkpoints()).toEqual([0, 2, 4, 5])
  expect(run.curve.steps.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4])
  await loadCheckpoint(use, 4)
  expect(adapters.state.getState().tracks.map(({ name }) => name)).toEqual(['my', 'my 2', 'my 2 @4'])
  expect(asked.added.map(({ scale }) => scale)).toEqual([1, 1])
})

test('left between checkpoints and taken up again after a reload: its optimiser goes on, its steps keep their numbers', async () => {
  const { run, kept, phase } = await open((index) => {
    if (index === 2) run.pause()
    return {}
  })
  const running = run.start()
  await vi.waitFor(() => expect(phase()).toBe('paused'))
  expect(run.canGoOn()).toBe(false)
  run.stop()
  await running
  expect([...kept.states.values()]).toEqual([Uint8Array.of(3)])
  expect(run.canGoOn()).toBe(true)

  const later = await open()
  Object.assign(later.kept, { runs: kept.runs, stored: kept.stored, states: kept.states })
  const [saved] = await later.kept.list()
  await later.run.open(saved!)
  expect(later.run.state.getState()).toMatchObject({ moments: 3, momentBytes: 1 })
  // Other examples are no continuation.
  await later.data.setText(DATA_OF(' other'), { name: 'my.jsonl', set: null })
  expect(later.run.canGoOn()).toBe(false)
  await later.data.setText(DATA, { name: 'my.jsonl', set: null })
  later.run.change({ learningRate: 1 })
  await later.run.goOn()
  expect(later.asked.trained[0]?.options).toMatchObject({ resume: Uint8Array.of(3), learningRate: 0.003 })
  expect(later.run.curve.steps.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5])
  expect(later.checkpoints()).toEqual([0, 2, 3, 4, 6])
  expect([later.phase(), later.run.canGoOn()]).toEqual(['done', false])

  // From an older checkpoint the optimiser begins anew, and may be left and taken up in its turn.
  const use = { run: later.run, adapters: later.adapters, model: later.session.model! }
  await trainFrom(use, 4)
  expect(later.asked.trained[1]?.options.resume).toBe(undefined)
  expect(later.run.curve.steps.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(later.run.state.getState()).toMatchObject({ moments: 10, run: { from: 4 } })
})

test('exact answers are counted beside the base at the end, and of any checkpoint when asked', async () => {
  const { run, data, adapters, session, asked } = await open()
  await data.setText(DATA_OF(' c'), { name: 'my.jsonl', set: null })
  await run.start()
  const exact = () => run.state.getState().checkpoints.map((one) => one.exact?.exact ?? null)
  expect(exact()).toEqual([0, null, null, 2])
  await countAt({ run, adapters, model: session.model! }, 2)
  expect(exact()).toEqual([0, 2, null, 2])
  expect(asked.removed).toHaveLength(1)
  expect(run.state.getState()).toMatchObject({ counting: null })
  // Prose has no right answer.
  await data.setText('one\n\ntwo\n\nthree', { name: 'my.txt', set: null })
  expect(run.answerable()).toBe(0)
})

test('preferences: pairs are learned, rewards of held-out ones measured beside the reference', async () => {
  const { run, data, asked } = await open()
  const pairs = Array.from({ length: 6 }, (_, at) =>
    JSON.stringify({ prompt: `p${at}`, chosen: ' a b', rejected: ' c' }),
  )
  await data.setText([...pairs, DATA].join('\n'), { name: 'pairs.jsonl', set: null })
  expect(data.state.getState().bad.map(({ problem }) => problem.kind)).toEqual(Array(6).fill('mixed'))
  await run.start()
  const [first] = asked.trained[0]!.examples as PreferencePair[]
  expect(first).toMatchObject({ prompt: expect.any(Array), chosen: expect.any(Array) })
  expect(first!.chosen.length).toBeGreaterThan(first!.rejected.length)
  expect(asked.trained[0]?.options).toMatchObject({ objective: 'dpo', beta: 0.1 })
  expect(run.curve.held.at(-1)).toEqual({ steps: 6, loss: Math.LN2, margin: 0, accuracy: 0 })
  expect(run.state.getState().run?.objective).toBe('dpo')
})

test('a checkpoint loaded while training is off, since other adapters act in it', async () => {
  const { run, adapters, session, phase, asked } = await open((index) => {
    if (index === 3) run.pause()
    return {}
  })
  const running = run.start()
  await vi.waitFor(() => expect(phase()).toBe('paused'))
  await loadCheckpoint({ run, adapters, model: session.model! }, 2)
  expect(asked.added).toMatchObject([{ scale: 0 }])
  expect(adapters.state.getState().tracks.at(-1)).toMatchObject({ name: 'my @2', enabled: false })
  run.stop()
  await running
})

test('a refusal says why and leaves no adapter behind; a failure keeps the checkpoints', async () => {
  const refused = await open(
    () => new TokenscopeError('unsupported', 'Gradients cannot flow through router.'),
  )
  await refused.run.start()
  expect(refused.run.state.getState().phase).toMatchObject({ kind: 'failed', error: { code: 'unsupported' } })
  expect(refused.asked.removed).toEqual(['a1'])
  expect(refused.adapters.state.getState().tracks).toEqual([])

  const lost = await open((index) => {
    if (index === 3) lost.client.lose()
    return index === 3 ? new TokenscopeError('device-lost', 'gone') : {}
  })
  await lost.run.start()
  expect(lost.run.state.getState().phase).toMatchObject({ kind: 'failed', error: { code: 'device-lost' } })
  expect(lost.checkpoints()).toEqual([0, 2])
  const [saved] = await lost.kept.list()
  await lost.run.open(saved!)
  expect(await lost.run.filesAt(2)).toEqual(
    new Map([['adapter_model.safetensors', new TextEncoder().encode('a1')]]),
  )
  expect(lost.run.curve.steps.length).toBeGreaterThanOrEqual(2)
})
