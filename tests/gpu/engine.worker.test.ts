import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { INSPECTION_METHODS, METHODS } from '../../src/api/methods.ts'
import type { EngineEvent } from '../../src/worker/api.ts'
import { WorkerClient } from '../../src/worker/client.ts'
import { EngineHost } from '../../src/worker/host.ts'
import type { ToWorker } from '../../src/worker/protocol.ts'
import { END, scriptedModel } from './engine.scripted.ts'
import { collect, refusal } from './engine.support.ts'

const { files, script } = scriptedModel('A text that goes through messages, token by token.')
const GREEDY = { temperature: 0 }

/** A worker on this very thread: its messages are cloned and arrive later, as between threads. */
class LocalWorker extends EventTarget {
  static made: LocalWorker[] = []
  /** A worker that is stuck hears nothing. */
  stuck = false
  dead = false
  private readonly host = new EngineHost((data, transfer) => {
    const message = structuredClone(data, { transfer: transfer ?? [] })
    setImmediate(() => {
      if (!this.dead) this.dispatchEvent(new MessageEvent('message', { data: message }))
    })
  })

  constructor() {
    super()
    LocalWorker.made.push(this)
  }

  postMessage(data: ToWorker): void {
    const message = structuredClone(data)
    setImmediate(() => {
      if (!this.stuck && !this.dead) this.host.receive(message)
    })
  }

  terminate(): void {
    this.dead = true
    this.host.receive({ type: 'lose-device', run: 0 })
  }
}

let client: WorkerClient
let events: EngineEvent[]

function open(): void {
  LocalWorker.made = []
  events = []
  client = new WorkerClient(() => new LocalWorker() as unknown as Worker)
  client.onEvent((event) => void events.push(event))
}

/** Tests share a worker, with the device and the kernels it has, and leave no model in it, until one of them ends it. */
beforeAll(open)
beforeEach(() => {
  if (events.length === 0 && LocalWorker.made.length === 1) return
  client.dispose()
  open()
})
afterAll(() => client.dispose())

/** The worker now in use. */
const current = (): LocalWorker => LocalWorker.made.at(-1)!

test('a model in a worker has the library’s surface', async () => {
  const stages: string[] = []
  const model = await client.loadModel(files, { onProgress: ({ stage }) => void stages.push(stage) })
  expect(new Set(stages)).toEqual(
    new Set(['config', 'tokenizer', 'weights', 'compile', 'self-test', 'ready']),
  )
  expect(model.info).toMatchObject({ layers: 1, hasTokenizer: true })
  const prefill: number[] = []
  const answer = await collect(model, 'x', { ...GREEDY, onPrefill: (done) => void prefill.push(done) })
  expect(answer.ids).toEqual([...script, END])
  expect(prefill.at(-1)).toBe(2)
  const { shape, data } = await model.logits([5, 6])
  expect(shape).toEqual([2, model.info.vocab])
  expect(data).toHaveLength(2 * model.info.vocab)
  expect((await model.tokenLogits(0)).recomputed).toBe(false)
  const traced = await model.trace([5, 6], { probes: ['layers.*.attn.probs'] })
  expect(traced.get('layers.0.attn.probs')?.shape).toEqual([1, 2, 2])
  expect((await model.steps({ rows: 1 })).at(-1)?.name).toBe('logits')
  const ids = await model.encode('ab', { addSpecialTokens: false })
  expect(await model.decode(ids)).toBe('ab')
  expect(await model.tokenTexts(ids)).toEqual(['a', 'b'])
  const prompt = await model.encode('x')
  expect((await model.logitsAt([...prompt, ...script.slice(0, 3)])).recomputed).toBe(false)
  expect((await model.logitsAt(script)).recomputed).toBe(true)
  await model.dispose()
  await refusal(model.counters(), 'bad-argument')
})

test('the page hears while a model computes, whoever asked, and not while a paced stream waits to be taken', async () => {
  const heard: boolean[] = []
  const leave = client.onWork((working) => void heard.push(working))
  const model = await client.loadModel(files)
  expect(heard).toEqual([])
  await Promise.all([model.logits([5, 6]), model.tokenTexts([5])])
  expect(heard).toEqual([true, false])
  const { id } = await model.newAdapter({ name: 'small', rank: 1, targets: ['q_proj'] })
  heard.length = 0
  const examples = [{ ids: [5, 6, 7], mask: [0, 1, 1] as const }]
  for await (const { loss } of model.train(id, examples, { steps: 2 })) {
    expect([Number.isFinite(loss), heard.at(-1)]).toEqual([true, false])
  }
  expect(heard).toEqual([true, false, true, false, true, false])
  await refusal(model.trace([-1], { probes: ['logits'] }), 'bad-argument')
  expect(heard.at(-1)).toBe(false)
  await model.dispose()
  leave()
})

test('every method of the engine is there, and nothing else', async () => {
  const model = await client.loadModel(files)
  expect(Object.keys(model).toSorted()).toEqual(['info', ...Object.keys(METHODS)].toSorted())
  const opened = await model.inspect([5, 6])
  const data = ['ids', 'steps', 'retainedBytes']
  expect(Object.keys(opened).toSorted()).toEqual([...data, ...Object.keys(INSPECTION_METHODS)].toSorted())
  await model.dispose()
})

test('an inspection is a handle: it answers until it is closed, and closing twice is once', async () => {
  const model = await client.loadModel(files)
  const opened = await model.inspect([5, 6], { retain: ['logits'] })
  expect(opened.ids).toEqual([5, 6])
  expect(opened.steps.at(-1)?.name).toBe('logits')
  const { shape, data } = await opened.read('logits')
  expect([shape, data.length]).toEqual([[2, model.info.vocab], 2 * model.info.vocab])
  expect((await opened.stats('logits', { row: 1 })).max).toBe(Math.max(...data.slice(model.info.vocab)))
  await Promise.all([opened.close(), opened.close()])
  expect((await refusal(opened.read('logits'), 'bad-argument')).message).toContain('closed')
  await model.dispose()
  await model.dispose()
})

test('errors keep their code, hint and details', async () => {
  const model = await client.loadModel(files)
  const error = await refusal(collect(model, [99_999]), 'bad-argument')
  expect(error.hint).not.toBe('')
  expect(error.details).toMatchObject({ field: 'prompt', got: 99_999 })
  await refusal(client.loadModel(new Map()), 'bad-file')
  await model.dispose()
})

test('a run is left, stopped, or cut off by dispose, and the next one is whole', async () => {
  const model = await client.loadModel(files)
  expect((await collect(model, 'x', GREEDY, ({ index }) => index < 2)).ids).toEqual(script.slice(0, 3))
  const controller = new AbortController()
  const stopped = await collect(model, 'x', { ...GREEDY, signal: controller.signal }, () =>
    controller.abort(),
  )
  expect(stopped.finish).toBe('abort')
  expect((await collect(model, 'x', GREEDY)).ids).toEqual([...script, END])
  const disposing: Promise<void>[] = []
  const cut = collect(model, 'x', { ...GREEDY, maxTokens: 200 }, ({ index }) => {
    if (index === 1) disposing.push(model.dispose())
  })
  await refusal(cut, 'bad-argument')
  await Promise.all(disposing)
})

test('training goes no further than it is read, and ends where it is left', async () => {
  const model = await client.loadModel(files)
  const { id } = await model.newAdapter({ name: 'x', rank: 1 })
  const texts = [{ ids: [5, 6, 7], mask: [0, 1, 1] as const }]
  const submits = async () => (await model.counters()).submits
  const steps = model.train(id, texts, { steps: 9 })[Symbol.asyncIterator]()
  expect((await steps.next()).value).toMatchObject({ index: 0 })
  const before = await submits()
  // Messages keep their order: whatever ran ahead would have been submitted by now.
  for (let i = 0; i < 5; i++) await model.encode('x')
  expect(await submits()).toBe(before)
  expect((await steps.next()).value).toMatchObject({ index: 1 })
  const after = await submits()
  expect(after).toBeGreaterThan(before)
  await steps.return?.()
  const controller = new AbortController()
  const again = model.train(id, texts, { steps: 9, signal: controller.signal })[Symbol.asyncIterator]()
  expect((await again.next()).value).toMatchObject({ index: 0 })
  controller.abort()
  await refusal(again.next(), 'aborted')
  await model.dispose()
})

test('a load is given up', async () => {
  const controller = new AbortController()
  const loading = client.loadModel(files, { signal: controller.signal, onProgress: () => controller.abort() })
  await refusal(loading, 'aborted')
  const model = await client.loadModel(files)
  expect(model.info.layers).toBe(1)
  await model.dispose()
})

test('a lost device is told once for each model, and counted', async () => {
  for (const losses of [1, 2]) {
    const model = await client.loadModel(files)
    const running = refusal(
      collect(model, 'x', GREEDY, ({ index }) => {
        if (index === 1) void client.simulateDeviceLoss()
      }),
      'device-lost',
    )
    await running
    await expect.poll(() => events.length).toBe(losses)
    expect(events.at(-1)).toMatchObject({ type: 'device-lost', losses })
    await model.dispose()
  }
})

describe('a worker that', () => {
  test('throws is started again, and what waited for it ends', async () => {
    const model = await client.loadModel(files)
    const waiting = collect(model, 'x', GREEDY)
    const error = Object.assign(new Event('error', { cancelable: true }), { message: 'on purpose' })
    current().dispatchEvent(error)
    expect((await refusal(waiting, 'device-lost')).message).toContain('on purpose')
    expect(events).toMatchObject([{ type: 'worker-restarted' }])
    expect(LocalWorker.made).toHaveLength(2)
    const again = await client.loadModel(files)
    expect((await collect(again, 'x', { ...GREEDY, maxTokens: 2 })).ids).toEqual(script.slice(0, 2))
  })

  test('is silent for 30 seconds while work waits, likewise; one without work is left alone', async () => {
    client.dispose()
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
    try {
      client = new WorkerClient(() => new LocalWorker() as unknown as Worker)
      await vi.advanceTimersByTimeAsync(120_000)
      const before = LocalWorker.made.length
      current().stuck = true
      const loading = refusal(client.loadModel(files), 'device-lost')
      await vi.advanceTimersByTimeAsync(25_000)
      expect(LocalWorker.made).toHaveLength(before)
      await vi.advanceTimersByTimeAsync(15_000)
      expect(LocalWorker.made).toHaveLength(before + 1)
      expect((await loading).message).toContain('30 seconds')
    } finally {
      vi.useRealTimers()
    }
  })
})
