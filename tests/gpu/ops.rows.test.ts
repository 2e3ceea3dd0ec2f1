import { expect, test } from 'vitest'
import { FROM_SAMPLER, type BatchRow } from '../../src/run/batch.ts'
import { ropeTable } from '../../src/run/ropeTable.ts'
import type { RopeTable } from '../../src/program/attrs.ts'
import type { LoadFormat } from '../../src/api/model.ts'
import { loadOps } from '../../src/ops/index.ts'
import { randomSource } from '../random.ts'
import { add, clamp, embedding, geluErf, geluTanh, layerNorm, rmsNorm, rope, silu } from '../reference.ts'
import {
  F32,
  features,
  openHarness,
  opStep,
  param,
  plainRows,
  runSteps,
  stored,
  worstRow,
  type Harness,
} from './opHarness.ts'
import { pairwise } from './pairwise.ts'

const FORMATS: readonly LoadFormat[] = ['f32', 'f16', 'q8_0', 'q4_0']
const FEATURES = ['', 'f16-', 'subgroups-', 'f16-subgroups-', 'perthread-', 'f16-perthread-'] as const
const ACTIVATIONS = { silu, gelu: geluErf, gelu_tanh: geluTanh } as const
const ROWS = [1, 2, 3, 4, 5, 8, 19, 20, 21, 33]
const EPS = 1e-5

/** Runs every case on the harness its variant names; cases whose features the adapter lacks are left out. */
async function onHarnesses<C extends { features: string; workgroup: number }>(
  cases: readonly C[],
  run: (harness: Harness, c: C, seed: number) => Promise<number>,
): Promise<void> {
  const errors = await Promise.all(
    cases.map(async (c, seed) => {
      const harness = await openHarness(`${c.features}wg${c.workgroup}`)
      if (!harness) return null
      const error = await run(harness, c, seed)
      expect(error, JSON.stringify(c)).toBeLessThanOrEqual(F32)
      return error
    }),
  )
  expect(errors.some((error) => error !== null)).toBe(true)
}

test('embedding in every format, sharded or not, with learned positions, tokens from the sampler', async () => {
  const cases = pairwise({
    features: ['', 'f16-'] as const,
    workgroup: [32, 128],
    format: FORMATS,
    hidden: [32, 64, 192],
    learned: [false, true],
    shards: [false, true],
    rows: ROWS,
  })
  await onHarnesses(cases, async (harness, { format, hidden: even, learned, shards, rows }, seed) => {
    const random = randomSource(seed)
    // Rows of blocks are whole; those of floats may end inside a vec4.
    const hidden = format === 'f32' || format === 'f16' ? even + (seed % 4) : even
    const vocab = 53
    const table = random.normal(vocab * hidden)
    const places = random.normal(64 * hidden)
    const sampledTokens = Uint32Array.from({ length: 16 }, () => random.integer(vocab))
    const batch = plainRows(rows).map((row, i): BatchRow => {
      const token = i % 3 === 2 ? FROM_SAMPLER : ([vocab - 1, 0][i] ?? random.integer(vocab))
      return { ...row, token, slot: i % 16 }
    })
    const ids = batch.map(({ token, slot }) => (token === FROM_SAMPLER ? sampledTokens[slot]! : token))
    const { tensors, dispatches } = await runSteps(harness, {
      rows: rows + 2,
      batch,
      steps: [
        opStep('y', 'embed', {
          inputs: [],
          axes: features(rows + 2, hidden),
          params: [param('embed', 'matrix'), ...(learned ? [param('positions')] : [])],
          attrs: { scale: 1 },
        }),
      ],
      matrices: {
        embed: {
          format,
          cols: hidden,
          parts: [{ name: 'embed', data: table }],
          maxBytes: shards ? 64 + 9 * hidden * 5 : undefined,
        },
      },
      vectors: { positions: [places] },
      sampledTokens,
    })
    const expected = embedding(
      ids,
      stored(format, hidden, table),
      hidden,
      learned ? { table: places, positions: batch.map(({ position }) => position) } : undefined,
    )
    if (shards && format === 'f32') expect(dispatches).toBeGreaterThan(3)
    return worstRow(tensors.get('y')!, expected, rows, hidden)
  })
})

test('RMSNorm and LayerNorm, every pair of variant and shape', async () => {
  const cases = pairwise({
    op: ['rms_norm', 'layer_norm'] as const,
    features: FEATURES,
    workgroup: [32, 64, 128, 256],
    hidden: [4, 12, 33, 98, 192, 263, 1028],
    rows: [1, 3, 5, 8, 20, 33],
    offset: [0, 30],
    outliers: [false, true],
  })
  await onHarnesses(cases, async (harness, { op, hidden, rows, offset, outliers }, seed) => {
    const random = randomSource(seed)
    const x = outliers ? random.outliers(rows * hidden) : random.normal(rows * hidden)
    // A mean far from zero, where a one-pass variance would cancel; two passes lose the digits of the mean alone.
    for (let i = 0; i < x.length; i++) x[i]! += offset
    const [gain, bias] = [random.normal(hidden), random.normal(hidden)]
    const padded = (part: Float32Array): Float32Array => {
      const padded = new Float32Array(Math.ceil(hidden / 4) * 4)
      padded.set(part)
      return padded
    }
    const common = { inputs: ['x'], axes: features(rows + 1, hidden), params: [param('norm')] }
    const { tensors } = await runSteps(harness, {
      rows: rows + 1,
      batch: plainRows(rows),
      steps: [
        op === 'rms_norm'
          ? opStep('y', op, { ...common, attrs: { width: hidden, eps: EPS, offset: 0 } })
          : opStep('y', op, { ...common, attrs: { width: hidden, eps: EPS, biased: true } }),
      ],
      inputs: { x },
      vectors: { norm: [padded(gain), padded(bias)] },
    })
    const expected = op === 'rms_norm' ? rmsNorm(x, gain, EPS) : layerNorm(x, gain, bias, EPS)
    return worstRow(tensors.get('y')!, expected, rows, hidden)
  })
})

test('a bound on every element', async () => {
  await loadOps({
    steps: [opStep('y', 'clamp', { inputs: ['x'], axes: features(1, 4), attrs: { limit: 1 } })],
  })
  const cases = pairwise({
    features: FEATURES,
    workgroup: [32, 64, 128, 256],
    n: [4, 33, 100],
    limit: [0.3, 2.5],
    rows: ROWS,
  })
  await onHarnesses(cases, async (harness, { n, limit, rows }, seed) => {
    const x = randomSource(seed).normal(rows * n, 3)
    const { tensors } = await runSteps(harness, {
      rows: rows + 1,
      batch: plainRows(rows),
      steps: [opStep('y', 'clamp', { inputs: ['x'], axes: features(rows + 1, n), attrs: { limit } })],
      inputs: { x },
    })
    return worstRow(tensors.get('y')!, clamp(x, limit), rows, n)
  })
})

test('gate, activation and add', async () => {
  const cases = pairwise({
    op: ['gate', 'fused gate', 'activation', 'add'] as const,
    activation: ['silu', 'gelu', 'gelu_tanh'] as const,
    features: FEATURES,
    workgroup: [32, 64, 128, 256],
    n: [4, 8, 12, 36, 100, 260],
    rows: ROWS,
    outliers: [false, true],
  })
  await onHarnesses(cases, async (harness, { op, activation, n, rows, outliers }, seed) => {
    const random = randomSource(seed)
    const draw = (): Float32Array => (outliers ? random.outliers(rows * n) : random.normal(rows * n, 3))
    const [a, b] = [draw(), draw()]
    const both = new Float32Array(rows * 2 * n)
    for (let r = 0; r < rows; r++) {
      both.set(a.subarray(r * n, (r + 1) * n), r * 2 * n)
      both.set(b.subarray(r * n, (r + 1) * n), r * 2 * n + n)
    }
    const kind = op === 'fused gate' ? 'gate' : op
    const inputs = op === 'fused gate' ? ['both', 'both'] : op === 'activation' ? ['a'] : ['a', 'b']
    const common = { inputs, axes: features(rows + 1, n) }
    const step =
      kind === 'add'
        ? opStep('y', kind, { ...common, attrs: { scale: 1 } })
        : opStep('y', kind, { ...common, attrs: { activation } })
    const { tensors } = await runSteps(harness, {
      rows: rows + 1,
      batch: plainRows(rows),
      steps: [step],
      inputs: { a, b, both },
    })
    const activated = ACTIVATIONS[activation](a)
    const expected =
      op === 'add' ? add(a, b) : op === 'activation' ? activated : activated.map((value, i) => value * b[i]!)
    return worstRow(tensors.get('y')!, expected, rows, n)
  })
})

/** Table in the layout the kernels read, [positions, 2, rotary / 2], with the tables of the oracle. */
function rotation(rope: RopeTable, count: number) {
  const { cos, sin } = ropeTable(rope, count)
  const half = rope.rotary / 2
  const table = new Float32Array(count * rope.rotary)
  for (let p = 0; p < count; p++) {
    table.set(cos.subarray(p * half, (p + 1) * half), p * rope.rotary)
    table.set(sin.subarray(p * half, (p + 1) * half), p * rope.rotary + half)
  }
  return { table, tables: { cos, sin } }
}

test('rotary positions in both layouts, whole and part of a head', async () => {
  const cases = pairwise({
    layout: ['half', 'interleaved'] as const,
    part: [1, 0.5],
    features: [''] as const,
    workgroup: [32, 64, 128, 256],
    headDim: [8, 12, 20, 32, 64, 80, 96, 128, 256],
    heads: [1, 2, 3, 8],
    rows: ROWS,
  })
  await onHarnesses(cases, async (harness, { layout, part, headDim, heads, rows }, seed) => {
    const random = randomSource(seed)
    const rotaryDim = Math.floor((headDim * part) / 2) * 2
    const turned: RopeTable = { theta: 1e4, scaling: { kind: 'none' }, rotary: rotaryDim }
    const { table, tables } = rotation(turned, 512)
    const x = random.normal(rows * heads * headDim)
    const batch = plainRows(rows).map((row) => ({ ...row, position: random.integer(512) }))
    const { tensors } = await runSteps(harness, {
      rows: rows + 1,
      batch,
      steps: [
        opStep('y', 'rope', {
          inputs: ['x'],
          axes: features(rows + 1, heads * headDim),
          attrs: { headDim, layout, table: turned },
        }),
      ],
      inputs: { x },
      ropeTable: table,
    })
    const expected = rope(
      x,
      { heads, headDim, rotaryDim, layout },
      batch.map(({ position }) => position),
      tables,
    )
    return worstRow(tensors.get('y')!, expected, rows, heads * headDim)
  })
})
