import { beforeEach, expect, test, vi } from 'vitest'
import { TokenscopeError, throwIfAborted } from '../../../src/errors.ts'
import type { AdapterReport, Model, TrainedStep, TrainExample, TrainOptions } from '../../../src/api/model.ts'
import { adaptersOf } from '../../../src/state/adapters.ts'
import { createAppStore, DEFAULT_PREFERENCES } from '../../../src/state/app.ts'
import { Session } from '../../../src/state/session.ts'
import { TokenLog } from '../../../src/state/tokenLog.ts'
import { loadCheckpoint, trainFrom } from '../../../src/ui/views/train/store/checkpointUse.ts'
import { KeptRuns, type AdapterFiles, type KeptRun } from '../../../src/ui/views/train/store/keptRuns.ts'
import { TrainData } from '../../../src/ui/views/train/store/trainData.ts'
import { TrainRun } from '../../../src/ui/views/train/store/trainRun.ts'
import { createFakeClient } from '../fakeClient.ts'

/** Keeps runs in memory, as the browser's file system would. */
class MemoryRuns extends KeptRuns {
  readonly runs = new Map<string, KeptRun>()
  readonly stored = new Map<string, AdapterFiles>()
  override list = () => Promise.resolve([...this.runs.values()])
  override keep = (run: KeptRun, newest: { steps: number; files: AdapterFiles } | null) => {
    this.runs.set(run.info.id, structuredClone(run))
    if (newest) this.stored.set(`${run.info.id}/${newest.steps}`, newest.files)
    return Promise.resolve(true)
  }
  override files = (id: string, steps: number) => Promise.resolve(this.stored.get(`${id}/${steps}`) ?? null)
  override prune = () => Promise.resolve()
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
  trained: { id: string; examples: readonly TrainExample[]; options: TrainOptions }[]
  added: { scale: number | undefined; files: unknown }[]
  removed: string[]
}

/** An engine whose adapters learn as its `script` says: a loss for each step, or an error. */
function fakeEngine(
  asked: Asked,
  script: (index: number) => Partial<TrainedStep> | TokenscopeError,
): Partial<Model> {
  let made = 0
  return {
    newAdapter: () => Promise.resolve({ id: `a${++made}`, report: REPORT }),
    addAdapter: (files, options) => {
      asked.added.push({ files, scale: options?.scale })
      return Promise.resolve({ id: `a${++made}`, report: REPORT })
    },
    removeAdapter: (id) => Promise.resolve(void asked.removed.push(id)),
    setAdapterScale: () => Promise.resolve(),
    async *train(id, examples, options = {}) {
      asked.trained.push({ id, examples: examples as readonly TrainExample[], options })
      for (let index = 0; index < (options.steps ?? 1); index++) {
        throwIfAborted(options.signal)
        const said = script(index)
        if (said instanceof TokenscopeError) throw said
        yield { index, loss: 1, gradNorm: 1, learningRate: 0.1, tokens: 4, skipped: null, ...said }
      }
    },
    async *generate() {
      yield {
        index: 0,
        position: 0,
        id: 1,
        text: ' said',
        logprob: 0,
        top: [],
        random: null,
        finish: 'length',
      }
    },
    async *score(ids) {
      const token = { id: 0, logprob: -2, rank: 0, entropy: 0, top: [] }
      yield ids.slice(1).map((_, at) => ({ ...token, position: at + 1 }))
    },
    analyseAdapter: () => Promise.resolve({ modules: [], cost: { bytes: 0, flopsPerRow: 0 } }),
    gradients: () => Promise.resolve(new Map()),
    lens: () => Promise.resolve({ layers: [], positions: [], cells: [] }),
    exportAdapter: ([{ id } = { id: '' }]) =>
      Promise.resolve(new Map([['adapter_model.safetensors', new TextEncoder().encode(id)]])),
  }
}

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
  await data.take(DATA, { name: 'my.jsonl', set: null })
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
