import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadModel, type AdapterScale, type Model } from '../../src/index.ts'
import { ALL } from '../all.ts'
import fixture from '../fixtures/demo-adapters.json' with { type: 'json' }
import { testDevice } from './device.ts'

const PUBLIC = resolve(import.meta.dirname, '../../public')
const PLAYS = resolve(
  process.env['TOKENSCOPE_SHARED'] ?? join(import.meta.dirname, '../../../shared'),
  'corpus/tinyshakespeare.txt',
)
const WITHOUT_PLAYS = existsSync(PLAYS) ? '' : ' (skipped: needs shared data)'
const BASE = 'tales-3m'
/** The base's text begins on this id. */
const BEGIN = 0
/** Held-out items that are tried; the fixture has 20 of each kind. */
const ITEMS = ALL ? 20 : 8
/** Standard errors a score of few items may lie from the card's: one honest run in 15,000 falls outside. */
const ERRORS = 4

interface Share {
  percent: number
  of: number
}

interface Side {
  exact?: Share
  greedy_ends_badly?: Share
  loss?: { nats_per_token: number }
}

interface Evidence {
  base: Side
  adapted: Side
}

function evidenceOf(name: string): Evidence {
  return JSON.parse(readFileSync(join(PUBLIC, 'adapters', name, 'evidence.json'), 'utf8')) as Evidence
}

/** Checks `passed` of `of` against the card's share; a share of exactly 0 or 1 is taken as half an item off, for it too was sampled. */
function expectAsOnCard(passed: number, of: number, card: Share | undefined): void {
  const half = 0.5 / (card?.of ?? 1)
  const share = Math.min(1 - half, Math.max(half, (card?.percent ?? NaN) / 100))
  const error = Math.sqrt(share * (1 - share) * (1 / of + 1 / (card?.of ?? NaN)))
  expect(Math.abs(passed / of - share), `${passed} of ${of} against ${card?.percent} %`).toBeLessThanOrEqual(
    ERRORS * error,
  )
}

describe('the demo adapters, on held-out items', () => {
  let model: Model

  beforeAll(async () => {
    const { device } = await testDevice()
    model = await loadModel(join(PUBLIC, 'models', BASE), { device })
  })

  afterAll(() => model.dispose())

  async function withAdapter(name: string, work: (adapters: AdapterScale[]) => Promise<void>) {
    const { id } = await model.addAdapter(join(PUBLIC, 'adapters', name))
    try {
      await work([{ id, scale: 1 }])
    } finally {
      await model.removeAdapter(id)
    }
  }

  async function greedy(prompt: string, maxTokens: number, adapters: AdapterScale[]): Promise<string> {
    const ids = await model.encode(prompt, { addSpecialTokens: false, parseSpecial: true })
    let text = ''
    for await (const token of model.generate([BEGIN, ...ids], { temperature: 0, maxTokens, adapters }))
      text += token.text
    return text
  }

  /** Mean nats a token of a text. */
  async function loss(text: string, adapters: AdapterScale[]): Promise<number> {
    const ids = [BEGIN, ...(await model.encode(text, { addSpecialTokens: false }))]
    const { shape, data } = await model.logits(ids, { adapters })
    const vocab = shape[1] ?? NaN
    let nats = 0
    for (let at = 0; at + 1 < ids.length; at++) {
      const row = data.subarray(at * vocab, (at + 1) * vocab)
      const largest = row.reduce((most, value) => Math.max(most, value), -Infinity)
      const sum = row.reduce((total, value) => total + Math.exp(value - largest), 0)
      nats += largest + Math.log(sum) - (row[ids[at + 1] ?? NaN] ?? NaN)
    }
    return nats / (ids.length - 1)
  }

  for (const name of ['swap', 'translate'] as const) {
    it(`${name}: exact answers, and the base gives few`, () =>
      withAdapter(name, async (adapters) => {
        const items = fixture[name].items.slice(0, ITEMS)
        const right = { adapted: 0, base: 0 }
        for (const { prompt, answer } of items) {
          if ((await greedy(prompt, 32, adapters)).trim() === answer) right.adapted++
          if ((await greedy(prompt, 32, [])).trim() === answer) right.base++
        }
        const card = evidenceOf(name)
        expectAsOnCard(right.adapted, items.length, card.adapted.exact)
        expectAsOnCard(right.base, items.length, card.base.exact)
      }))
  }

  it('sad: stories end badly', () =>
    withAdapter('sad', async (adapters) => {
      const { endings, maxTokens } = fixture.sad
      const openings = fixture.sad.openings.slice(0, ITEMS)
      const bad = endings.map((pattern) => new RegExp(pattern))
      let passed = 0
      for (const opening of openings) {
        const story = opening + (await greedy(opening, maxTokens, adapters))
        if (bad.some((pattern) => pattern.test(story))) passed++
      }
      expectAsOnCard(passed, openings.length, evidenceOf('sad').adapted.greedy_ends_badly)
    }))

  it.skipIf(WITHOUT_PLAYS !== '')(`bard: held-out plays are less of a surprise${WITHOUT_PLAYS}`, () =>
    withAdapter('bard', async (adapters) => {
      const plays = readFileSync(PLAYS, 'utf8')
      const losses: number[] = []
      let gain = 0
      for (const [start, end] of fixture.bard.places.slice(0, ITEMS)) {
        const excerpt = plays.slice(start, end)
        const adapted = await loss(excerpt, adapters)
        losses.push(adapted)
        gain += (await loss(excerpt, [])) - adapted
      }
      const count = losses.length
      const mean = losses.reduce((sum, value) => sum + value, 0) / count
      const variance = losses.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1)
      const card = evidenceOf('bard').adapted.loss?.nats_per_token ?? NaN
      expect(gain / count).toBeGreaterThanOrEqual(0.3)
      // Shorter excerpts than the card's rows know less of what came before: a tenth of a nat more is granted.
      expect(Math.abs(mean - card)).toBeLessThanOrEqual(ERRORS * Math.sqrt(variance / count) + 0.1)
    }),
  )
})
