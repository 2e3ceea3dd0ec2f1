import { describe, expect, test } from 'vitest'
import { createAppStore, DEFAULT_PREFERENCES } from '../../src/state/app.ts'
import { MAX_LINES, linesByLayer, linesBySize } from '../../src/analysis/attributionLines.ts'
import { LogitAttribution } from '../../src/ui/views/lens/attribution/store.ts'
import { LiveLens, slowdown } from '../../src/ui/views/lens/liveStore.ts'
import { Session } from '../../src/state/session.ts'
import { DEFAULT_SETTINGS } from '../../src/state/settings.ts'
import { TokenLog } from '../../src/state/tokenLog.ts'
import type { AttributionPart, GeneratedToken, LensOptions, Model } from '../../src/api/model.ts'

const settle = () => new Promise((resolve) => setTimeout(resolve, 5))

/** A page whose clock stands still unless a column is read, which takes `ms`. */
async function page(ms: number) {
  let clock = 1000
  const asked: number[] = []
  const model = {
    info: { id: 'm', tasks: ['generate'], layers: 1, heads: 1, vocab: 16, hasTokenizer: false },
    memory: () => Promise.resolve({ gpuBytes: 0, buffers: 0, byLabel: {} }),
    lens: (ids: readonly number[], { positions = [] }: LensOptions) => {
      asked.push(ids.length)
      clock += ms
      const cells = [-1, 0].map((layer) => ({
        layer,
        position: positions[0],
        top: [{ id: 7, probability: 1 }],
      }))
      return Promise.resolve({ layers: [-1, 0], positions, cells })
    },
  }
  const app = createAppStore(DEFAULT_PREFERENCES)
  const log = new TokenLog((run) => run())
  const client = {
    loadModel: () => Promise.resolve(model as unknown as Model),
    onEvent: () => () => undefined,
    dispose: () => undefined,
  }
  const session = new Session({ client, app, log, now: () => clock })
  await session.load('m', { label: 'm', id: 'm' })
  const live = new LiveLens(session, () => clock)
  const begin = () => {
    log.begin({
      modelId: 'm',
      promptIds: [1, 2],
      settings: DEFAULT_SETTINGS,
      bosId: null,
      endIds: [],
      at: 0,
    })
    app.setState({ run: { kind: 'decoding' } })
  }
  /** Writes a token, `after` milliseconds after the one before. */
  const write = async (after: number) => {
    clock += after
    const token: GeneratedToken = {
      index: 0,
      position: 0,
      id: 5,
      text: 'x',
      logprob: 0,
      top: [],
      random: null,
      finish: null,
    }
    log.append(token, clock)
    await settle()
  }
  return { live, asked, begin, write, app }
}

describe('the lens of a run', () => {
  test('is read while it is on show, at a pace that takes a tenth of the time at most', async () => {
    const { live, asked, begin, write, app } = await page(50)
    begin()
    await write(10)
    expect(asked).toEqual([])
    const leave = live.watch()
    for (let i = 0; i < 40; i++) await write(50)
    // The first after 300 ms; a column of 50 ms is followed by 450 ms without one.
    expect(asked).toEqual([9, 18, 27, 36])
    const { column, cost } = live.state.getState()
    expect(column).toMatchObject({ position: 35, id: 5, text: 'x' })
    expect(cost).toMatchObject({ columns: 4, lastMs: 50, whileReading: { tokens: 0, ms: 200 } })
    expect(cost.between).toEqual({ tokens: 32, ms: 32 * 50 })
    // 32 tokens in 1,800 ms instead of 1,600.
    expect(slowdown(cost)).toBeCloseTo(1 - 1600 / 1800, 6)
    app.setState({ run: { kind: 'stopped' } })
    expect(live.state.getState().cost.between).toEqual({ tokens: 39, ms: 39 * 50 })
    begin()
    leave()
    for (let i = 0; i < 10; i++) await write(100)
    expect(asked).toHaveLength(4)
  })

  test('ends where columns take too long, and begins anew with the next run', async () => {
    const { live, asked, begin, write } = await page(400)
    live.watch()
    begin()
    for (let i = 0; i < 12; i++) await write(1000)
    expect(asked).toHaveLength(2)
    expect(live.state.getState().beyond).toBe(asked[1])
    begin()
    // It expects what the last one saw.
    await write(3500)
    expect(asked).toHaveLength(2)
    await write(200)
    expect(asked).toHaveLength(3)
    expect(live.state.getState()).toMatchObject({ beyond: null, cost: { columns: 1 } })
  })

  test('before any run its kernels are compiled, once', async () => {
    const { live, asked, begin, app } = await page(5)
    begin()
    app.setState({ run: { kind: 'stopped' } })
    live.watch()()
    live.watch()
    await settle()
    expect(asked).toEqual([2])
    expect(live.state.getState()).toMatchObject({ column: null, cost: { columns: 0 } })
  })

  test('switched off it asks for nothing', async () => {
    const { live, asked, begin, write } = await page(5)
    live.watch()
    live.follow(false)
    begin()
    for (let i = 0; i < 5; i++) await write(1000)
    expect(asked).toEqual([])
    live.follow(true)
    await write(1000)
    expect(asked).toHaveLength(1)
  })
})

describe('attribution', () => {
  const parts: AttributionPart[] = [
    { kind: 'embed', layer: null, head: null, contribution: 0.5 },
    ...[0, 1].flatMap((layer): AttributionPart[] => [
      { kind: 'head', layer, head: 0, contribution: 1 + layer },
      { kind: 'head', layer, head: 1, contribution: -2 },
      { kind: 'attn_bias', layer, head: null, contribution: 0.25 },
      { kind: 'mlp', layer, head: null, contribution: 3 },
    ]),
    { kind: 'norm_bias', layer: null, head: null, contribution: -0.125 },
  ]
  const total = (lines: readonly { contribution: number }[]): number =>
    lines.reduce((sum, { contribution }) => sum + contribution, 0)

  test('lines add up to the parts, by layer and by size', () => {
    const byLayer = linesByLayer(parts)
    expect(byLayer.map(({ kind, layer }) => `${kind} ${layer}`)).toEqual([
      'embed null',
      'attention 0',
      'mlp 0',
      'attention 1',
      'mlp 1',
      'norm_bias null',
    ])
    expect(byLayer[1]).toMatchObject({ contribution: -0.75, parts: parts.slice(1, 4) })
    const bySize = linesBySize(parts, 4)
    expect(bySize.map(({ contribution }) => Math.abs(contribution)).slice(0, 4)).toEqual([3, 3, 2, 2])
    expect(bySize[4]?.kind).toBe('rest')
    expect(linesBySize(parts)).toHaveLength(Math.min(MAX_LINES, parts.length))
    for (const lines of [byLayer, bySize]) expect(total(lines)).toBeCloseTo(total(parts), 12)
  })

  test('one logit at a time; of those wished for meanwhile only the newest', async () => {
    const asked: number[] = []
    const releases: (() => void)[] = []
    const model = {
      attribution: async (_: readonly number[], { position, token }: { position: number; token: number }) => {
        asked.push(token)
        await new Promise<void>((resolve) => releases.push(resolve))
        return { position, token, logit: token, sum: token, parts: [] }
      },
    } as unknown as Model
    const attribution = new LogitAttribution()
    const ids = [1, 2, 3]
    for (const token of [4, 5, 6]) attribution.request({ model, ids, position: 1, token })
    await settle()
    expect(asked).toEqual([4])
    releases.pop()?.()
    await settle()
    expect(asked).toEqual([4, 6])
    expect(attribution.state.getState()).toMatchObject({ phase: { kind: 'reading' }, shown: null })
    releases.pop()?.()
    await settle()
    expect(attribution.state.getState()).toMatchObject({
      phase: { kind: 'ready' },
      shown: { value: { logit: 6 } },
    })
    attribution.request({ model, ids, position: 1, token: 6 })
    await settle()
    expect(asked).toHaveLength(2)
  })
})
