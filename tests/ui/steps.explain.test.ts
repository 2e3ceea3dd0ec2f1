import { expect, test } from 'vitest'
import type { Cell } from '../../src/store/steps.ts'
import type { StepInfo, TensorData } from '../../src/api/model.ts'
import { explain, sumOf, type ExplainRequest } from '../../src/ui/panels/steps/explain.ts'
import { formatValue } from '../../src/ui/panels/steps/numbers.ts'
import { aboutKey, roleKey } from '../../src/ui/panels/steps/words.ts'

const INFO = { heads: 2, kvHeads: 1, headDim: 4 }
const CELL: Cell = { slice: 0, row: 1, col: 0 }

function request(op: string, values: number[], rest: Partial<ExplainRequest>): ExplainRequest {
  const shape = op === 'scores' || op === 'softmax' ? [2, 3, 3] : [3, values.length]
  const step: StepInfo = {
    name: `layers.0.${op}`,
    op,
    inputs: ['a', 'b'],
    weights: [],
    output: { shape, dtype: 'f32' },
    flops: 0,
    bytes: 0,
    formula: 'y = silu(gate) ∘ up',
    wgsl: '',
    coveredBy: null,
  }
  return {
    step,
    values: Float32Array.from(values),
    inputs: [],
    cache: null,
    cell: CELL,
    ids: [5, 6, 7],
    info: INFO,
    weights: null,
    ...rest,
  }
}

const row = (...values: number[]) => Float32Array.from(values)
/** K = 10·position + lane, V = 100 + position. */
const CACHE: TensorData = {
  shape: [2, 3, 4],
  data: Float32Array.from({ length: 24 }, (_, i) =>
    i < 12 ? Math.floor(i / 4) * 10 + (i % 4) : 100 + Math.floor((i - 12) / 4),
  ),
}

test('a sum shows its largest terms and adds up with the rest', () => {
  const sum = sumOf(row(1, -2, 3, 4, 5, 6, 7), row(1, 1, 1, 1, -1, 1, 1))
  expect(sum.terms.map(({ index }) => index)).toEqual([6, 5, 4, 3, 2])
  expect(sum.restSum).toBe(-1)
  expect(sum.terms.reduce((total, { product }) => total + product, sum.restSum)).toBe(sum.total)
})

test('a product is its terms, the bias, and what adapters add', () => {
  const weights = { weights: row(2, -1, 0.5), bias: 1 }
  const how = explain(request('linear', [9], { inputs: [row(1, 2, 4), row(0)], weights }))
  expect(how).toMatchObject({ kind: 'linear', bias: 1, adapters: 6, value: 9 })
  expect(how.kind === 'linear' && how.sum?.total).toBe(2)
})

test('norms show what they divide by', () => {
  expect(explain(request('rms_norm', [2], { inputs: [row(3, 4)] }))).toMatchObject({
    meanSquare: 12.5,
    normal: 3 / Math.sqrt(12.5),
  })
  expect(explain(request('layer_norm', [2], { inputs: [row(1, 3)] }))).toMatchObject({
    mean: 2,
    variance: 1,
    normal: -1,
  })
})

test.each([
  ['half a head away', [1, 0, 0, 0], [Math.cos(0.5), 0, Math.sin(0.5), 0], 2],
  ['its neighbour', [1, 0, 0, 0], [Math.cos(0.5), Math.sin(0.5), 0, 0], 1],
])('a rotation finds its other lane: %s', (_, before, after, partner) => {
  const how = explain(request('rope', after, { inputs: [Float32Array.from(before)] }))
  expect(how).toMatchObject({ kind: 'rope', lane: 0, partner, first: true })
  expect(how.kind === 'rope' && how.angle).toBeCloseTo(0.5, 6)
})

test('a lane that does not turn says so', () => {
  expect(explain(request('rope', [1, 2, 3, 4], { inputs: [row(1, 2, 3, 4)] })).kind).toBe('still')
})

test('scores compare the head’s query with the key of their column', () => {
  const q = row(1, 1, 1, 1, 2, 0, 0, 0)
  const values = [23, 0, 0, 10, 0, 0]
  const first = explain(
    request('scores', values, { inputs: [q], cache: CACHE, cell: { slice: 0, row: 1, col: 0 } }),
  )
  expect(first).toMatchObject({ masked: false, scale: 23 / 6 })
  const second = explain(
    request('scores', values, { inputs: [q], cache: CACHE, cell: { slice: 1, row: 1, col: 2 } }),
  )
  expect(second.kind === 'scores' && second.sum.total).toBe(40)
  expect(second).toMatchObject({ masked: true })
})

test('a softmax leaves out what lies ahead', () => {
  const scores = row(0, Math.log(3), 50, 0, 0, 0)
  const how = explain(request('softmax', [0.25, 0.75, 0, 0, 0, 0], { inputs: [scores] }))
  expect(how).toMatchObject({ kind: 'softmax', count: 2 })
  if (how.kind === 'softmax') expect(how.exp / how.total).toBeCloseTo(how.value, 6)
  const ahead = { slice: 0, row: 1, col: 2 }
  expect(explain(request('softmax', [0, 0, 0, 0, 0, 0], { inputs: [scores], cell: ahead })).kind).toBe(
    'masked',
  )
})

test('a mix weighs the values of all positions up to its own', () => {
  const probs = row(0.25, 0.75, 0, 0.5, 0.5, 0)
  const how = explain(
    request('mix', [0, 0, 0, 0, 100.5, 0, 0, 0], {
      inputs: [probs],
      cache: CACHE,
      cell: { slice: 0, row: 1, col: 4 },
    }),
  )
  expect(how.kind === 'mix' && how.sum.total).toBe(100.5)
})

test('gates and activations name what they apply', () => {
  const how = explain(request('gate', [1], { inputs: [row(2), row(3)] }))
  expect(how).toMatchObject({ activation: 'silu', gate: 2, up: 3 })
  if (how.kind === 'gate') expect(how.activated).toBeCloseTo(2 / (1 + Math.exp(-2)), 6)
})

test.each([
  [0, '0'],
  [1.5, '1.5000'],
  [-0.000123456, '−0.000123'],
  [0.0000123456, '1.235e−5'],
  [123456.7, '1.235e5'],
  [Number.NaN, 'NaN'],
  [Number.NEGATIVE_INFINITY, '−∞'],
])('%d is written %s', (value, text) => {
  expect(formatValue(value)).toBe(text)
})

test('every step has words: adapters’ by their op, parts of a replaced module as the module', () => {
  expect(roleKey({ name: 'layers.3.attn.q_k_v.ax', op: 'lora_a' })).toBe('role.lora_a')
  expect(aboutKey({ name: 'layers.3.mlp.gate.base', op: 'linear' })).toBe('about.gate')
  expect(aboutKey({ name: 'final_norm', op: 'rms_norm' })).toBe('about.final_norm')
  expect(aboutKey({ name: 'novel', op: 'novel' })).toBe('about.other')
})
