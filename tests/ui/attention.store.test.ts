import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createAppStore, DEFAULT_PREFERENCES } from '../../src/state/app.ts'
import { attentionOf } from '../../src/ui/views/attention/store.ts'
import { lensCell, lensOf } from '../../src/ui/views/lens/store.ts'
import { Session } from '../../src/state/session.ts'
import { DEFAULT_SETTINGS } from '../../src/state/settings.ts'
import { selectRow, selectedRow } from '../../src/state/selection.ts'
import { TokenLog } from '../../src/state/tokenLog.ts'
import type { LensOptions, Model, TensorData } from '../../src/api/model.ts'
import { recordedSteps } from './recordedSteps.ts'

/** As many layers as these tests need, and more. */
const STEPS = await recordedSteps('gemma3')

const LAYERS = 3
const HEADS = 2

/** Head 0 looks at itself, head 1 at the first token. */
function probsOf(size: number): TensorData {
  const data = new Float32Array(HEADS * size * size)
  for (let row = 0; row < size; row++) {
    data[row * size + row] = 1
    data[(size + row) * size] = 1
  }
  return { shape: [HEADS, size, size], data }
}

function page(vocab = 16) {
  const asked: { ids: readonly number[]; probes: readonly string[] }[] = []
  const chunks: (readonly number[])[] = []
  const adapters: number[] = []
  let hold = Promise.resolve()
  const info = { id: 'm', tasks: ['generate'], layers: LAYERS, heads: HEADS, vocab, hasTokenizer: false }
  const model = {
    info,
    listAdapters: () => Promise.resolve(adapters.map((scale) => ({ id: 'a', scale }))),
    memory: () => Promise.resolve({ gpuBytes: 0, buffers: 0, byLabel: {} }),
    steps: () => Promise.resolve(STEPS),
    trace: async (ids: readonly number[], { probes }: { probes: readonly string[] }) => {
      asked.push({ ids, probes })
      await hold
      return new Map(probes.map((probe) => [probe, probsOf(ids.length)]))
    },
    traceRows: async function* (ids: readonly number[], { probes }: { probes: readonly string[] }) {
      const tensors = await model.trace(ids, { probes })
      yield { begin: 0, end: ids.length, tensors }
    },
    lens: (ids: readonly number[], { layers, positions = [] }: LensOptions) => {
      const all = layers ?? [-1, 0, 1, 2]
      chunks.push(positions)
      const cells = all.flatMap((layer) =>
        positions.map((position) => ({ layer, position, top: [{ id: ids[position], probability: 1 }] })),
      )
      return Promise.resolve({ layers: all, positions, cells, rows: Math.max(...positions) + 1 })
    },
  }
  const app = createAppStore(DEFAULT_PREFERENCES)
  const log = new TokenLog((run) => run())
  const client = {
    loadModel: () => Promise.resolve(model as unknown as Model),
    onEvent: () => () => undefined,
    dispose: () => undefined,
  }
  const session = new Session({ client, app, log, now: () => 0 })
  const write = (promptIds: readonly number[]) =>
    log.begin({ modelId: 'm', promptIds, settings: DEFAULT_SETTINGS, bosId: null, endIds: [], at: 0 })
  /** Answers of `trace` wait until the returned function is called. */
  const block = () => {
    let release = () => undefined as void
    hold = new Promise((resolve) => (release = resolve))
    return release
  }
  const load = () => session.load('m', { label: 'm', id: 'm' })
  return { session, app, log, write, asked, chunks, adapters, block, load }
}

/** A clock of the test's own: a text at rest is read, and no test waits for it. */
beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())
const settle = (milliseconds = 60) => vi.advanceTimersByTimeAsync(milliseconds)

describe('reading the text', () => {
  test('once while it is watched and rests; every head and the mean of each layer', async () => {
    const { session, app, write, asked, load } = page()
    await load()
    const { measurement } = attentionOf(session)
    write([4, 5, 6])
    await settle()
    expect(asked).toEqual([])
    const leave = measurement.watch()
    await settle()
    expect(asked).toEqual([{ ids: [4, 5, 6], probes: [0, 1, 2].map((n) => `layers.${n}.attn.probs`) }])
    const { shown, phase } = measurement.state.getState()
    expect(phase).toEqual({ kind: 'ready' })
    expect(shown?.value.summaries.map(({ layer, head }) => `${layer}.${head}`)).toEqual(
      [0, 1, 2].flatMap((layer) => [`${layer}.0`, `${layer}.1`, `${layer}.null`]),
    )
    expect(shown?.value.summaries[2]?.scores).toMatchObject({ same: 0.5, first: 0.5, induction: null })
    app.setState({ run: { kind: 'decoding' } })
    write([7, 8])
    await settle()
    expect(asked).toHaveLength(1)
    app.setState({ run: { kind: 'idle' } })
    await settle()
    expect(measurement.state.getState().shown?.ids).toEqual([7, 8])
    leave()
  })

  test('what arrives for an older text is dropped', async () => {
    const { session, write, asked, block, load } = page()
    await load()
    const { measurement } = attentionOf(session)
    const release = block()
    write([1, 2, 3])
    measurement.watch()
    await settle()
    write([9, 9])
    await settle()
    release()
    await settle()
    expect(asked.map(({ ids }) => ids.length)).toEqual([3, 2])
    expect(measurement.state.getState().shown?.ids).toEqual([9, 9])
  })

  test('again when adapters were moved while no view was on show', async () => {
    const { session, write, asked, adapters, load } = page()
    await load()
    write([1, 2])
    const { measurement } = attentionOf(session)
    const leave = measurement.watch()
    await settle()
    leave()
    adapters.push(0.5)
    measurement.watch()
    await settle()
    expect(asked).toHaveLength(2)
  })

  test('a text too long to keep is read a few layers at a time, its layers again when chosen', async () => {
    const { session, write, asked, load } = page()
    await load()
    // 2 × 2,400² weights a layer: one layer to a forward, three of them beyond what is kept.
    write(Array.from({ length: 2400 }, (_, id) => id))
    const attention = attentionOf(session)
    attention.measurement.watch()
    await settle(1000)
    expect(attention.measurement.state.getState().phase.kind).toBe('ready')
    expect(asked.map(({ probes }) => probes.length)).toEqual([1, 1, 1])
    expect(attention.measurement.state.getState().shown?.value.summaries[0]?.thumb.size).toBe(64)
    expect(attention.peek(1)).toBeNull()
    await attention.read(1)
    expect(attention.peek(1)?.length).toBe(2 * 2400 * 2400)
    expect(attention.peek(0)).toBeNull()
  })

  test('a row selected here is selected everywhere', async () => {
    const { session, app, log, write, load } = page()
    await load()
    write([1, 2])
    log.append(
      { index: 0, position: 2, id: 3, text: 'x', logprob: 0, top: [], random: null, finish: null },
      0,
    )
    expect(selectedRow(session, 3)).toBe(2)
    selectRow(session, 1)
    expect([selectedRow(session, 3), app.getState().pinned]).toEqual([1, null])
    selectRow(session, 2)
    expect([selectedRow(session, 3), app.getState().pinned]).toEqual([2, 0])
  })
})

describe('the lens', () => {
  test('is read around the chosen place first, and finds its cells', async () => {
    const { session, write, chunks, load } = page(1 << 18)
    await load()
    write(Array.from({ length: 11 }, (_, index) => 100 + index))
    const { measurement } = lensOf(session)
    measurement.watch()
    await settle()
    expect(chunks).toEqual([
      [3, 4, 5, 6, 7, 8, 9, 10],
      [0, 1, 2],
    ])
    const map = measurement.state.getState().shown!.value
    expect([map.positions, map.read]).toEqual([11, 11])
    for (const [layer, position] of [
      [-1, 0],
      [2, 7],
      [1, 8],
      [2, 10],
    ] as const) {
      const cell = lensCell(map, layer, position)
      expect([cell?.layer, cell?.position, cell?.top[0]?.id]).toEqual([layer, position, 100 + position])
    }
    expect(lensCell(map, 0, 11)).toBeNull()
  })
})
