import { describe, expect, test } from 'vitest'
import { createAppStore, DEFAULT_PREFERENCES } from '../../src/state/app.ts'
import { attentionOf, headsOf, singleChoice } from '../../src/ui/views/attention/store.ts'
import { Session } from '../../src/state/session.ts'
import { DEFAULT_SETTINGS } from '../../src/state/settings.ts'
import { TokenLog } from '../../src/state/tokenLog.ts'
import type { Model, TensorData } from '../../src/api/model.ts'
import { recordedSteps } from './recordedSteps.ts'

/** As many layers as these tests need, and more. */
const STEPS = await recordedSteps('gemma3')

const LAYERS = 3
const HEADS = 4

/** Weight of a layer's head at every cell below the diagonal: told apart by its value. */
const weightOf = (layer: number, head: number): number => layer + head / 8

function probsOf(layer: number, size: number): TensorData {
  const data = new Float32Array(HEADS * size * size)
  for (let head = 0; head < HEADS; head++)
    for (let row = 0; row < size; row++)
      for (let col = 0; col <= row; col++) data[(head * size + row) * size + col] = weightOf(layer, head)
  return { shape: [HEADS, size, size], data }
}

async function opened(size: number) {
  const asked: string[] = []
  const model = {
    info: { id: 'm', tasks: ['generate'], layers: LAYERS, heads: HEADS, vocab: 16, hasTokenizer: false },
    listAdapters: () => Promise.resolve([]),
    memory: () => Promise.resolve({ gpuBytes: 0, buffers: 0, byLabel: {} }),
    steps: () => Promise.resolve(STEPS),
    traceRows: async function* (ids: readonly number[], options: { probes: readonly string[] }) {
      yield { begin: 0, end: ids.length, tensors: await model.trace(ids, options) }
    },
    trace: (ids: readonly number[], { probes }: { probes: readonly string[] }) => {
      asked.push(...probes)
      const layer = (probe: string): number => Number(probe.split('.')[1])
      return Promise.resolve(new Map(probes.map((probe) => [probe, probsOf(layer(probe), ids.length)])))
    },
  }
  const log = new TokenLog((run) => run())
  const client = {
    loadModel: () => Promise.resolve(model as unknown as Model),
    onEvent: () => () => undefined,
    dispose: () => undefined,
  }
  const app = createAppStore(DEFAULT_PREFERENCES)
  const session = new Session({ client, app, log, now: () => 0 })
  await session.load('m', { label: 'm', id: 'm' })
  const promptIds = Array.from({ length: size }, (_, id) => id)
  log.begin({ modelId: 'm', promptIds, settings: DEFAULT_SETTINGS, bosId: null, endIds: [], at: 0 })
  const attention = attentionOf(session)
  attention.measurement.watch()
  await expect
    .poll(() => attention.measurement.state.getState().phase.kind, { timeout: 30_000 })
    .toBe('ready')
  return { attention, asked }
}

const placesOf = (text: string) =>
  text.split(' ').map((place) => {
    const [layer, head] = place.split('.').map(Number)
    return { layer: layer!, head: head! }
  })

describe('choosing heads', () => {
  test('one more, one less, a whole layer, and never none', async () => {
    const { attention } = await opened(3)
    const several = () =>
      attention.state
        .getState()
        .several.map(({ layer, head }) => `${layer}.${head}`)
        .join(' ')
    attention.choose({ layer: 1, head: 2 })
    expect(several()).toBe('')
    attention.toggle({ layer: 0, head: 3 })
    expect(several()).toBe('0.3 1.2')
    attention.toggle({ layer: 1, head: null })
    expect(several()).toBe('0.3 1.0 1.1 1.2 1.3')
    attention.toggle({ layer: 1, head: null })
    expect(several()).toBe('0.3')
    attention.toggle({ layer: 0, head: 3 })
    expect(several()).toBe('0.3')
    attention.choose({ layer: 2, head: 0 })
    expect(several()).toBe('')
  })

  test('a range grows and shrinks about where it began', async () => {
    const { attention } = await opened(3)
    const count = () => attention.state.getState().several.length
    attention.choose({ layer: 1, head: 1 })
    attention.extendTo({ layer: 2, head: 3 })
    expect(count()).toBe(6)
    attention.extendTo({ layer: 0, head: 1 })
    expect(attention.state.getState().several).toEqual(placesOf('0.1 1.1'))
    attention.extendTo({ layer: 1, head: null })
    expect(count()).toBe(HEADS)
    attention.chooseAll()
    expect(count()).toBe(LAYERS * HEADS)
  })

  test('what a choice stands for, and back', () => {
    expect(singleChoice(headsOf({ layer: 2, head: null }, HEADS), HEADS)).toEqual({ layer: 2, head: null })
    expect(singleChoice(placesOf('1.3'), HEADS)).toEqual({ layer: 1, head: 3 })
    expect(singleChoice(placesOf('0.0 0.1 0.2 1.3'), HEADS)).toBeNull()
  })
})

describe('the mean of several heads', () => {
  test('over several layers, made from the layers at hand', async () => {
    const { attention, asked } = await opened(5)
    const places = placesOf('0.1 1.0 2.3')
    expect(attention.peekMean(places)).toBeNull()
    asked.length = 0
    await attention.average(places)
    const mean = (weightOf(0, 1) + weightOf(1, 0) + weightOf(2, 3)) / 3
    const { data } = attention.peekMean(places)!
    expect(data[4 * 5 + 2]).toBeCloseTo(mean, 6)
    expect(data[2 * 5 + 4]).toBe(0)
    expect(asked).toEqual([])
    expect(attention.peekMean(placesOf('0.1 1.0'))).toBeNull()
  })

  test('of a text too long to keep, layer by layer', async () => {
    // 4 × 1,800² weights a layer, three layers: more than the page keeps.
    const { attention, asked } = await opened(1800)
    asked.length = 0
    await attention.average(placesOf('0.0 2.2'))
    expect(asked).toEqual(['layers.0.attn.probs', 'layers.2.attn.probs'])
    const { data, size } = attention.peekMean(placesOf('0.0 2.2'))!
    expect([size, data[1799 * 1800]]).toEqual([1800, (weightOf(0, 0) + weightOf(2, 2)) / 2])
  })
})
