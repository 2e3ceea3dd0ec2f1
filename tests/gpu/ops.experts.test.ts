import { expect, test } from 'vitest'
import type { LoadFormat } from '../../src/api/model.ts'
import type { GateAttrs } from '../../src/program/attrs.ts'
import type { Axis } from '../../src/program/step.ts'
import { randomSource } from '../random.ts'
import { expertProducts, expertWeights, rmsNorm, silu, topExperts } from '../reference.ts'
import {
  F32,
  features,
  openHarness,
  opStep,
  param,
  plainRows,
  rowNorm,
  runSteps,
  stored,
  worstRow,
} from './opHarness.ts'

interface Case {
  variant: string
  format: LoadFormat
  rows: number
  bucket: number
  experts: number
  chosen: number
  /** Width of x, and of an expert. */
  hidden: number
  width: number
  bias: boolean
  norm: boolean
  clamp: boolean
  over: 'all' | 'chosen'
  /** Largest buffer of a matrix. */
  maxBytes?: number
}

const PLAIN = { bias: false, norm: false, clamp: false, over: 'all' } as const

const CASES: readonly Case[] = [
  {
    ...PLAIN,
    variant: 'wg64',
    format: 'f32',
    rows: 3,
    bucket: 4,
    experts: 5,
    chosen: 2,
    hidden: 36,
    width: 28,
  },
  // A width of no whole vectors, more experts than threads, experts in several buffers.
  {
    variant: 'wg32',
    format: 'f16',
    rows: 2,
    bucket: 2,
    experts: 70,
    chosen: 3,
    hidden: 40,
    width: 21,
    bias: true,
    norm: true,
    clamp: false,
    over: 'chosen',
    maxBytes: 40_000,
  },
  {
    variant: 'perthread-wg64',
    format: 'q8_0',
    rows: 9,
    bucket: 32,
    experts: 3,
    chosen: 3,
    hidden: 64,
    width: 32,
    bias: true,
    norm: false,
    clamp: true,
    over: 'chosen',
  },
  {
    variant: 'subgroups-perthread-wg32',
    format: 'q4_0',
    rows: 1,
    bucket: 1,
    experts: 9,
    chosen: 4,
    hidden: 32,
    width: 96,
    bias: false,
    norm: true,
    clamp: true,
    over: 'all',
  },
  {
    variant: 'subgroups-wg64',
    format: 'f32',
    rows: 5,
    bucket: 8,
    experts: 8,
    chosen: 1,
    hidden: 33 * 4,
    width: 30,
    bias: true,
    norm: true,
    clamp: false,
    over: 'all',
    maxBytes: 50_000,
  },
]

const EPS = 1e-5
const CLAMP = { limit: 0.9, alpha: 1.702 }

const ofExperts = (rows: number, chosen: number, width?: number): Axis[] => [
  { kind: 'rows', size: rows },
  { kind: 'experts', size: chosen },
  ...(width === undefined ? [] : [{ kind: 'features', size: width } as const]),
]

function gated(gate: Float64Array, up: Float64Array, clamp: boolean): Float64Array {
  return gate.map((value, i) => {
    if (!clamp) return silu([value])[0]! * up[i]!
    const g = Math.min(value, CLAMP.limit)
    const u = Math.max(-CLAMP.limit, Math.min(CLAMP.limit, up[i]!))
    return ((u + 1) * g) / (1 + Math.exp(-CLAMP.alpha * g))
  })
}

function drawData(c: Case) {
  const random = randomSource(c.experts * 100 + c.width)
  const { rows, experts, hidden, width, format } = c
  const matrix = (outputs: number, cols: number) => {
    const data = random.normal(experts * outputs * cols, 0.4)
    return { data, values: stored(cols % 32 === 0 ? format : 'f32', cols, data) }
  }
  const bias = (outputs: number) => (c.bias ? random.normal(experts * outputs, 0.5) : undefined)
  return {
    x: random.normal(rows * hidden),
    scores: random.normal(rows * experts, 2),
    residual: random.normal(rows * hidden),
    gain: random.normal(hidden),
    gate: { ...matrix(width, hidden), bias: bias(width) },
    up: { ...matrix(width, hidden), bias: bias(width) },
    down: { ...matrix(hidden, width), bias: bias(hidden) },
  }
}

/** Rows of a run are those of its bucket; the batch holds fewer. */
const padded = (data: Float32Array, rows: number, bucket: number): Float32Array => {
  const all = new Float32Array((data.length / rows) * bucket).fill(NaN)
  all.set(data)
  return all
}

test.each(CASES)('$variant $format: $chosen of $experts experts, one by one and fused', async (c) => {
  const harness = await openHarness(c.variant)
  if (!harness) return
  const { rows, bucket, experts, chosen: count, hidden, width, over } = c
  const data = drawData(c)
  const formatOf = (cols: number): LoadFormat => (cols % 32 === 0 ? c.format : 'f32')
  const gate: GateAttrs = { activation: 'silu', ...(c.clamp ? { clamp: CLAMP } : {}) }
  const separate = { experts, chosen: count, routed: false } as const
  const together = { experts, chosen: count, routed: true } as const
  const norm = c.norm ? rowNorm('rms_norm', hidden, EPS) : null
  const inner = ofExperts(bucket, count, width)
  const outer = ofExperts(bucket, count, hidden)
  const single = ofExperts(bucket, count)
  const biased = c.bias ? [param('b', 'bias')] : []
  const doraScale = c.norm ? [param('gain')] : []
  const normed = c.norm ? rmsNorm(data.x, data.gain, EPS) : data.x
  const expertStep = (name: string, inputs: string[], perExpert: boolean, routed: boolean) =>
    opStep(routed ? `${name}_routed` : name, 'expert_linear', {
      inputs,
      axes: perExpert ? outer : inner,
      attrs: { matrix: name, ...(routed ? together : separate), perExpert },
      params: biased,
    })
  const { tensors } = await runSteps(harness, {
    rows: bucket,
    batch: plainRows(rows),
    steps: [
      opStep('chosen', 'top_k', { inputs: ['scores'], axes: single, attrs: { chosen: count, experts } }),
      opStep('weights', 'router_weights', {
        inputs: ['scores', 'chosen'],
        axes: single,
        attrs: { chosen: count, experts, over },
      }),
      expertStep('gate', ['normed', 'chosen'], false, false),
      expertStep('up', ['normed', 'chosen'], false, false),
      opStep('act', 'gate', { inputs: ['gate', 'up'], axes: inner, attrs: gate }),
      expertStep('down', ['act', 'chosen'], true, false),
      opStep('experts', 'expert_sum', {
        inputs: ['down', 'weights'],
        axes: features(bucket, hidden),
        attrs: { chosen: count },
      }),
      opStep('route', 'route', {
        inputs: ['scores'],
        axes: ofExperts(bucket, 2 * count),
        attrs: { chosen: count, experts, over, stride: experts },
      }),
      opStep('act_fused', 'expert_gated', {
        inputs: ['x', 'route'],
        axes: inner,
        attrs: { matrix: 'gate_up', ...together, ...gate, norm },
        params: [...doraScale, ...biased],
      }),
      expertStep('down', ['act_fused', 'route'], true, true),
      opStep('resid', 'experts_add', {
        inputs: ['down_routed', 'route', 'residual'],
        axes: features(bucket, hidden),
        attrs: { chosen: count, scale: 0.5, shared: null },
      }),
    ],
    inputs: {
      x: padded(data.x, rows, bucket),
      normed: padded(Float32Array.from(normed), rows, bucket),
      scores: padded(data.scores, rows, bucket),
      residual: padded(data.residual, rows, bucket),
    },
    matrices: {
      gate_up: {
        format: formatOf(hidden),
        cols: hidden,
        experts,
        maxBytes: c.maxBytes,
        parts: [
          { name: 'gate', ...data.gate },
          { name: 'up', ...data.up },
        ],
      },
      down: {
        format: formatOf(width),
        cols: width,
        experts,
        maxBytes: c.maxBytes,
        parts: [{ name: 'down', ...data.down }],
      },
    },
    ...(c.norm ? { vectors: { gain: [data.gain] } } : {}),
  })
  const chosen = topExperts(data.scores, experts, count)
  const weights = expertWeights(data.scores, experts, chosen, over)
  const [gateShape, downShape] = [
    { inputs: hidden, outputs: width },
    { inputs: width, outputs: hidden },
  ]
  const act = gated(
    expertProducts(normed, data.gate.values, gateShape, chosen, data.gate.bias),
    expertProducts(normed, data.up.values, gateShape, chosen, data.up.bias),
    c.clamp,
  )
  const down = expertProducts(act, data.down.values, downShape, chosen, data.down.bias)
  const sum = Float64Array.from({ length: rows * hidden }, (_, i) => {
    const [row, col] = [Math.floor(i / hidden), i % hidden]
    return Array.from(
      { length: count },
      (_w, j) => weights[row * count + j]! * down[(row * count + j) * hidden + col]!,
    ).reduce((a, b) => a + b)
  })
  const expectRows = (step: string, expected: ArrayLike<number>, of: number): void =>
    expect(worstRow(tensors.get(step)!, expected, rows, of), step).toBeLessThanOrEqual(F32)
  expect([...tensors.get('chosen')!.subarray(0, rows * count)]).toEqual(chosen)
  expectRows('weights', weights, count)
  expectRows('act', act, count * width)
  expectRows('down', down, count * hidden)
  expectRows('experts', sum, hidden)
  expectRows('act_fused', act, count * width)
  expectRows('down_routed', down, count * hidden)
  expectRows(
    'resid',
    data.residual.map((value, i) => value + 0.5 * sum[i]!),
    hidden,
  )
})
