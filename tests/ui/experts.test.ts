import { expect, test } from 'vitest'
import {
  entropyOf,
  loadOf,
  routingsOf,
  weightsByExpert,
  type ExpertLayer,
} from '../../src/analysis/expertRoutes.ts'
import { recordedSteps } from './recordedSteps.ts'

const LAYER: ExpertLayer = {
  layer: 3,
  experts: 4,
  chosen: 2,
  steps: { scores: 's', ids: 'i', weights: 'w' },
  ids: Float32Array.of(2, 0, 2, 1, 0, 2),
  weights: Float32Array.of(0.75, 0.25, 0.5, 0.5, 1, 0),
  entropy: Float32Array.of(1, 2, 0),
}

test.each([
  { scores: [1, 1, 1, 1], bits: 2 },
  { scores: [0, 0, -1e9], bits: 1 },
  { scores: [500, -500], bits: 0 },
  { scores: [Math.log(3), 0], bits: 0.75 * Math.log2(4 / 3) + 0.25 * 2 },
])('the router’s entropy over $scores is $bits bit', ({ scores, bits }) => {
  expect(entropyOf(Float32Array.from(scores))).toBeCloseTo(bits, 5)
})

test('a load is a share of the choices or of their weights', () => {
  expect([...loadOf(LAYER, 'choices')]).toEqual([2 / 6, 1 / 6, 3 / 6, 0].map(Math.fround))
  expect([...loadOf(LAYER, 'weight')]).toEqual([1.25 / 3, 0.5 / 3, 1.25 / 3, 0].map(Math.fround))
})

test('experts down, tokens across', () => {
  expect([...weightsByExpert(LAYER)]).toEqual([0.25, 0, 1, 0, 0.5, 0, 0.75, 0.5, 0, 0, 0, 0])
})

test('routers are found by what their steps do; a dense layer has none', async () => {
  expect(routingsOf(await recordedSteps('qwen3-moe'))).toEqual([
    {
      layer: 1,
      experts: 7,
      chosen: 3,
      steps: { scores: 'layers.1.mlp.router', ids: 'layers.1.mlp.chosen', weights: 'layers.1.mlp.weights' },
    },
  ])
  expect(routingsOf(await recordedSteps('llama'))).toEqual([])
})
