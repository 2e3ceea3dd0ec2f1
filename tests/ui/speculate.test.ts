import { beforeEach, expect, test, vi } from 'vitest'
import { TokenscopeError } from '../../src/errors.ts'
import { createAppStore, DEFAULT_PREFERENCES } from '../../src/state/app.ts'
import { readLinkParts, writeLinkParts } from '../../src/state/linkParts.ts'
import { Session } from '../../src/state/session.ts'
import { DEFAULT_SETTINGS } from '../../src/state/settings.ts'
import { speculationOf } from '../../src/ui/views/speculate/store.ts'
import { slotsOf, totalsOf } from '../../src/analysis/speculatedRounds.ts'
import { TokenLog } from '../../src/state/tokenLog.ts'
import type { GeneratedToken, Proposal, SpeculatedRound, SpeculateOptions } from '../../src/api/model.ts'
import { createFakeClient } from './fakeClient.ts'

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

function token(index: number, id: number): GeneratedToken {
  return { index, position: index + 3, id, text: ` ${id}`, logprob: -1, top: [], random: null, finish: null }
}

function proposal(id: number, outcome: Proposal['outcome']): Proposal {
  const unread = outcome === 'unread'
  return {
    id,
    text: ` ${id}`,
    draftProbability: 0.5,
    modelProbability: unread ? null : 0.25,
    random: unread ? null : 0.1,
    outcome,
  }
}

/** Three rounds: one proposal of three kept; nothing proposed; all kept. */
const ROUNDS: readonly SpeculatedRound[] = [
  {
    index: 0,
    proposals: [proposal(11, 'accepted'), proposal(12, 'rejected'), proposal(13, 'unread')],
    tokens: [token(0, 11), token(1, 20)],
    draftMs: 2,
    modelMs: 4,
  },
  { index: 1, proposals: [], tokens: [token(2, 21)], draftMs: 0, modelMs: 3 },
  {
    index: 2,
    proposals: [proposal(14, 'accepted')],
    tokens: [token(3, 14), { ...token(4, 22), finish: 'length' }],
    draftMs: 1,
    modelMs: 5,
  },
]

async function open(pace = 1) {
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => setTimeout(run, 1))
  const app = createAppStore(DEFAULT_PREFERENCES, {
    prompt: 'A fox',
    settings: { ...DEFAULT_SETTINGS, maxTokens: 5, repetitionPenalty: 1.2 },
    view: 'speculate',
  })
  const client = createFakeClient({ pace: 0, loadTime: 1 })
  const log = new TokenLog((run) => void setTimeout(run, 1))
  const session = new Session({ client, app, log, now: () => performance.now() })
  const asked: SpeculateOptions[] = []
  const load = async (id: string) => {
    await session.load(id, { label: id, id })
    Object.assign(session.model!, {
      async *speculate(_: unknown, options: SpeculateOptions) {
        asked.push(options)
        options.onPrefill?.(3, 3)
        for (const round of ROUNDS) {
          await wait(pace)
          yield round
        }
      },
    })
  }
  await load('model')
  return { app, session, load, asked, speculation: speculationOf(session) }
}

let page: Awaited<ReturnType<typeof open>>
beforeEach(async () => {
  page = await open()
})

test('rounds arrive with their speed; the plain run has their length and no penalty', async () => {
  const { speculation, asked, session } = page
  await speculation.start()
  const { state, rounds } = speculation
  expect(state.getState().phase).toEqual({ kind: 'done', reason: 'length' })
  expect(rounds).toEqual(ROUNDS)
  expect(state.getState().speed?.tokens).toBe(5)
  expect(asked[0]).toMatchObject({ draft: { kind: 'prompt-lookup' }, ahead: 4, maxTokens: 5 })
  expect(asked[0]).not.toHaveProperty('repetitionPenalty')
  const generate = vi.spyOn(session.model!, 'generate')
  await speculation.measurePlain()
  expect(generate.mock.calls[0]?.[1]).toMatchObject({ maxTokens: 5, repetitionPenalty: 1 })
  expect(state.getState().plain?.tokens).toBe(5)
  expect(state.getState().plain?.ms).toBeGreaterThanOrEqual(0)
})

test('totals and places are those of the rounds', () => {
  expect(totalsOf(ROUNDS)).toEqual({ tokens: 5, proposed: 4, accepted: 2, draftMs: 3, modelMs: 12 })
  expect(slotsOf(ROUNDS[0]!).map((slot) => [slot.proposal?.id, slot.token?.id])).toEqual([
    [11, 11],
    [12, 20],
    [13, undefined],
  ])
  expect(slotsOf(ROUNDS[2]!).map((slot) => [slot.proposal?.id, slot.token?.id])).toEqual([
    [14, 14],
    [undefined, 22],
  ])
})

test('walking passes every place and stays within; a token knows its place', async () => {
  const { speculation } = page
  await speculation.start()
  const walked = Array.from({ length: 7 }, () => {
    speculation.walk(1)
    const { round, slot } = speculation.state.getState().selected!
    return `${round}.${slot}`
  })
  expect(walked).toEqual(['0.0', '0.1', '0.2', '1.0', '2.0', '2.1', '2.1'])
  expect(speculation.placeOf(1)).toEqual({ round: 0, slot: 1 })
  expect(speculation.placeOf(4)).toEqual({ round: 2, slot: 1 })
  expect(speculation.placeOf(9)).toBe(null)
})

test('late rounds of an older run, or of another model, are dropped', async () => {
  page = await open(20)
  const { speculation, load } = page
  const first = speculation.start()
  await expect.poll(() => speculation.rounds.length, { interval: 1 }).toBe(1)
  await Promise.all([first, speculation.start()])
  expect(speculation.rounds).toEqual(ROUNDS)
  const late = speculation.start()
  await expect.poll(() => speculation.rounds.length, { interval: 1 }).toBe(1)
  await load('other')
  await late
  expect(speculation.rounds).toEqual([])
  expect(speculation.state.getState()).toMatchObject({ phase: { kind: 'empty' }, shown: null, speed: null })
})

test('a failure is kept with its words, and the rounds before it', async () => {
  const { speculation, session } = page
  const error = new TokenscopeError('out-of-memory', 'No room for this draft model.', {
    hint: 'Take another.',
  })
  Object.assign(session.model!, {
    async *speculate() {
      yield ROUNDS[0]!
      await Promise.reject(error)
    },
  })
  await speculation.start()
  expect(speculation.state.getState().phase).toMatchObject({
    kind: 'failed',
    error: { code: 'out-of-memory', message: 'No room for this draft model.' },
  })
  expect(speculation.rounds).toHaveLength(1)
})

test('a link carries the draft; what it cannot mean is left alone', () => {
  const { speculation, app } = page
  speculation.state.setState({ draft: 'first-layers', layers: 2, ahead: 5 })
  expect(readLinkParts().get('draft')).toBe('first-layers.2+5')
  writeLinkParts(new Map([['draft', 'q4_0+7']]))
  expect(speculation.state.getState()).toMatchObject({ draft: 'q4_0', ahead: 7 })
  writeLinkParts(new Map([['draft', 'first-layers.900+2']]))
  expect(speculation.state.getState()).toMatchObject({ draft: 'first-layers', layers: 5, ahead: 2 })
  writeLinkParts(new Map([['draft', 'magic+9']]))
  expect(speculation.state.getState()).toMatchObject({ draft: 'first-layers', layers: 5, ahead: 2 })
  app.setState({ view: 'write' })
  expect(readLinkParts().has('draft')).toBe(false)
})
