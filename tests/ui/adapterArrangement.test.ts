import { expect, test } from 'vitest'
import { createStore } from 'zustand/vanilla'
import { bringBack, carryOver } from '../../src/state/adapterArrangement.ts'
import type { SavedTrack } from '../../src/state/adapterMemory.ts'
import type { Track } from '../../src/state/adapterScales.ts'
import { NO_ADAPTERS, stillComing, type AdaptersState, type Addition } from '../../src/state/adapterState.ts'

const saved = (name: string): SavedTrack => ({
  name,
  scale: 1,
  enabled: true,
  origin: { kind: 'listed', id: name },
})
const WANTED = ['a', 'b', 'c'].map(saved)

/** Rows of a page whose adapters arrive one after the other; `onAdd` hears before each does. */
function rowsOf(onAdd: (name: string) => void) {
  const state = createStore<AdaptersState>()(() => NO_ADAPTERS)
  const seen: { isWanted: boolean } = { isWanted: true }
  const coming = (): string[] => stillComing(state.getState()).map(({ name }) => name)
  const rows = {
    state,
    isWanted: () => seen.isWanted,
    leaves: (list: readonly SavedTrack[]) => state.setState({ coming: list }),
    sourceOf: ({ name }: SavedTrack) => name,
    add: async ({ name }: Addition) => {
      onAdd(name ?? '')
      await Promise.resolve()
      if (!seen.isWanted) return
      const track = { ...saved(name ?? ''), id: name } as Track
      state.setState(({ tracks }) => ({ tracks: [...tracks, track] }))
    },
    drop: () => Promise.resolve(true),
    miss: () => undefined,
  }
  return { rows, state, seen, coming }
}

const WAYS = {
  'brought back': (rows: ReturnType<typeof rowsOf>['rows']) =>
    bringBack({ tracks: WANTED, solo: null }, rows),
  'carried over': (rows: ReturnType<typeof rowsOf>['rows']) => carryOver(WANTED, rows),
}

test.each(Object.entries(WAYS))('rows that are %s are said to come until each is there', async (_, way) => {
  const heard: string[][] = []
  const { rows, coming } = rowsOf(() => heard.push(coming()))
  await way(rows)
  expect(heard).toEqual([['a', 'b', 'c'], ['b', 'c'], ['c']])
  expect(coming()).toEqual([])
})

test.each(Object.entries(WAYS))(
  'another model meanwhile: rows that were %s leave the rest to it',
  async (_, way) => {
    const asked: string[] = []
    const { rows, seen, coming } = rowsOf((name) => {
      asked.push(name)
      if (name === 'b') seen.isWanted = false
    })
    await way(rows)
    expect(asked).toEqual(['a', 'b'])
    expect(coming()).toEqual(['b', 'c'])
  },
)

test('a row that cannot be loaded is no longer said to come', async () => {
  const { rows, coming } = rowsOf((name) => {
    if (name === 'b') throw new Error('damaged')
  })
  await expect(bringBack({ tracks: WANTED, solo: null }, rows)).rejects.toThrow('damaged')
  expect(coming()).toEqual([])
})
