import { describe, expect, test } from 'vitest'
import { trainDispatchesOf } from '../../src/ops/backward/index.ts'
import type { Activation, FoldedNorm, RopeTable } from '../../src/program/attrs.ts'
import type { Axis, Step } from '../../src/program/step.ts'
import type { BatchRow } from '../../src/run/batch.ts'
import { ropeTable } from '../../src/run/ropeTable.ts'
import { randomSource, type RandomSource } from '../random.ts'
import { geluErf, geluTanh, layerNorm, logSumExp, rmsNorm, rope, silu, type Numbers } from '../reference.ts'
import { maxRelative, vjp } from '../vjp.ts'
import {
  attended,
  features,
  openHarness,
  opStep,
  param,
  runSteps,
  type Harness,
  type OpRun,
} from './opHarness.ts'

/** Rules against differences of f64 references, beside the largest value: f32 sums stay far below. */
const RULE = 1e-4

const VARIANTS = ['wg64', 'perthread-wg32', 'subgroups-wg64'] as const

/** Runs on every variant the adapter has; the seed is the case's. */
async function onVariants(
  run: (harness: Harness, random: RandomSource) => Promise<void>,
  seed: number,
): Promise<void> {
  for (const name of VARIANTS) {
    const harness = await openHarness(name)
    if (harness) await run(harness, randomSource(seed))
  }
}

/** Texts one after the other. */
function textRows(lengths: readonly number[], counted: (row: number) => boolean = () => true): BatchRow[] {
  let n = 0
  return lengths.flatMap((length) =>
    Array.from({ length }, (_, position): BatchRow => {
      const row = { token: 0, position, pages: [], slot: 0 }
      const wanted = counted(n)
      n += 1
      const logits = {
        ringRow: 0,
        candidates: 1,
        inverseTemperature: 0,
        topK: 0,
        topP: 1,
        minP: 0,
        seed: [0, 0],
        counter: 0,
      } as const
      return wanted ? { ...row, logits } : row
    }),
  )
}

function run(harness: Harness, parts: Omit<OpRun, 'dispatchesOf'>) {
  return runSteps(harness, { ...parts, dispatchesOf: trainDispatchesOf })
}

/** A step's output, of the rows there are. */
function output(result: Awaited<ReturnType<typeof run>>, name: string, count: number): Float32Array {
  return result.tensors.get(name)!.subarray(0, count)
}

const relu = (x: Numbers): Float64Array => Float64Array.from(x, (v) => Math.max(v, 0))
const ACTIVATIONS: Readonly<Record<Activation, (x: Numbers) => Float64Array>> = {
  silu,
  gelu: geluErf,
  gelu_tanh: geluTanh,
  gelu_sigmoid: (x) => Float64Array.from(x, (v) => v / (1 + Math.exp(-1.702 * v))),
  relu,
  relu_squared: (x) => relu(x).map((v) => v * v),
  sigmoid: (x) => Float64Array.from(x, (v) => 1 / (1 + Math.exp(-v))),
}

describe('norms', () => {
  const cases: readonly [FoldedNorm['kind'], number, number, number][] = [
    ['rms_norm', 36, 1, 5],
    ['rms_norm', 10, 3, 4],
    ['layer_norm', 44, 1, 3],
    ['layer_norm', 6, 2, 5],
  ]
  test.each(cases)('%s over runs of %i, %i of them in each of %i rows', async (kind, width, groups, rows) => {
    await onVariants(async (harness, random) => {
      const all = width * groups
      const [x, dy, g, b] = [rows * all, rows * all, width, width].map((count) => random.normal(count))
      const norm: FoldedNorm =
        kind === 'rms_norm' ? { kind, width, eps: 1e-5, offset: 1 } : { kind, width, eps: 1e-5, biased: true }
      const step = opStep('dx', 'norm_dx', {
        inputs: ['x', 'dy'],
        attrs: { norm },
        axes: features(rows + 1, all),
        params: [{ ...param('g'), shape: [width] }],
      })
      const result = await run(harness, {
        rows: rows + 1,
        batch: textRows([rows]),
        steps: [step],
        inputs: { x: x!, dy: dy! },
        vectors: { g: [g!] },
      })
      const weights = g!.map((value) => value + (kind === 'rms_norm' ? 1 : 0))
      const forward = (values: Float64Array): Float64Array =>
        kind === 'rms_norm' ? rmsNorm(values, weights, 1e-5) : layerNorm(values, weights, b!, 1e-5)
      expect(maxRelative(output(result, 'dx', rows * all), vjp(forward, x!, dy!))).toBeLessThan(RULE)
    }, width)
  })
})

describe('rotations', () => {
  test.each([
    ['half', 12, 8, 3],
    ['interleaved', 10, 10, 2],
  ] as const)('%s, heads of %i of which %i turn', async (layout, headDim, rotary, heads) => {
    await onVariants(async (harness, random) => {
      const lengths = [5, 3]
      const rows = 8
      const table: RopeTable = { theta: 100, scaling: { kind: 'none' }, rotary }
      const dy = random.normal(rows * heads * headDim)
      const { cos, sin } = ropeTable(table, 8)
      const half = rotary / 2
      const packed = new Float32Array(8 * rotary)
      for (let p = 0; p < 8; p++) {
        packed.set(cos.subarray(p * half, (p + 1) * half), p * rotary)
        packed.set(sin.subarray(p * half, (p + 1) * half), p * rotary + half)
      }
      const axes = features(rows, heads * headDim)
      const step = opStep('dx', 'rope_dx', { inputs: ['dy'], attrs: { headDim, layout, table }, axes })
      const result = await run(harness, {
        rows,
        batch: textRows(lengths),
        steps: [step],
        inputs: { dy },
        ropeTable: packed,
      })
      const positions = lengths.flatMap((length) => Array.from({ length }, (_, i) => i))
      const shape = { heads, headDim, rotaryDim: rotary, layout }
      const expected = vjp((x) => rope(x, shape, positions, { cos, sin }), random.normal(dy.length), dy)
      expect(maxRelative(output(result, 'dx', dy.length), expected)).toBeLessThan(RULE)
    }, headDim)
  })
})

describe('activations', () => {
  test.each(Object.keys(ACTIVATIONS) as Activation[])('%s, alone and in a gate', async (activation) => {
    const act = ACTIVATIONS[activation]
    await onVariants(async (harness, random) => {
      const [rows, n] = [3, 37]
      // Kinks of relu stay a difference away.
      const away = (values: Float32Array): Float32Array => values.map((v) => (Math.abs(v) < 1e-3 ? 0.1 : v))
      const [x, up, dy] = [away(random.normal(rows * n, 3)), random.normal(rows * n), random.normal(rows * n)]
      const axes = features(rows, n)
      const steps = [
        opStep('act', 'activation_dx', { inputs: ['dy', 'x'], attrs: { activation }, axes }),
        opStep('gate', 'gate_dx', { inputs: ['dy', 'x', 'up'], attrs: { activation, of: 'gate' }, axes }),
        opStep('up.dx', 'gate_dx', { inputs: ['dy', 'x', 'up'], attrs: { activation, of: 'up' }, axes }),
      ]
      const inputs = { x, up, dy }
      const result = await run(harness, { rows, batch: textRows([rows]), steps, inputs })
      const gated = (gate: Numbers, other: Numbers): Float64Array => act(gate).map((v, i) => v * other[i]!)
      expect(maxRelative(output(result, 'act', rows * n), vjp(act, x, dy))).toBeLessThan(RULE)
      expect(
        maxRelative(
          output(result, 'gate', rows * n),
          vjp((g) => gated(g, up), x, dy),
        ),
      ).toBeLessThan(RULE)
      expect(
        maxRelative(
          output(result, 'up.dx', rows * n),
          vjp((u) => gated(x, u), up, dy),
        ),
      ).toBeLessThan(RULE)
    }, 7)
  })
})

interface Heads {
  lengths: readonly number[]
  heads: number
  kvHeads: number
  headDim: number
  window: number | null
  softcap: number | null
}

/** Attention of every text over itself, in loops. */
function attentionOf(
  { lengths, heads, kvHeads, headDim, window, softcap }: Heads,
  q: Numbers,
  k: Numbers,
  v: Numbers,
) {
  const y = new Float64Array(q.length)
  const scale = 0.3
  let begin = 0
  for (const length of lengths) {
    for (let r = 0; r < length; r++)
      for (let h = 0; h < heads; h++) {
        const kv = Math.floor((h * kvHeads) / heads)
        const first = window === null ? 0 : Math.max(0, r - window + 1)
        const scores = Array.from({ length: r - first + 1 }, (_, i) => {
          let sum = 0
          for (let d = 0; d < headDim; d++)
            sum +=
              q[((begin + r) * heads + h) * headDim + d]! *
              k[((begin + first + i) * kvHeads + kv) * headDim + d]!
          return softcap === null ? scale * sum : softcap * Math.tanh((scale * sum) / softcap)
        })
        const lse = logSumExp(scores)
        scores.forEach((score, i) => {
          for (let d = 0; d < headDim; d++)
            y[((begin + r) * heads + h) * headDim + d]! +=
              Math.exp(score - lse) * v[((begin + first + i) * kvHeads + kv) * headDim + d]!
        })
      }
    begin += length
  }
  return y
}

describe('attention', () => {
  const cases: readonly Heads[] = [
    { lengths: [7], heads: 2, kvHeads: 2, headDim: 6, window: null, softcap: null },
    { lengths: [3, 6, 1], heads: 6, kvHeads: 2, headDim: 10, window: null, softcap: null },
    { lengths: [9, 4], heads: 4, kvHeads: 1, headDim: 8, window: 3, softcap: null },
    { lengths: [2, 7], heads: 3, kvHeads: 3, headDim: 5, window: 4, softcap: 1.5 },
  ]
  test.each(cases)(
    '$lengths rows, $heads heads over $kvHeads of $headDim, window $window, cap $softcap',
    async (c) => {
      await onVariants(async (harness, random) => {
        const { heads, kvHeads, headDim, window, softcap } = c
        const count = c.lengths.reduce((sum, length) => sum + length, 0)
        const [rows, longest] = [count + 3, Math.max(...c.lengths)]
        const [q, dy] = [random.normal(count * heads * headDim), random.normal(count * heads * headDim)]
        const [k, v] = [random.normal(count * kvHeads * headDim), random.normal(count * kvHeads * headDim)]
        const square = attended(heads, rows, longest)
        const [wide, narrow] = [features(rows, heads * headDim), features(rows, kvHeads * headDim)]
        const dense = { heads, kvHeads, headDim, window }
        const scaled = { ...dense, scale: 0.3 }
        const cap: Step[] =
          softcap === null
            ? []
            : [
                opStep('dcap', 'softcap_dx', {
                  inputs: ['ds', 's'],
                  attrs: { softcap, window },
                  axes: square,
                }),
              ]
        const ds = softcap === null ? 'ds' : 'dcap'
        const steps = [
          opStep('s', 'dense_scores', { inputs: ['q', 'k'], attrs: { ...scaled, softcap }, axes: square }),
          opStep('p', 'dense_softmax', { inputs: ['s'], attrs: { window }, axes: square }),
          opStep('y', 'dense_context', { inputs: ['p', 'v'], attrs: dense, axes: wide }),
          opStep('dp', 'context_dprobs', { inputs: ['dy', 'v'], attrs: dense, axes: square }),
          opStep('dv', 'context_dv', { inputs: ['p', 'dy'], attrs: dense, axes: narrow }),
          opStep('ds', 'softmax_dx', { inputs: ['dp', 'p'], attrs: { window }, axes: square }),
          ...cap,
          opStep('dq', 'scores_dq', { inputs: [ds, 'k'], attrs: scaled, axes: wide }),
          opStep('dk', 'scores_dk', { inputs: [ds, 'q'], attrs: scaled, axes: narrow }),
        ]
        const batch = textRows(c.lengths)
        const result = await run(harness, { rows, positions: longest, batch, steps, inputs: { q, k, v, dy } })
        const got = (name: string, like: Float32Array): Float32Array => output(result, name, like.length)
        expect(maxRelative(got('y', q), attentionOf(c, q, k, v))).toBeLessThan(RULE)
        expect(
          maxRelative(
            got('dq', q),
            vjp((x) => attentionOf(c, x, k, v), q, dy),
          ),
        ).toBeLessThan(RULE)
        expect(
          maxRelative(
            got('dk', k),
            vjp((x) => attentionOf(c, q, x, v), k, dy),
          ),
        ).toBeLessThan(RULE)
        expect(
          maxRelative(
            got('dv', v),
            vjp((x) => attentionOf(c, q, k, x), v, dy),
          ),
        ).toBeLessThan(RULE)
      }, c.headDim)
    },
  )
})

describe('the loss over a vocabulary in tiles', () => {
  test.each([
    [53, 53, null],
    [101, 32, null],
    [77, 40, 2.5],
  ])('%i ids, %i a tile, cap %s', async (vocab, size, softcap) => {
    await onVariants(async (harness, random) => {
      const rows = 6
      const isCounted = (row: number): boolean => row % 4 !== 1
      const counted = [0, 2, 3, 4]
      const scale = softcap === null ? 1 : 0.5
      const raw = random.normal(counted.length * vocab, 3)
      const targets = Uint32Array.from(counted, () => random.integer(vocab))
      const capped = (z: Numbers): Float64Array =>
        Float64Array.from(z, (v) => (softcap === null ? v : softcap * Math.tanh((scale * v) / softcap)))
      const tiles = Array.from({ length: Math.ceil(vocab / size) }, (_, i) => ({
        begin: i * size,
        end: Math.min(vocab, (i + 1) * size),
      }))
      const y = capped(raw)
      const rowAxis: Axis = { kind: 'rows', size: counted.length }
      const steps: Step[] = []
      const inputs: Record<string, Float32Array | Uint32Array> = { targets, control: Float32Array.of(1 / 7) }
      for (const [i, tile] of tiles.entries()) {
        inputs[`y${i}`] = Float32Array.from(
          counted.flatMap((_, r) => [...y.subarray(r * vocab + tile.begin, r * vocab + tile.end)]),
        )
        steps.push(
          opStep(`state${i}`, 'loss_fold', {
            inputs: i === 0 ? ['y0'] : [`y${i}`, `state${i - 1}`],
            attrs: tile,
            axes: [rowAxis, { kind: 'features', size: 4 }],
            rows: 'packed',
          }),
        )
      }
      const last = `state${tiles.length - 1}`
      for (const [i, tile] of tiles.entries())
        steps.push(
          opStep(`dy${i}`, 'logits_dy', {
            inputs: [`y${i}`, last],
            attrs: { ...tile, scale, softcap },
            axes: [rowAxis, { kind: 'vocabulary', size: tile.end - tile.begin }],
            rows: 'packed',
          }),
        )
      steps.push(opStep('loss', 'loss', { inputs: [last], attrs: {}, axes: [rowAxis], rows: 'packed' }))
      const batch = textRows([rows], (row) => isCounted(row) && row < 5)
      const result = await run(harness, { rows, logitRows: counted.length, batch, steps, inputs })
      const losses = (z: Numbers): Float64Array => {
        const logits = capped(z)
        return Float64Array.from(counted, (_, r) => {
          const row = logits.subarray(r * vocab, (r + 1) * vocab)
          return logSumExp(row) - row[targets[r]!]!
        })
      }
      expect(maxRelative(output(result, 'loss', counted.length), losses(raw))).toBeLessThan(RULE)
      const expected = vjp(
        losses,
        raw,
        counted.map(() => 1 / 7),
      )
      const got = new Float32Array(expected.length)
      for (const [i, { begin, end }] of tiles.entries())
        counted.forEach((_, r) =>
          got.set(
            result.tensors.get(`dy${i}`)!.subarray(r * (end - begin), (r + 1) * (end - begin)),
            r * vocab + begin,
          ),
        )
      expect(maxRelative(got, expected)).toBeLessThan(RULE)
    }, vocab)
  })
})
