import { expect, test } from 'vitest'
import { adapterActionsOf } from '../../src/state/adapterActions.ts'
import { TokenscopeError } from '../../src/errors.ts'
import { adaptersOf } from '../../src/state/adapters.ts'
import { createAppStore, DEFAULT_PREFERENCES } from '../../src/state/app.ts'
import { History, historyOf } from '../../src/state/history.ts'
import { Session } from '../../src/state/session.ts'
import { applyPreset, DEFAULT_SETTINGS } from '../../src/state/settings.ts'
import { TokenLog } from '../../src/state/tokenLog.ts'
import { createFakeClient } from './fakeClient.ts'

async function open(pace = 0) {
  const client = createFakeClient({ pace, loadTime: 10 })
  const app = createAppStore(DEFAULT_PREFERENCES, {
    prompt: 'A fox',
    settings: { ...DEFAULT_SETTINGS, maxTokens: 4 },
  })
  const log = new TokenLog((run) => void setTimeout(run, 1))
  const session = new Session({ client, app, log, now: () => performance.now() })
  await session.load('model', { label: 'Model', id: 'model' })
  return { app, log, session, history: historyOf(session), ids: () => log.tokens.map(({ id }) => id) }
}

test('commands come back in order, one at a time; a new one ends what could be done again', async () => {
  const history = new History()
  const seen: string[] = []
  const command = (name: string) => ({
    undo: async () => {
      await Promise.resolve()
      seen.push(`-${name}`)
      // What a command changes on its way back is no change of its own.
      history.record('echo', { undo: () => undefined, redo: () => undefined })
    },
    redo: () => void seen.push(`+${name}`),
  })
  history.record('a', command('a'))
  history.record('b', command('b'))
  await Promise.all([history.undo(), history.undo(), history.undo()])
  expect(seen).toEqual(['-b', '-a'])
  expect(history.state.getState()).toEqual({ undo: null, redo: 'a' })
  await history.redo()
  history.record('c', command('c'))
  expect(history.state.getState()).toEqual({ undo: 'c', redo: null })
})

test('a slider’s way is one change, a preset another', async () => {
  const { app, history } = await open()
  const before = app.getState().settings
  for (const temperature of [1, 1.1, 1.2]) app.setState({ settings: { ...before, temperature } })
  const tuned = app.getState().settings
  app.setState({ settings: applyPreset(tuned, 'greedy') })
  const greedy = app.getState().settings
  expect(history.state.getState().undo).toBe('sampling.preset')
  await history.undo()
  expect(app.getState().settings).toEqual(tuned)
  expect(history.state.getState().undo).toBe('setting.temperature')
  await history.undo()
  expect(app.getState().settings).toEqual(before)
  await history.redo()
  await history.redo()
  expect(app.getState().settings).toEqual(greedy)
})

test('a new text gives way to the one before it, with its prompt; continuing is a change of its own', async () => {
  const { app, session, history, ids, log } = await open()
  await session.generate()
  const first = ids()
  await session.continue()
  const longer = ids()
  app.setState({ prompt: 'Another' })
  await session.generate()
  const second = ids()
  expect(history.state.getState().undo).toBe('action.generate')
  await history.undo()
  expect(ids()).toEqual(longer)
  expect(app.getState().prompt).toBe('A fox')
  await history.undo()
  expect(ids()).toEqual(first)
  await history.undo()
  expect(ids()).toEqual([])
  await Promise.all([history.redo(), history.redo(), history.redo()])
  expect(ids()).toEqual(second)
  expect(app.getState().prompt).toBe('Another')
  expect(log.promptTexts.join('')).toBe('Another')
  expect(history.state.getState().redo).toBeNull()
})

test('undoing a text that is being written ends its run', async () => {
  const { app, session, history, ids, log } = await open(5)
  await session.generate()
  const first = ids()
  const second = session.generate({ ...app.getState().settings, maxTokens: 400, seed: 7 })
  await expect.poll(() => log.promptIds.length > 0 && log.tokens.length > 4).toBe(true)
  await history.undo()
  await second
  expect(ids()).toEqual(first)
  expect(app.getState().run.kind).toBe('idle')
})

/** Lets the fake model carry adapters; what it holds is told by name and scale. */
function carryAdapters(session: Session): () => string[] {
  const held = new Map<string, { name: string; scale: number }>()
  let serial = 0
  Object.assign(session.model!, {
    addAdapter: (_: unknown, { name, scale }: { name: string; scale: number }) => {
      const id = `adapter-${serial++}`
      held.set(id, { name, scale })
      return Promise.resolve({ id, report: {} })
    },
    removeAdapter: (id: string) => Promise.resolve(void held.delete(id)),
    setAdapterScale: (id: string, scale: number) => {
      held.get(id)!.scale = scale
      return Promise.resolve()
    },
  })
  return () => [...held.values()].map(({ name, scale }) => `${name} ${scale}`)
}

const entry = (id: string) => ({ id, name: id, base: null, bytes: null, note: '', examples: [] })

test('adapters that were added, moved, switched and removed come back as they stood', async () => {
  const { app, session, history } = await open()
  const held = carryAdapters(session)
  const adapters = adaptersOf(session)
  const actions = adapterActionsOf(session)
  await actions.addListed(entry('a'))
  await actions.addListed(entry('b'))
  const [a] = adapters.state.getState().tracks
  for (const scale of [0.5, 0.6, 0.7]) actions.setScale(a!.id, scale)
  actions.setSolo(a!.id)
  // Twice, as a double click does: the second finds it on its way out.
  await Promise.all([actions.remove(a!.id), actions.remove(a!.id)])
  expect(app.getState().error).toBeNull()
  expect(held()).toEqual(['b 1'])

  const seen = [held()]
  for (let moves = 0; moves < 5; moves++) {
    await history.undo()
    seen.unshift(held())
  }
  // A slider's way is one change; a row that comes back is loaded again, behind the one that stayed.
  expect(seen).toEqual([[], ['a 1'], ['b 1', 'a 1'], ['b 1', 'a 0.7'], ['b 0', 'a 0.7'], ['b 1']])
  expect(history.state.getState().undo).toBeNull()
  for (let moves = 0; moves < 5; moves++) await history.redo()
  expect(held()).toEqual(['b 1'])
  expect(adapters.state.getState().tracks.map(({ name }) => name)).toEqual(['b'])
})

test('of two adapters added at once, undo takes back the later one alone', async () => {
  const { session, history } = await open()
  const held = carryAdapters(session)
  const adapters = adapterActionsOf(session)
  await Promise.all([adapters.addListed(entry('a')), adapters.addListed(entry('b'))])
  expect(held()).toEqual(['a 1', 'b 1'])
  await history.undo()
  expect(held()).toEqual(['a 1'])
  await history.redo()
  expect(held()).toEqual(['a 1', 'b 1'])
})

test('an adapter that cannot act beside another stays off, which is said', async () => {
  const { app, session } = await open()
  carryAdapters(session)
  const adapters = adaptersOf(session)
  const actions = adapterActionsOf(session)
  const claims = { addAdapter: session.model!.addAdapter.bind(session.model), acting: new Set<string>() }
  const clash = new TokenscopeError('unsupported', 'The adapters "a" and "b" both change logits.')
  Object.assign(session.model!, {
    addAdapter: async (...args: Parameters<typeof claims.addAdapter>) => {
      const added = await claims.addAdapter(...args)
      if (claims.acting.size > 0) return { ...added, report: { heldOff: { step: 'logits', by: 'a' } } }
      claims.acting.add(added.id)
      return added
    },
    setAdapterScale: (id: string, scale: number) => {
      if (scale !== 0 && [...claims.acting].some((other) => other !== id)) return Promise.reject(clash)
      if (scale === 0) claims.acting.delete(id)
      else claims.acting.add(id)
      return Promise.resolve()
    },
  })
  await actions.addListed(entry('a'))
  await actions.addListed(entry('b'))
  const rows = () => adapters.state.getState().tracks.map(({ name, enabled }) => `${name} ${enabled}`)
  expect(rows()).toEqual(['a true', 'b false'])
  expect(app.getState().error).toBeNull()
  const [a, b] = adapters.state.getState().tracks
  actions.setEnabled(b!.id, true)
  await expect.poll(() => app.getState().error?.failed).toEqual({ what: 'acting', name: 'b' })
  expect(rows()).toEqual(['a true', 'b false'])
  expect(adapters.scales.map(({ name }) => name)).toEqual(['a'])
  // Alone it acts: what is switched off makes room first.
  app.setState({ error: null })
  actions.setSolo(b!.id)
  actions.setSolo(null)
  actions.setEnabled(a!.id, false)
  actions.setEnabled(b!.id, true)
  await expect.poll(() => [...claims.acting]).toEqual([b!.id])
  expect(app.getState().error).toBeNull()
})

test('who wrote a text comes back with it, whichever way it comes', async () => {
  const { app, log, session, history } = await open()
  carryAdapters(session)
  const adapters = adaptersOf(session)
  const actions = adapterActionsOf(session)
  const written = () =>
    adapters.text.state.getState().spans.map(({ from, scales }) => [from, scales[0]?.name ?? 'base'])
  await session.generate()
  const first = log.snapshot()!
  const kept = { ...first, tokens: [...first.tokens] }
  await actions.addListed(entry('bard'))
  await session.continue()
  expect(written()).toEqual([
    [0, 'base'],
    [4, 'bard'],
  ])
  app.setState({ prompt: 'Another' })
  await session.generate()
  expect(written()).toEqual([[0, 'bard']])
  await history.undo()
  await history.undo()
  await history.redo()
  expect(written()).toEqual([
    [0, 'base'],
    [4, 'bard'],
  ])
  // A lesson, a chat or a branch puts back a text it has kept; one that was never written here has no scales.
  session.showText(kept)
  expect(written()).toEqual([[0, 'base']])
  session.showText({ ...kept, promptIds: [1, 2, 3] })
  expect(written()).toEqual([])
})

test('a step made of several is undone and done again as one', async () => {
  const { app, history } = await open()
  const put = (prompt: string, seed: number) => () =>
    app.setState({ prompt, settings: { ...DEFAULT_SETTINGS, seed } })
  await history.perform('both', { redo: put('B', 2), undo: put('A', 1) })
  expect([app.getState().prompt, history.state.getState().undo]).toEqual(['B', 'both'])
  await history.undo()
  expect([app.getState().prompt, app.getState().settings.seed]).toEqual(['A', 1])
  expect(history.state.getState()).toEqual({ undo: null, redo: 'both' })
})
