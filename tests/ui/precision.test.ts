import { expect, test } from 'vitest'
import type { PrecisionStep } from '../../src/api/model.ts'
import { errorPowers, errorTable, powerShare } from '../../src/ui/views/precision/store.ts'

const step = (name: string, layer: number | null, own: number | null, error = 0.5): PrecisionStep => ({
  name,
  op: own === null ? 'add' : 'linear',
  layer,
  error,
  own,
})

const steps = [
  step('embed', null, null),
  step('layers.0.attn.q', 0, 0.1),
  step('layers.0.resid', 0, null),
  step('layers.1.attn.q', 1, 0.2),
  step('layers.1.mlp.router', 1, 0.3),
  step('layers.1.resid', 1, null),
  step('logits', null, 0.4),
]

test.each([
  {
    heat: 'own',
    columns: ['attn.q', 'mlp.router'],
    first: ['layers.0.attn.q', null],
    outside: ['logits'],
    range: ['0.10', '0.40'],
  },
  {
    heat: 'error',
    columns: ['attn.q', 'resid', 'mlp.router'],
    first: ['layers.0.attn.q', 'layers.0.resid', null],
    outside: ['embed', 'logits'],
    range: ['0.05', '0.50'],
  },
] as const)('errors by layer and part: $heat', ({ heat, columns, first, outside, range }) => {
  const table = errorTable({ steps, layers: 2 }, heat)
  expect(table.columns).toEqual(columns)
  expect(table.lines.map(({ layer }) => layer)).toEqual([0, 1])
  expect(table.lines[0]?.cells.map((cell) => cell?.name ?? null)).toEqual(first)
  expect(table.outside.map(({ name }) => name)).toEqual(outside)
  const [low, high] = errorPowers(table, heat)
  expect([10 ** low, 10 ** high].map((value) => value.toFixed(2))).toEqual(range)
})

test.each([
  { value: 0, share: 0 },
  { value: 1e-12, share: 0 },
  { value: 1e-3, share: 0.5 },
  { value: 7, share: 1 },
])('$value lies at $share between 10⁻⁶ and 1', ({ value, share }) => {
  expect(powerShare(value, [-6, 0])).toBeCloseTo(share, 12)
})
