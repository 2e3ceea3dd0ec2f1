import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createAppStore, DEFAULT_PREFERENCES } from '../../src/state/app.ts'
import { partKey } from '../../src/analysis/ablation.ts'
import { ablationOf } from '../../src/ui/views/edits/ablation.ts'
import { anatomyOfSteps } from '../../src/analysis/anatomy.ts'
import { compareRows, pairLines } from '../../src/analysis/editedRows.ts'
import { editedRunOf } from '../../src/ui/views/edits/run.ts'
import { stepsOfChange } from '../../src/ui/views/edits/forward.ts'
import { editsOf, type Change } from '../../src/ui/views/edits/store.ts'
import { readChange } from '../../src/ui/views/edits/text.ts'
import { historyOf } from '../../src/state/history.ts'
import { omittedParts, readLinkParts, writeLinkParts } from '../../src/state/linkParts.ts'
import { Session } from '../../src/state/session.ts'
import { DEFAULT_SETTINGS } from '../../src/state/settings.ts'
import { TokenLog } from '../../src/state/tokenLog.ts'
import type { Edit, Model, StepInfo, TensorData } from '../../src/api/model.ts'
import { loadViewMessages, translator } from '../../src/ui/words/index.ts'
import { changeAt, cutEdge, headsOff } from '../../src/ui/views/edits/EditHere.tsx'
import { largestRow, summarise } from '../../src/analysis/editedRows.ts'
import { klScale } from '../../src/ui/views/edits/kl.ts'
import { changeName, changeSteps, editsName } from '../../src/ui/views/edits/words.ts'
import { recordedSteps } from './recordedSteps.ts'

await loadViewMessages()
const t = translator('en')
const VOCAB = 4
/** Two layers of four heads. */
const STEPS = await recordedSteps('llama')
const HEADS = 4
const ANATOMY = anatomyOfSteps(STEPS)
const stepOf = (name: string): StepInfo => ANATOMY.steps.get(name)!
const ALL = { kind: 'all' } as const
const headOff: Change = { kind: 'scale', step: 'layers.1.attn.context', head: 2, factor: 0, span: ALL }
const layerHalf: Change = { kind: 'scale', step: 'layers.0', head: null, factor: 0.5, span: ALL }
const steer: Change = {
  kind: 'steer',
  step: 'layers.1.resid',
  toward: '1 2',
  away: '1 3',
  factor: -2,
  span: { kind: 'range', from: 1, to: 3 },
}
const patch: Change = {
  kind: 'patch',
  step: 'layers.1.resid',
  position: 2,
  source: { prompt: '7 8 9', step: 'layers.0.resid', position: 1 },
}
const mask: Change = { kind: 'mask', layer: 0, head: null, query: 3, key: 1 }

beforeEach(() => {
  const kept = new Map<string, string>()
  Object.assign(globalThis, {
    sessionStorage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
    },
  })
})

/** A model of ids alone: its logits say which edits it was given, its activations which token and step they are of. */
function page(vocab = VOCAB) {
  const asked: { ids: readonly number[]; edits: readonly Edit[] }[] = []
  const gates: (() => void)[] = []
  let blocked = false
  const logits = async (ids: readonly number[], { edits = [] }: { edits?: readonly Edit[] } = {}) => {
    asked.push({ ids, edits })
    if (blocked) await new Promise<void>((resolve) => gates.push(resolve))
    const data = Float32Array.from({ length: ids.length * VOCAB }, (_, i) => (i % VOCAB) * edits.length)
    return { shape: [ids.length, VOCAB], data } satisfies TensorData
  }
  /** As many edits as a set has, each a nat at every position; a set after the other. */
  async function* editEffects(ids: readonly number[], sets: readonly (readonly Edit[])[]) {
    for (const [set, edits] of sets.entries())
      yield await Promise.resolve([{ set, kl: ids.map(() => edits.length) }])
  }
  async function* traceRows(ids: readonly number[], options: { edits?: readonly Edit[] }) {
    const { data } = await logits(ids, options)
    for (const [at, id] of ids.entries()) {
      const row = { shape: [1, VOCAB], data: data.subarray(at * VOCAB, (at + 1) * VOCAB) }
      yield { begin: at, end: at + 1, tensors: new Map([['logits', row]]), id }
    }
  }
  const trace = (ids: readonly number[], { probes }: { probes: readonly string[] }) =>
    Promise.resolve(
      new Map(
        probes.map((probe) => {
          const layer = Number(/\d+/.exec(probe)?.[0])
          return [
            probe,
            { shape: [ids.length, 2], data: Float32Array.from(ids.flatMap((id) => [id, layer])) },
          ]
        }),
      ),
    )
  const steps = () => Promise.resolve(STEPS)
  const info = {
    id: 'm',
    tasks: ['generate'],
    layers: 2,
    heads: HEADS,
    hidden: 2,
    vocab,
    hasTokenizer: false,
    bosId: null,
  }
  async function* score(ids: readonly number[], { edits = [] }: { edits?: readonly Edit[] } = {}) {
    for (const [row, id] of ids.slice(1).entries()) {
      const logprob = -1 - edits.length
      yield await Promise.resolve([{ position: row + 1, id, logprob, rank: 0, entropy: 1, top: [] }])
    }
  }
  const model = {
    info,
    score,
    traceRows,
    editEffects,
    trace,
    steps,
    listAdapters: () => Promise.resolve([]),
    memory: () => Promise.resolve({ gpuBytes: 0, buffers: 0, byLabel: {} }),
  }
  const app = createAppStore(DEFAULT_PREFERENCES)
  const text = new TokenLog((run) => run())
  const client = {
    loadModel: () => Promise.resolve({ ...model, info: { ...info } } as unknown as Model),
    onEvent: () => () => undefined,
    dispose: () => undefined,
  }
  const session = new Session({ client, app, log: text, now: () => 0 })
  const write = (promptIds: readonly number[]) =>
    text.begin({ modelId: 'm', promptIds, settings: DEFAULT_SETTINGS, bosId: null, endIds: [], at: 0 })
  const block = (on: boolean) => {
    blocked = on
    if (!on) for (const open of gates.splice(0)) open()
  }
  return {
    session,
    model: model as unknown as Model,
    write,
    asked,
    block,
    load: () => session.load('m', { label: 'm', id: 'm' }),
  }
}

/** A clock of the test's own: what holds still for a while is read, and no test waits for it. */
beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())
const settle = (milliseconds = 250) => vi.advanceTimersByTimeAsync(milliseconds)

describe('the list', () => {
  test('undoes and redoes every change, one slide of a slider at a time', async () => {
    const { session } = page()
    const edits = editsOf(session)
    const history = historyOf(session)
    edits.add(headOff)
    const [entry] = edits.entries
    for (const factor of [0.1, 0.2, 0.3]) edits.update(entry!.id, { ...headOff, factor }, 'factor')
    edits.toggle(entry!.id)
    const all = edits.entries
    await history.undo()
    expect(edits.entries).toMatchObject([{ on: true, change: { factor: 0.3 } }])
    await history.undo()
    expect(edits.entries).toMatchObject([{ on: true, change: { factor: 0 } }])
    await history.undo()
    expect(edits.entries).toEqual([])
    for (let i = 0; i < 3; i++) await history.redo()
    expect(edits.entries).toEqual(all)
  })

  test('survives a reload of the tab and a link', () => {
    const changes = [headOff, layerHalf, steer, patch, mask]
    const first = editsOf(page().session)
    first.add(...changes)
    first.toggle(first.entries[1]!.id)
    const again = editsOf(page().session)
    const plain = again.entries.map(({ on, change }) => ({ on, change }))
    expect(plain).toEqual(changes.map((change, i) => ({ on: i !== 1, change })))
    const link = readLinkParts()
    again.clear()
    expect(readLinkParts().has('edits')).toBe(false)
    writeLinkParts(link)
    expect(again.entries.map(({ on, change }) => ({ on, change }))).toEqual(plain)
  })

  test('of a link takes the place of those there, which can be had back; one too long for an address says so', async () => {
    const { session } = page()
    const edits = editsOf(session)
    edits.add(headOff)
    writeLinkParts(new Map([['edits', JSON.stringify([layerHalf])]]))
    expect(edits.entries).toMatchObject([{ change: layerHalf }])
    await historyOf(session).undo()
    expect(edits.entries).toMatchObject([{ change: headOff }])
    expect(omittedParts()).toEqual([])
    edits.add({ ...steer, toward: 'long '.repeat(2000) })
    expect([omittedParts(), readLinkParts().has('edits')]).toEqual([['edits'], false])
    edits.clear()
  })

  test('believes nothing of a link that it could not have written', () => {
    const wrong = [
      null,
      'scale',
      { ...headOff, factor: Infinity },
      { ...headOff, step: 'not a step' },
      { ...headOff, span: { kind: 'range', from: 3, to: 3 } },
      { ...steer, toward: 7 },
      { ...patch, source: null },
      { ...mask, key: 4 },
      { kind: 'erase' },
    ]
    expect(wrong.map(readChange)).toEqual(wrong.map(() => null))
    const edits = editsOf(page().session)
    for (const text of ['', '[', '{}', JSON.stringify([mask, wrong[1], wrong[3]])])
      writeLinkParts(new Map([['edits', text]]))
    expect(edits.entries.map(({ change }) => change)).toEqual([mask])
  })

  test('names every edit in plain words and by its steps', () => {
    const names = [headOff, layerHalf, steer, patch, mask].map((change) => [
      changeName(t, ANATOMY, change),
      changeSteps(ANATOMY, change),
    ])
    expect(names).toEqual([
      ['Layer 1 head 2 off', 'layers.1.attn.context'],
      ['Layer 0 × 0.5', 'layers.0.attn.o + layers.0.mlp.down'],
      ['Steer −2 × (“1 2” − “1 3”), positions 1–2', 'layers.1.resid'],
      ['Position 2 from “7 8 9”, position 1', 'layers.0.resid → layers.1.resid'],
      ['Layer 0: position 3 cannot see 1', 'layers.0.attn.scores'],
    ])
    expect(
      editsName(t, ANATOMY, [
        { id: 0, on: true, change: headOff },
        { id: 1, on: true, change: mask },
      ]),
    ).toBe('2 edits: Layer 1 head 2 off; Layer 0: position 3 cannot see 1')
  })

  test('reaches the stream through the norms behind the blocks', async () => {
    const normed = anatomyOfSteps(await recordedSteps('gemma2'))
    expect(changeName(t, normed, { ...layerHalf, step: 'layers.1.mlp_post_norm' })).toBe('Layer 1 MLP × 0.5')
    expect(changeSteps(normed, layerHalf)).toBe('layers.0.attn_post_norm + layers.0.mlp_post_norm')
    expect(headsOff(normed, [{ layer: 0, head: null }])).toMatchObject([{ step: 'layers.0.attn_post_norm' }])
    const [windowed, full] = ['layers.0.attn.scores', 'layers.1.attn.scores'].map((name) =>
      normed.steps.get(name)!,
    )
    // A window of twelve positions.
    const edge = { slice: 0, row: 20, col: 8 }
    expect(changeAt({ ...edge, step: windowed! })).toBeNull()
    expect(changeAt({ ...edge, step: full! })).toMatchObject({ kind: 'mask', query: 20, key: 8 })
  })

  test('fits an edit to what another view shows', () => {
    const at = { slice: 1, row: 3, col: 15 }
    expect(changeAt({ ...at, step: stepOf('layers.1.attn.q') })).toMatchObject({
      kind: 'scale',
      head: 1,
      factor: 0,
    })
    expect(changeAt({ ...at, step: stepOf('layers.1.mlp.act') })).toMatchObject({ head: null })
    expect(changeAt({ ...at, step: stepOf('layers.1.attn.probs') })).toBeNull()
    expect(changeAt({ ...at, col: 2, step: stepOf('layers.1.attn.probs') })).toEqual({
      kind: 'mask',
      layer: 1,
      head: 1,
      query: 3,
      key: 2,
    })
    for (const name of ['logits', 'layers.0.attn.cache']) {
      expect(changeAt({ ...at, step: stepOf(name) })).toBeNull()
    }
    expect(headsOff(ANATOMY, [{ layer: 1, head: null }])).toMatchObject([
      { step: 'layers.1.attn.o', head: null },
    ])
    expect(stepsOfChange(ANATOMY, cutEdge([{ layer: 1, head: 0 }], [3, 2])[0]!)).toEqual([
      'layers.1.attn.scores',
    ])
  })
})

describe('what the engine is asked', () => {
  test('recipes become edits; directions and patches are rows of other prompts', async () => {
    const { session, model } = page()
    const edits = editsOf(session)
    edits.add(layerHalf, steer, patch, mask)
    const created = await editedRunOf(session).activations.editsFor(model, edits.entries)
    expect(created).toEqual([
      { kind: 'scale', step: 'layers.0.attn.o', factor: 0.5 },
      { kind: 'scale', step: 'layers.0.mlp.down', factor: 0.5 },
      { kind: 'add', step: 'layers.1.resid', vector: Float32Array.of(-1, 0), factor: -2, from: 1, to: 3 },
      { kind: 'patch', step: 'layers.1.resid', position: 2, values: Float32Array.of(8, 0) },
      { kind: 'mask', step: 'layers.0.attn.scores', query: 3, key: 1 },
    ])
    const beyond: Change = { ...patch, source: { ...patch.source, position: 3 } }
    const failing = editedRunOf(session).activations.editsFor(model, [{ id: 9, on: true, change: beyond }])
    await expect(failing).rejects.toMatchObject({ code: 'bad-argument' })
  })

  test('the text is run once without edits and once for each list that holds still', async () => {
    const { session, write, asked, block, load } = page()
    await load()
    write([1, 2, 3])
    const edits = editsOf(session)
    const { measurement } = editedRunOf(session)
    edits.add(headOff)
    const leave = measurement.watch()
    await settle()
    expect(asked.map(({ edits: { length } }) => length)).toEqual([0, 1])
    expect(measurement.state.getState().shown?.value.rows).toHaveLength(3)
    block(true)
    edits.add(layerHalf)
    await settle()
    const id = edits.entries[1]!.id
    for (const factor of [0.6, 0.7, 0.8]) edits.update(id, { ...layerHalf, factor }, 'factor')
    await settle()
    expect(asked).toHaveLength(3)
    block(false)
    await settle(400)
    expect(asked.slice(3).map(({ edits: list }) => list[1])).toEqual([
      { kind: 'scale', step: 'layers.0.attn.o', factor: 0.8 },
    ])
    expect(measurement.state.getState().shown?.value.entries).toEqual(edits.entries)
    for (const entry of edits.entries) edits.toggle(entry.id)
    await settle()
    const { value } = measurement.state.getState().shown!
    expect(value.entries).toEqual([])
    expect(value.rows.map(({ kl }) => kl)).toEqual([0, 0, 0])
    expect(asked).toHaveLength(4)
    leave()
  })
})

test('a text too long for whole distributions is scored token by token, and says that KL is not there', async () => {
  const { session, write, asked, load } = page(1 << 23)
  await load()
  write([1, 2, 3])
  editsOf(session).add(headOff)
  const { measurement } = editedRunOf(session)
  const leave = measurement.watch()
  await settle()
  const { value } = measurement.state.getState().shown!
  expect(asked).toEqual([])
  expect(value.rows).toEqual([1, 2].map(() => ({ kl: null, base: -1, edited: -2 })))
  expect(summarise(value)).toEqual({ mean: null, most: null, delta: -2 })
  expect(pairLines(value, 1, 9)).toEqual([{ id: 3, base: Math.exp(-1), edited: Math.exp(-2) }])
  leave()
})

test('a comparison that is given up shows nothing of itself, and can be asked for again', async () => {
  const { session, write, block, load } = page()
  await load()
  write([1, 2, 3])
  const run = editedRunOf(session)
  const leave = run.measurement.watch()
  block(true)
  await settle()
  run.measurement.cancel()
  block(false)
  await settle()
  const phase = () => run.measurement.state.getState().phase
  expect(phase()).toEqual({ kind: 'stopped', tokens: 3, done: 0 })
  expect(run.measurement.state.getState().shown).toBeNull()
  run.measurement.refresh()
  await settle()
  expect(phase()).toEqual({ kind: 'ready' })
  leave()
})

describe('measuring every part', () => {
  test('asks for all of them at once, and forgets them with the model', async () => {
    const { session, write, asked, load } = page()
    await load()
    write([1, 2, 3])
    const leave = editedRunOf(session).measurement.watch()
    await settle()
    const ablation = ablationOf(session)
    await ablation.start()
    const { phase, effects } = ablation.state.getState()
    expect(phase).toEqual({ kind: 'idle' })
    // Two layers of four heads, attention, MLP and both together.
    expect(Object.keys(effects)).toHaveLength(2 * (HEADS + 3))
    expect(asked).toHaveLength(1)
    expect(effects[partKey({ step: 'layers.1.attn.context', head: 2 })]).toBe(1)
    expect(effects[partKey({ step: 'layers.1', head: null })]).toBe(2)
    await load()
    expect(ablation.state.getState().effects).toEqual({})
    leave()
  })
})

describe('what is shown of it', () => {
  const base = Float32Array.of(0, 0, 0, 0)
  const edited = Float32Array.of(Math.log(5), 0, 0, 0)
  const text = {
    entries: [],
    scales: '',
    rows: [compareRows(base, edited, 0), compareRows(base, base, 1), compareRows(base, edited, undefined)],
    source: {
      kind: 'logits' as const,
      base: { shape: [1, 4], data: base },
      edited: { shape: [1, 4], data: edited },
    },
  }

  test('KL(edited ‖ base), and the probability of the token that came', () => {
    const kl = (5 / 8) * Math.log(2.5) + (3 / 8) * Math.log(0.5)
    expect(text.rows[0]!.kl).toBeCloseTo(kl, 6)
    expect(Math.exp(text.rows[0]!.edited!)).toBeCloseTo(5 / 8, 6)
    expect(text.rows[1]).toMatchObject({ kl: 0, base: -Math.log(4), edited: -Math.log(4) })
    expect(text.rows[2]).toMatchObject({ base: null, edited: null })
    expect(largestRow(text)).toBe(0)
    expect(klScale(text).end).toBe(0.5)
    expect(summarise(text).mean).toBeCloseTo((2 * kl) / 3, 6)
    expect(summarise(text).delta).toBeCloseTo(Math.log(2.5), 6)
  })

  test('the candidates of either side, the likelier first', () => {
    expect(pairLines(text, 0, 2).map(({ id }) => id)).toEqual([0, 1])
    expect(pairLines(text, 0, 1)[0]!.edited).toBeCloseTo(5 / 8, 6)
  })
})
