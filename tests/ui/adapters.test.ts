import { describe, expect, it } from 'vitest'
import { anatomyOfSteps } from '../../src/analysis/anatomy.ts'
import { recordedSteps } from './recordedSteps.ts'
import {
  actingScale,
  addSpan,
  badgeOf,
  freeName,
  isIdle,
  scalesOf,
  scalesText,
  sameScales,
  summaryOf,
  type Track,
} from '../../src/state/adapterScales.ts'
import { identify } from '../../src/engine/identify.ts'
import { nameOfFiles, packFiles, partsOfExport, sameStem } from '../../src/state/adapterFiles.ts'
import { parseSpans, parseTracks } from '../../src/state/adapterMemory.ts'
import { divergences, pairRows, scoreBoth } from '../../src/analysis/divergence.ts'
import { parseCatalogue } from '../../src/state/catalogue.ts'
import { adaptersEn } from '../../src/ui/views/adapters/words.en.ts'
import { adaptersKo } from '../../src/ui/views/adapters/words.ko.ts'
import { deltaGrid, deltaLevel } from '../../src/ui/views/adapters/deltaGrid.ts'
import type { AdapterReport, ModuleAnalysis } from '../../src/api/model.ts'

const report = (part: Partial<AdapterReport> = {}): AdapterReport => ({
  name: 'bard',
  matched: [],
  replaced: [],
  matchedKeys: 0,
  unmatchedEntries: [],
  baseModel: { named: null, loaded: null, matches: null },
  bytes: 0,
  parameters: 0,
  features: ['lora'],
  warnings: [],
  effect: null,
  ...part,
})

const track = (id: string, part: Partial<Track> = {}): Track => ({
  id,
  name: id,
  scale: 1,
  enabled: true,
  origin: { kind: 'files' },
  report: report(),
  ...part,
})

describe('scales', () => {
  it('leaves out what is muted, zero or silenced by a solo', () => {
    const tracks = [track('a', { scale: 0.8 }), track('b', { enabled: false }), track('c', { scale: 0 })]
    expect(scalesOf(tracks, null)).toEqual([{ id: 'a', name: 'a', scale: 0.8 }])
    expect(scalesOf(tracks, 'b')).toEqual([{ id: 'b', name: 'b', scale: 1 }])
    expect(tracks.map((one) => actingScale(one, 'a'))).toEqual([0.8, 0, 0])
  })

  it('reads as a formula, with true minus signs and the digits that were typed', () => {
    expect(scalesText([], 'base')).toBe('base')
    const scales = [
      { id: '1', name: 'bard', scale: 0.8 },
      { id: '2', name: 'swap', scale: -1.125 },
    ]
    expect(scalesText(scales, 'base')).toBe('bard ×0.80 + swap ×−1.125')
    expect(sameScales(scales, scales.toReversed())).toBe(true)
    expect(sameScales(scales, scales.slice(1))).toBe(false)
  })

  it('joins runs under the same scales and replaces what they overwrite', () => {
    const bard = [{ id: '1', name: 'bard', scale: 1 }]
    const spans = addSpan(addSpan([], { from: 0, scales: [] }), { from: 8, scales: bard })
    expect(spans.map(({ from }) => from)).toEqual([0, 8])
    expect(addSpan(spans, { from: 12, scales: bard })).toEqual(spans)
    expect(addSpan(spans, { from: 0, scales: bard })).toEqual([{ from: 0, scales: bard }])
  })

  it('names every row once', () => {
    expect(freeName('bard', [])).toBe('bard')
    expect(freeName('bard', ['bard', 'bard 2'])).toBe('bard 3')
  })
})

describe('what a row says of its adapter', () => {
  const module = (step: string, rank: number, alpha: number) => ({
    step,
    source: step,
    rank,
    alpha,
    scaling: alpha / rank,
    shapes: { a: [rank, 4], b: [4, rank] } as const,
    dora: false,
  })

  it('sums up ranks, modules and layers', async () => {
    const matched = [module('layers.0.attn.q', 4, 8), module('layers.3.mlp.down', 8, 8)]
    const anatomy = anatomyOfSteps(await recordedSteps('gemma2'))
    expect(summaryOf(report({ matched }), anatomy)).toEqual({
      rank: '4–8',
      alpha: '8',
      modules: ['q', 'down'],
      layers: 2,
    })
  })

  it('names the kind, and a measured zero', () => {
    expect(badgeOf(report({ features: ['lora', 'dora', 'rslora'] }))).toBe('DoRA')
    expect(badgeOf(report({ features: ['lora', 'rslora'] }))).toBe('rsLoRA')
    expect(badgeOf(report({ features: ['modules_to_save'] }))).toBe('modules')
    expect(isIdle(report({ effect: { maxDeltaLogit: 0, meanKl: 0 } }))).toBe(true)
    expect(isIdle(report())).toBe(false)
  })
})

describe('what outlives a reload', () => {
  it('passes over damaged rows', () => {
    const saved = [
      { name: 'bard', origin: { kind: 'listed', id: 'bard' }, scale: -0.5, enabled: false },
      { name: 'far', origin: { kind: 'address', address: 'https://example.org/a/' }, scale: 'much' },
      { name: 'strange', origin: { kind: 'telepathy' } },
      null,
    ]
    expect(parseTracks(saved)).toEqual([
      { name: 'bard', origin: { kind: 'listed', id: 'bard' }, scale: -0.5, enabled: false },
      {
        name: 'far',
        origin: { kind: 'address', address: 'https://example.org/a/' },
        scale: 1,
        enabled: true,
      },
    ])
    expect(parseTracks('nonsense')).toEqual([])
  })

  it('believes the scales of a text as a whole or not at all', () => {
    const good = { tokens: 3, spans: [{ from: 0, scales: [] }], scored: null }
    expect(parseSpans(good)).toEqual(good)
    expect(parseSpans({ ...good, spans: [{ from: 0 }] })).toBeNull()
  })
})

describe('files', () => {
  const file = (name: string, content: BlobPart = '') => new File([content], name)

  it('are named after their archive, and packed into one the page knows again', async () => {
    const contents = new Map([
      ['in/adapter_config.json', new Uint8Array([123])],
      ['in/adapter_model.safetensors', new Uint8Array(8)],
    ])
    const { name, blob } = await packFiles(contents, 'bard')
    expect(name).toBe('bard.zip')
    expect(await identify([file(name, await blob.arrayBuffer())])).toBe('adapter')
    expect(nameOfFiles([file('bard.zip')])).toBe('bard')
    expect((await packFiles(new Map([['model.safetensors', new Uint8Array(8)]]), 'm')).name).toBe(
      'm.safetensors',
    )
  })

  it('reads the adapters the page offers', () => {
    const { adapters } = parseCatalogue({
      models: [{ id: 'm' }],
      adapters: [{ id: 'bard', base: 'm', bytes: 12, note: 'a voice', try: 'To be' }],
    })
    expect(adapters).toEqual([
      { id: 'bard', name: 'bard', base: 'm', bytes: 12, note: 'a voice', examples: ['To be'] },
    ])
    expect(() => parseCatalogue({ models: [], adapters: [{}] })).toThrow(/adapters\[0\]/)
  })
})

describe('scores', () => {
  const logits = (rows: number[][]) => ({
    shape: [rows.length, rows[0]?.length ?? 0],
    data: Float32Array.from(rows.flat()),
  })

  it('measures KL(b ‖ a) in nats', async () => {
    const a = logits([[0, 0]])
    const b = logits([[Math.log(3), 0]])
    const [position] = await scoreBoth(a, b, [0, 0])
    expect(position?.kl).toBeCloseTo(0.75 * Math.log(1.5) + 0.25 * Math.log(0.5), 6)
    expect(position?.b).toBeCloseTo(Math.log(0.75), 6)
  })

  it('pairs two distributions, the larger first', () => {
    const a = [{ id: 1, text: 'x', logprob: Math.log(0.9) }]
    const b = [
      { id: 2, text: 'y', logprob: Math.log(0.6) },
      { id: 1, text: 'x', logprob: Math.log(0.4) },
    ]
    const rows = pairRows(a, b, 8)
    expect(rows.map(({ id }) => id)).toEqual([1, 2])
    expect(rows[1]).toMatchObject({ a: null, text: 'y' })
    expect(rows[0]?.b).toBeCloseTo(0.4, 9)
  })

  it('finds the first difference and the peaks of KL', () => {
    expect(divergences([0, 0.05, 0.4, 0.2, 0.9, null], 1)).toEqual([1, 2, 4])
    expect(divergences([], -1)).toEqual([])
  })
})

describe('the map of ΔW', () => {
  const module = (step: string, ratio: number): ModuleAnalysis => ({
    step,
    rank: 2,
    deltaNorm: ratio,
    weightNorm: 1,
    ratio,
    singularValues: [ratio],
    energy: [1],
    effectiveRank: 1,
  })

  it('puts layers down and modules across, gaps where there is nothing', async () => {
    const anatomy = anatomyOfSteps(await recordedSteps('gemma3'))
    const grid = deltaGrid(
      [
        module('layers.0.attn.q', 0.1),
        module('layers.6.mlp.down', 0.4),
        module('layers.2.attn.q', 0.2),
        module('embed', 0.3),
      ],
      anatomy,
    )
    expect(grid.columns).toEqual(['attn.q', 'mlp.down'])
    expect(grid.lines.map(({ label }) => label)).toEqual(['0', '2', '6', 'embed'])
    expect(grid.lines[0]?.cells.map((cell) => cell?.ratio ?? null)).toEqual([0.1, null])
    expect(grid.largest).toBe(0.4)
    expect([deltaLevel(0.4, 0.4), deltaLevel(0, 0.4), deltaLevel(1, 0)]).toEqual([9, 0, 0])
  })
})

it('both languages put the same values into every message', () => {
  const slots = (text: string) =>
    [...text.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name).toSorted((a, b) => a.localeCompare(b))
  for (const [key, text] of Object.entries(adaptersEn)) {
    expect(slots(adaptersKo[key as keyof typeof adaptersEn]), key).toEqual(slots(text))
  }
})

it('the name of an exported file says what it is made of', () => {
  expect(partsOfExport('The-Bard-x0.80+Sad-endings-x-1.00')).toEqual(['The-Bard', 'Sad-endings'])
  expect([partsOfExport('bard'), partsOfExport('my-x1'), sameStem('The Bard', 'The-Bard')]).toEqual([
    [],
    [],
    true,
  ])
})
