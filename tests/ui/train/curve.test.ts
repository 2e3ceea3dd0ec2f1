import { expect, test } from 'vitest'
import { anatomyOfSteps } from '../../../src/analysis/anatomy.ts'
import { recordedSteps } from '../recordedSteps.ts'
import { normsOf, thinned } from '../../../src/ui/views/train/store/checkpoints.ts'
import {
  clockText,
  parseCurve,
  smoothedLosses,
  speedOf,
  timeLeft,
  type CurveStep,
} from '../../../src/ui/views/train/store/curve.ts'
import { deltaColumns, gradientColumns, normGrid } from '../../../src/ui/views/train/store/heat.ts'
import { parseKeptRun } from '../../../src/ui/views/train/store/keptRuns.ts'
import {
  DEFAULT_TRAIN_SETTINGS,
  parseSettings,
  plannedRates,
  settingsOfSet,
  trainOptions,
  withinRange,
} from '../../../src/ui/views/train/store/settings.ts'
import { linePath, rangeOf, ticksBetween } from '../../../src/ui/draw/linePlot.ts'

const step = (index: number, loss: number, more: Partial<CurveStep> = {}): CurveStep => ({
  index,
  loss,
  gradNorm: 1,
  learningRate: 0.1,
  tokens: 10,
  skipped: null,
  ms: 50,
  ...more,
})
const SPIKE = { reason: 'spike', backTo: 0 } as const

test('the running mean begins at the first loss and passes over what was not taken', () => {
  const smooth = smoothedLosses([step(0, 4), step(1, 90, { skipped: SPIKE }), step(2, 2)])
  expect(smooth[0]).toBeCloseTo(4)
  expect(smooth[1]).toBeCloseTo(4)
  expect(smooth[2]).toBeCloseTo((0.9 * 0.1 * 4 + 0.1 * 2) / (0.9 * 0.1 + 0.1))
})

test('speed leaves out the step that compiles; what is left counts the measuring', () => {
  const steps = [step(0, 1, { ms: 5000 }), step(1, 1), step(2, 1)]
  expect(speedOf(steps)).toEqual({ ms: 50, perSecond: 200 })
  expect(speedOf([])).toBe(null)
  expect(timeLeft({ steps }, 10, { ms: 1000, every: 5 })).toBe(7 * 50 + 2 * 1000)
  expect([0, 61_000, 3_600_000].map(clockText)).toEqual(['0:00', '1:01', '1:00:00'])
})

test('losses that were no numbers come back from storage as such', () => {
  const saved: unknown = JSON.parse(
    JSON.stringify({ steps: [step(0, NaN), step(1, 2)], held: [{ steps: 1, loss: 3 }] }),
  )
  expect(parseCurve(saved).steps.map(({ loss }) => loss)).toEqual([NaN, 2])
  expect(parseCurve(null)).toEqual({ steps: [], held: [] })
})

test('settings: options, ranges, sets and what another version has kept', () => {
  const settings = { ...DEFAULT_TRAIN_SETTINGS, clipNorm: 0, spikeFactor: 0, steps: 8, warmupSteps: 2 }
  expect(trainOptions(settings, 'likelihood')).toMatchObject({
    clipNorm: null,
    spikeFactor: null,
    shuffle: 0,
    accumulate: 1,
    finalAccumulate: 1,
    packRows: null,
  })
  expect(trainOptions({ ...settings, packRows: 256 }, 'likelihood').packRows).toBe(256)
  expect(trainOptions({ ...settings, packRows: 256 }, 'dpo').packRows).toBeUndefined()
  expect(trainOptions({ ...settings, beta: 0.3, finalAccumulate: 4 }, 'dpo')).toMatchObject({
    objective: 'dpo',
    beta: 0.3,
    finalAccumulate: 4,
  })
  expect(plannedRates(settings).slice(0, 3)).toEqual([0.0015, 0.003, 0.003])
  expect(withinRange('rank', 3.6)).toBe(4)
  expect(withinRange('steps', -5)).toBe(1)
  expect(settingsOfSet({ steps: 40, clipNorm: null }, { rank: 4 }, 20)).toMatchObject({
    steps: 40,
    clipNorm: 0,
    rank: 4,
    alpha: 8,
    heldOut: 20,
    every: 5,
    targets: 'all',
  })
  expect(parseSettings({ rank: 1e9, optimizer: 'x', steps: 12 })).toMatchObject({
    rank: 256,
    optimizer: 'adamw',
    steps: 12,
  })
})

test('checkpoints are thinned evenly, the first and the last stay', () => {
  const list = Array.from({ length: 9 }, (_, steps) => ({ steps, bytes: 10 }))
  expect(thinned(list).length).toBe(9)
  expect(thinned(list, { most: 5 }).map(({ steps }) => steps)).toEqual([0, 2, 4, 6, 8])
  expect(thinned(list, { bytes: 30 }).map(({ steps }) => steps)).toEqual([0, 4, 8])
  expect(thinned(list.slice(0, 2), { most: 1 })).toHaveLength(2)
})

test('norms join an update with the gradients of a step; heatmaps add up layers and share columns', async () => {
  const modules = [{ step: 'layers.0.attn.q', deltaNorm: 2, ratio: 0.5 }] as never
  const norm = { step: 'layers.0.attn.q', gradient: 5 }
  const norms = [{ step: 'layers.0.attn.q', delta: 2, ratio: 0.5, gradient: 5 }]
  expect(normsOf({ modules }, [norm])).toEqual(norms)
  expect(normsOf({ modules }, undefined)[0]?.gradient).toBe(null)
  const steps = Array.from({ length: 130 }, (_, index) => ({
    index,
    norms: [
      { ...norm, gradient: index === 3 ? 9 : 3 },
      { step: 'layers.0.mlp.up', gradient: 4 },
    ],
  }))
  const anatomy = anatomyOfSteps(await recordedSteps('llama'))
  const grid = normGrid(gradientColumns(steps, []), 'module', anatomy)
  expect([grid.rows, grid.columns.length, grid.columns.at(-1)]).toEqual([
    ['layers.0.attn.q', 'layers.0.mlp.up'],
    44,
    130,
  ])
  expect(grid.values.map((row) => row.slice(0, 3))).toEqual([
    [3, 9, 3],
    [4, 4, 4],
  ])
  const layers = normGrid(gradientColumns(steps.slice(0, 1), []), 'layer', anatomy)
  expect(layers).toEqual({ rows: ['0'], columns: [1], values: [[5]], largest: 5 })
  const kept = [
    { steps: 0, norms: [] },
    { steps: 4, norms },
  ]
  expect(gradientColumns([], kept)).toEqual([{ steps: 4, values: [{ step: 'layers.0.attn.q', value: 5 }] }])
  expect(deltaColumns(kept)).toEqual([{ steps: 4, values: [{ step: 'layers.0.attn.q', value: 2 }] }])
})

test('a kept run is read field by field', () => {
  const info = { id: 'a', name: 'swap', model: 'tales', startedAt: 5, settings: { rank: 2 } }
  const checkpoint = {
    steps: 3,
    norms: [],
    lens: [],
    sample: { prompt: '', text: '' },
    heldLoss: null,
    bytes: 1,
  }
  const run = parseKeptRun({
    info,
    curve: { steps: [step(0, 1)] },
    checkpoints: [checkpoint, { steps: 'x' }],
    text: 'x',
  })
  expect(run?.info).toMatchObject({ name: 'swap', data: '', settings: { rank: 2, alpha: 16 } })
  expect(run?.checkpoints).toEqual([checkpoint])
  expect(parseKeptRun({ info: {} })).toBe(null)
})

test('plots: ranges hold what is finite, ticks are round, lines have gaps', () => {
  const line = {
    kind: 'line',
    points: [
      [0, 1],
      [1, NaN],
      [2, 3],
      [3, 4],
    ],
  } as const
  expect(rangeOf([line], [0, 3], true).y[0]).toBe(0)
  expect(rangeOf([{ ...line, points: [] }], [0, 3], false).y).toEqual([0, 1])
  expect(ticksBetween([0, 1], 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1])
  expect(ticksBetween([0, 0.003], 3)).toEqual([0, 0.001, 0.002, 0.003])
  expect(linePath(line, { x: [0, 3], y: [0, 4] }, 30, 40)).toBe('M0.00 30.00M20.00 10.00L30.00 0.00')
})
