import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createAppStore, DEFAULT_PREFERENCES, type AppStore } from '../../src/state/app.ts'
import { keepViews } from '../../src/state/viewHistory.ts'

/** A browser's session history: entries with a state and an address. */
class Entries {
  list: { state: unknown; hash: string }[] = [{ state: null, hash: '#first' }]
  at = 0
  private popped: () => void = () => undefined

  get state() {
    return this.list[this.at]!.state
  }

  get hash() {
    return this.list[this.at]!.hash
  }

  pushState = (state: unknown, _: string, hash: string): void => {
    this.list.splice(++this.at, Infinity, { state, hash })
  }

  replaceState = (state: unknown, _: string, hash = this.hash): void => {
    this.list[this.at] = { state, hash }
  }

  go(by: number): void {
    this.at += by
    this.popped()
  }

  /** A person puts another hash into the address line. */
  type(hash: string): void {
    this.pushState(null, '', hash)
    this.popped()
  }

  listen = (type: string, listener: () => void): void => {
    if (type === 'popstate') this.popped = listener
  }
}

let entries: Entries
let app: AppStore
let rewrite: () => void
const followed: string[] = []

beforeEach(() => {
  entries = new Entries()
  followed.length = 0
  vi.stubGlobal('history', entries)
  vi.stubGlobal('addEventListener', entries.listen)
  app = createAppStore(DEFAULT_PREFERENCES)
  rewrite = keepViews({
    app,
    hash: () => `#prompt=${app.getState().prompt}&view=${app.getState().view}`,
    follow: () => {
      followed.push(entries.hash)
      app.setState({ view: /view=(\w+)/.exec(entries.hash)?.[1] ?? 'write' })
    },
  })
})

afterEach(() => vi.unstubAllGlobals())

const view = () => app.getState().view

test('Back and Forward move between views and touch nothing else', () => {
  app.setState({ view: 'steps' })
  app.setState({ view: 'lens' })
  app.setState({ prompt: 'new' })
  rewrite()
  expect(entries.list).toHaveLength(3)
  entries.go(-1)
  expect([view(), entries.hash]).toEqual(['steps', '#prompt=new&view=steps'])
  entries.go(-1)
  expect(view()).toBe('write')
  entries.go(2)
  expect([view(), app.getState().prompt]).toEqual(['lens', 'new'])
  expect(entries.list).toHaveLength(3)
  expect(followed).toEqual([])
})

test('a view chosen after Back replaces what lay ahead', () => {
  app.setState({ view: 'steps' })
  app.setState({ view: 'lens' })
  entries.go(-2)
  app.setState({ view: 'score' })
  expect(entries.list.map(({ hash }) => hash.split('view=')[1])).toEqual(['write', 'score'])
})

test('another link is followed whole, and Back from it too', () => {
  app.setState({ view: 'steps' })
  entries.type('#prompt=other&view=lens')
  expect([view(), entries.list.length]).toEqual(['lens', 3])
  app.setState({ view: 'score' })
  entries.go(-1)
  expect([view(), followed.length]).toEqual(['lens', 1])
  entries.go(-1)
  expect(followed).toEqual(['#prompt=other&view=lens', '#prompt=&view=steps'])
  expect(view()).toBe('steps')
})
