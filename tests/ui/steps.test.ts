import { describe, expect, test } from 'vitest'
import { createAppStore, DEFAULT_PREFERENCES } from '../../src/state/app.ts'
import { Session } from '../../src/state/session.ts'
import { DEFAULT_SETTINGS } from '../../src/state/settings.ts'
import { stepsOf } from '../../src/ui/views/steps/store.ts'
import { rowOf, TensorCache } from '../../src/ui/views/steps/tensorCache.ts'
import { rowOf as selectedRow } from '../../src/state/selection.ts'
import { layerStep, nextBreakpoint } from '../../src/ui/views/steps/moves.ts'
import { WHOLE_LIMIT, type StepsSource } from '../../src/ui/views/steps/source.ts'
import { TokenLog } from '../../src/state/tokenLog.ts'
import type { Axis, InspectedStep, Model } from '../../src/api/model.ts'
import type { EngineClient } from '../../src/worker/api.ts'
import { buildTree, searchSteps, visibleNodes } from '../../src/ui/views/steps/tree.ts'

function step(name: string, shape: readonly number[] = [3, 4]): InspectedStep {
  const layer = name.startsWith('layers.') ? Number(name.split('.')[1]) : null
  const rest = {
    aliases: [],
    stream: null,
    inputs: [],
    params: [],
    flops: 0,
    bytes: 0,
    formula: '',
    wgsl: '',
  }
  const axes = shape.map((size, i): Axis => ({ kind: i === shape.length - 2 ? 'rows' : 'features', size }))
  const output = { shape, dtype: 'f32' } as const
  return {
    name,
    op: 'add',
    layer,
    attrs: { scale: 1 },
    axes,
    output,
    retained: true,
    coveredBy: null,
    ...rest,
  }
}

const LAYER = ['attn_norm', 'attn.q', 'attn.probs', 'resid_attn', 'mlp.up', 'resid']
const STEPS = [
  step('embed'),
  ...[0, 1].flatMap((layer) => LAYER.map((name) => step(`layers.${layer}.${name}`))),
  step('final_norm'),
  step('logits'),
]
const at = (name: string) => STEPS.findIndex((each) => each.name === name)

describe('the tree', () => {
  const tree = buildTree(STEPS)

  test('names are split at dots, a layer being one part', () => {
    expect(tree.map(({ path }) => path)).toEqual([
      'embed',
      'layers.0.*',
      'layers.1.*',
      'final_norm',
      'logits',
    ])
    expect(tree[1]?.children.map(({ label }) => label)).toEqual([
      'attn_norm',
      'attn',
      'resid_attn',
      'mlp',
      'resid',
    ])
  })

  test('closed groups hide their steps', () => {
    const shown = visibleNodes(tree, (path) => path === 'layers.1.*' || path === 'layers.1.attn.*')
    expect(shown.map(({ path }) => path)).toContain('layers.1.attn.q')
    expect(shown.map(({ path }) => path)).not.toContain('layers.0.attn_norm')
  })

  test('a replaced module is a step beside its parts', () => {
    const [group] = buildTree([step('layers.0.mlp.gate.base'), step('layers.0.mlp.gate')])
    expect(group?.children[0]?.children.map(({ path }) => path)).toEqual([
      'layers.0.mlp.gate.*',
      'layers.0.mlp.gate',
    ])
  })

  test('search takes words or a pattern', () => {
    expect(searchSteps(STEPS, 'attn q').map(({ name }) => name)).toEqual([
      'layers.0.attn.q',
      'layers.1.attn.q',
    ])
    expect(searchSteps(STEPS, 'layers.*.resid')).toHaveLength(2)
    expect(searchSteps(STEPS, 'layers.*')).toHaveLength(0)
    expect(searchSteps(STEPS, ' ')).toHaveLength(0)
  })
})

describe('moving', () => {
  test('the next layer is the same place one further, then out of the layers', () => {
    expect(layerStep(STEPS, at('layers.0.attn.probs'), 1)).toBe('layers.1.attn.probs')
    expect(layerStep(STEPS, at('layers.1.attn.probs'), 1)).toBe('final_norm')
    expect(layerStep(STEPS, at('layers.0.attn.probs'), -1)).toBe('embed')
    expect(layerStep(STEPS, at('embed'), 1)).toBe('layers.0.attn_norm')
    expect(layerStep(STEPS, at('logits'), 1)).toBeNull()
  })

  test('a breakpoint is met in this row, else in the next, else the text ends', () => {
    const breaks = ['layers.0.attn.probs']
    expect(nextBreakpoint(STEPS, breaks, 0, 1, 3)).toEqual({ row: 1, step: breaks[0] })
    expect(nextBreakpoint(STEPS, breaks, at('layers.0.attn.probs'), 1, 3)).toEqual({
      row: 2,
      step: breaks[0],
    })
    expect(nextBreakpoint(STEPS, breaks, at('logits'), 2, 3)).toEqual({ row: 2, step: 'logits' })
    expect(nextBreakpoint(STEPS, [], 0, 0, 3)).toEqual({ row: 2, step: 'logits' })
  })

  test('the row is the selected token: a generated one, a prompt token, else the last', () => {
    expect(selectedRow({ pinned: 0, promptRow: null }, 5, 9)).toBe(5)
    expect(selectedRow({ pinned: null, promptRow: 2 }, 5, 9)).toBe(2)
    expect(selectedRow({ pinned: null, promptRow: null }, 5, 9)).toBe(8)
    expect(selectedRow({ pinned: 20, promptRow: null }, 5, 9)).toBe(8)
  })
})

/** A forward whose values are their own indices. */
function sourceOf(steps: readonly InspectedStep[]) {
  const reads: string[] = []
  const fill = (shape: readonly number[]) =>
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, index) => index)
  const shapeOf = (name: string) => steps.find((each) => each.name === name)?.output.shape ?? []
  const source = {
    ids: [7, 8, 9],
    steps,
    retainedBytes: 0,
    read: (name: string) => {
      reads.push(name)
      return Promise.resolve({ shape: shapeOf(name), data: fill(shapeOf(name)) })
    },
    row: (name: string, row: number) => {
      reads.push(`${name}#${row}`)
      return Promise.resolve({ shape: [], data: fill([shapeOf(name).at(-1) ?? 0]) })
    },
    close: () => Promise.resolve(),
  }
  return { source: source as unknown as StepsSource, reads }
}

describe('the cache', () => {
  test('reads a small tensor once and whole, a large one row by row', async () => {
    const { source, reads } = sourceOf([step('small', [2, 3, 4]), step('large', [3, WHOLE_LIMIT])])
    const cache = new TensorCache()
    const [row] = await Promise.all([cache.readRow(source, 'small', 1), cache.readRow(source, 'small', 2)])
    expect([...row]).toEqual([4, 5, 6, 7, 16, 17, 18, 19])
    await cache.readRow(source, 'large', 2)
    expect(cache.peekRow(source, 'large', 2)).not.toBeNull()
    expect(cache.peekRow(source, 'large', 1)).toBeNull()
    expect(reads).toEqual(['small', 'large#2'])
  })

  test('gives up the longest unused beyond its budget', async () => {
    const { source } = sourceOf([step('a'), step('b'), step('c')])
    const cache = new TensorCache(2 * 12 * 4)
    for (const name of ['a', 'b', 'a', 'c']) await cache.read(source, name)
    expect(['a', 'b', 'c'].map((name) => cache.peek(source, name) !== null)).toEqual([true, false, true])
  })

  test('a row of a rank-3 tensor has every slice', () => {
    const data = Float32Array.from({ length: 12 }, (_, index) => index)
    expect([...rowOf({ shape: [2, 3, 2], data }, 1)]).toEqual([2, 3, 8, 9])
    expect([...rowOf({ shape: [3, 4], data }, 2)]).toEqual([8, 9, 10, 11])
  })
})

function page() {
  const client: EngineClient = {
    loadModel: () =>
      Promise.resolve({ info: { id: 'm', tasks: ['generate'] }, ...model } as unknown as Model),
    onEvent: () => () => undefined,
    dispose: () => undefined,
  }
  const opened: (readonly number[])[] = []
  const adapters: number[] = []
  let closed = 0
  const model = {
    listAdapters: () => Promise.resolve(adapters.map((scale) => ({ id: 'a', scale }))),
    memory: () => Promise.resolve({ gpuBytes: 0, buffers: 0, byLabel: {} }),
    inspect: (ids: readonly number[]) => {
      opened.push(ids)
      const source = { ...sourceOf(STEPS).source, ids, close: () => Promise.resolve(void (closed += 1)) }
      return Promise.resolve(source)
    },
  }
  const app = createAppStore(DEFAULT_PREFERENCES)
  const log = new TokenLog((run) => run())
  const session = new Session({ client, app, log, now: () => 0 })
  const write = (ids: readonly number[]) => {
    log.begin({ modelId: 'm', promptIds: ids, settings: DEFAULT_SETTINGS, bosId: null, endIds: [], at: 0 })
  }
  return { session, app, log, write, opened, adapters, closed: () => closed }
}

const settle = () => new Promise((resolve) => setTimeout(resolve))

describe('the stepper', () => {
  test('opens one forward while it is watched and the text rests, and closes it for the next', async () => {
    const { session, app, write, opened, closed } = page()
    await session.load('m', { label: 'm', id: 'm' })
    const steps = stepsOf(session)
    write([1, 2, 3])
    await settle()
    expect(opened).toEqual([])
    const leave = steps.watch()
    await settle()
    expect(opened).toEqual([[1, 2, 3]])
    expect(steps.state.getState().step).toBe('embed')
    app.setState({ run: { kind: 'decoding' } })
    write([4, 5])
    await settle()
    expect(opened).toHaveLength(1)
    app.setState({ run: { kind: 'idle' } })
    await settle()
    expect(opened.at(-1)).toEqual([4, 5])
    expect(closed()).toBe(1)
    leave()
  })

  test('keeps the forward of its text when no view is on show, and closes it once there is another', async () => {
    const { session, write, opened, closed } = page()
    await session.load('m', { label: 'm', id: 'm' })
    write([1, 2, 3])
    const steps = stepsOf(session)
    const leave = steps.watch()
    await settle()
    leave()
    await settle()
    expect(closed()).toBe(0)
    write([4, 5])
    await settle()
    expect([opened.length, closed(), steps.state.getState().source]).toEqual([1, 1, null])
  })

  test('reads again when adapters were moved while no view was on show', async () => {
    const { session, write, opened, adapters } = page()
    await session.load('m', { label: 'm', id: 'm' })
    write([1, 2])
    const steps = stepsOf(session)
    const leave = steps.watch()
    await settle()
    leave()
    steps.watch()()
    await settle()
    expect(opened).toHaveLength(1)
    adapters.push(0.5)
    steps.watch()
    await settle()
    expect(opened).toHaveLength(2)
  })

  test('steps over the end of a token into the next, and selects it everywhere', async () => {
    const { session, app, log, write } = page()
    await session.load('m', { label: 'm', id: 'm' })
    write([1, 2])
    log.append(
      { index: 0, position: 2, id: 3, text: 'x', logprob: 0, top: [], random: null, finish: null },
      0,
    )
    const steps = stepsOf(session)
    steps.watch()
    await settle()
    steps.selectRow(1)
    expect([steps.row, app.getState().pinned]).toEqual([1, null])
    steps.goTo('logits')
    expect(steps.move(1)).toBe(true)
    expect([steps.row, app.getState().pinned, steps.state.getState().step]).toEqual([2, 0, 'embed'])
    expect(steps.move(-1)).toBe(true)
    expect([steps.row, steps.state.getState().step]).toEqual([1, 'logits'])
    app.setState({ pinned: 0 })
    expect(steps.row).toBe(2)
  })

  test('a chosen cell moves with the token', async () => {
    const { session, write } = page()
    await session.load('m', { label: 'm', id: 'm' })
    write([1, 2, 3])
    const steps = stepsOf(session)
    steps.watch()
    await settle()
    steps.state.setState({ cell: { slice: 0, row: 2, col: 3 } })
    steps.selectRow(0)
    expect(steps.state.getState().cell).toEqual({ slice: 0, row: 0, col: 3 })
  })
})
