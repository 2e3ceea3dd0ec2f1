import { renderToStaticMarkup } from 'react-dom/server'
import { describe, expect, test } from 'vitest'
import type { Attrs, Axis, OpName, StepInfo, TensorData } from '../../src/api/model.ts'
import type { TensorCell } from '../../src/ui/views/steps/store.ts'
import { loadViewMessages, translator } from '../../src/ui/words/index.ts'
import { explain, lawOf, type ExplainRequest } from '../../src/ui/views/steps/ops/index.ts'
import { sumOf } from '../../src/ui/views/steps/ops/sums.ts'
import { formatConstant, formatValue } from '../../src/ui/views/steps/numbers.ts'
import { layoutOf, peakColumn } from '../../src/ui/views/steps/shape.ts'
import { aboutStep, roleName } from '../../src/ui/views/steps/describe.ts'
import { adaptedSteps, recordedSteps } from './recordedSteps.ts'

await loadViewMessages()
const t = translator('en')

const HEADS = { heads: 2, kvHeads: 1, headDim: 4 }
const ROWS = 3
const PLAIN = { scale: 0.5, softcap: null, window: null }

function stepOf<O extends OpName>(op: O, attrs: Attrs[O], width: number): StepInfo {
  const rows: Axis = { kind: 'rows', size: ROWS }
  const square: Axis[] = [{ kind: 'heads', size: 2 }, rows, { kind: 'positions', size: ROWS }]
  const isSquare = op === 'scores' || op === 'softmax'
  const axes = isSquare ? square : [rows, { kind: 'features', size: width } as const]
  return {
    name: `layers.0.${op}`,
    op,
    aliases: [],
    layer: 0,
    attrs,
    axes,
    stream: null,
    inputs: ['a', 'b'],
    params: [],
    output: { shape: axes.map(({ size }) => size), dtype: 'f32' },
    flops: 0,
    bytes: 0,
    formula: '',
    wgsl: '',
    coveredBy: null,
  }
}

/** The facts of a cell, by default of row 1, column 0. */
function factsOf<O extends OpName>(
  op: O,
  attrs: Attrs[O],
  values: readonly number[],
  rest: Partial<ExplainRequest>,
): object | undefined {
  return explained(op, attrs, values, rest)?.facts
}

function explained<O extends OpName>(
  op: O,
  attrs: Attrs[O],
  values: readonly number[],
  rest: Partial<ExplainRequest>,
) {
  const base = { inputs: [], cache: null, cell: at(1, 0), ids: [5, 6, 7], weights: null }
  const step = stepOf(op, attrs, values.length)
  return explain({ step, values: Float32Array.from(values), ...base, ...rest })
}

const at = (row: number, col: number, slice = 0): TensorCell => ({ slice, row, col })
const row = (...values: number[]) => Float32Array.from(values)
const textOf = (...[markup]: Parameters<typeof renderToStaticMarkup>) =>
  renderToStaticMarkup(markup).replace(/<[^>]*>/g, '')

/** K = 10·position + dim, V = 100 + position. */
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

describe('products', () => {
  const weights = { weights: row(2, -1, 0.5), bias: 1 }
  const inputs = [row(1, 2, 4), row(0)]

  test('are their terms, the bias, and what adapters add', () => {
    const attrs = { matrix: 'q', scale: 1, softcap: null, lora: 'q' }
    expect(factsOf('linear', attrs, [9], { inputs, weights })).toMatchObject({
      bias: 1,
      adapters: 6,
      value: 9,
      sum: { total: 2 },
    })
  })

  test('under a soft cap say what it was before', () => {
    const capped = 5 * Math.tanh(3 / 5)
    const how = explained('linear', { matrix: 'logits', scale: 1, softcap: 5 }, [capped], { inputs, weights })
    expect(how?.facts).toMatchObject({ adapters: null, softcap: 5 })
    expect(how?.remarks).toEqual([{ key: 'formula.softcap', values: { cap: '5', raw: '3.0000' } }])
    const added = 5 * Math.tanh(4 / 5)
    const attrs = { matrix: 'logits', scale: 1, softcap: 5, lora: 'logits' }
    const { adapters } = factsOf('linear', attrs, [added], { inputs, weights }) as { adapters: number }
    expect(adapters).toBeCloseTo(1, 6)
  })
})

describe('norms', () => {
  test('show what they divide by', () => {
    const rms = factsOf('rms_norm', { width: 2, eps: 0.5, offset: 0 }, [2, 3], { inputs: [row(3, 4)] })
    expect(rms).toMatchObject({ meanSquare: 12.5, normal: 3 / Math.sqrt(13), head: null })
    const layer = factsOf('layer_norm', { width: 2, eps: 3, biased: true }, [2, 0], { inputs: [row(1, 3)] })
    expect(layer).toMatchObject({ mean: 2, variance: 1, normal: -0.5 })
  })

  test('of heads average the features of the head alone', () => {
    const inputs = [row(3, 4, 30, 40)]
    const attrs = { width: 2, eps: 0, offset: 0 }
    const how = explained('rms_norm', attrs, [1, 1, 1, 1], { inputs, cell: at(1, 2) })
    expect(how?.facts).toMatchObject({ meanSquare: 1250, head: 1 })
    expect(how?.remarks.at(-1)).toEqual({ key: 'formula.ofHead', values: { head: 1, width: 2 } })
  })

  test('that store their weight less one add it back', () => {
    const attrs = { width: 2, eps: 0, offset: 1 }
    const how = explained('rms_norm', attrs, [2 * (3 / Math.sqrt(12.5)), 1], { inputs: [row(3, 4)] })
    expect(textOf(lawOf(stepOf('rms_norm', attrs, 2)))).toContain('(1+gi)')
    expect(textOf(how?.numbers)).toContain('(1+1.0000)')
  })
})

describe('a rotation', () => {
  const table = { theta: 10_000, scaling: { kind: 'none' }, rotary: 4 } as const
  const cos = Math.cos(0.5)
  const sin = Math.sin(0.5)

  test.each([
    ['half', [cos, 0, sin, 0], 2],
    ['interleaved', [cos, sin, 0, 0], 1],
  ] as const)('pairs dimensions as its layout says: %s', (layout, after, partner) => {
    const attrs = { headDim: 4, layout, table }
    const facts = factsOf('rope', attrs, after, { inputs: [row(1, 0, 0, 0)] }) as { angle: number }
    expect(facts).toMatchObject({ kind: 'turned', dim: 0, partner, first: true })
    expect(facts.angle).toBeCloseTo(0.5, 6)
  })

  test('leaves position 0 and the dimensions behind those that turn as they are', () => {
    const attrs = { headDim: 4, layout: 'half', table: { ...table, rotary: 2 } } as const
    const inputs = [row(1, 2, 3, 4)]
    const first = explained('rope', attrs, [1, 2, 3, 4], { inputs, cell: at(0, 1) })
    expect(first?.remarks).toEqual([{ key: 'formula.still' }])
    const beyond = explained('rope', attrs, [1, 2, 3, 4], { inputs, cell: at(1, 2) })
    expect(beyond?.remarks).toEqual([{ key: 'formula.unrotated', values: { rotary: 2 } }])
  })
})

describe('scores', () => {
  const q = row(1, 1, 1, 1, 2, 0, 0, 0)
  const values = [23, 0, 0, 10, 0, 0]
  const request = (cell: TensorCell) => ({ inputs: [q], cache: CACHE, cell })

  test('compare the head’s query with the key of their column', () => {
    const first = factsOf('scores', { ...HEADS, ...PLAIN }, values, request(at(1, 0)))
    expect(first).toMatchObject({ masked: null, scale: 0.5, sum: { total: 6 } })
    const second = factsOf('scores', { ...HEADS, ...PLAIN }, values, request(at(1, 2, 1)))
    expect(second).toMatchObject({ masked: 'ahead', sum: { total: 40 } })
  })

  test('say their scale and cap as the model has them', () => {
    const law = (scale: number, softcap: number | null) =>
      textOf(lawOf(stepOf('scores', { ...HEADS, scale, softcap, window: null }, 8)))
    expect(law(1 / 8, null)).toBe('st=q·kt64')
    expect(law(1, null)).toBe('st=q·kt')
    expect(law(0.3, null)).toBe('st=0.3·(q·kt)')
    expect(law(1 / Math.sqrt(14), 4)).toBe('st=4·tanh(q·kt144)')
    const how = explained(
      'scores',
      { ...HEADS, scale: 0.5, softcap: 4, window: 2 },
      values,
      request(at(2, 0)),
    )
    expect(how?.remarks).toEqual([
      { key: 'formula.softcap', values: { cap: '4', raw: '3.0000' } },
      { key: 'formula.drops.window', values: { window: 2 } },
    ])
  })
})

describe('attention', () => {
  const scores = row(0, Math.log(3), 50, 0, 0, 0)

  test('leaves out what lies ahead', () => {
    const facts = factsOf('softmax', { window: null }, [0.25, 0.75, 0, 0, 0, 0], { inputs: [scores] })
    expect(facts).toMatchObject({ count: 2, masked: null })
    const { exp, total, value } = facts as { exp: number; total: number; value: number }
    expect(exp / total).toBeCloseTo(value, 6)
    const ahead = explained('softmax', { window: null }, [0, 0, 0, 0, 0, 0], {
      inputs: [scores],
      cell: at(1, 2),
    })
    expect(ahead?.remarks).toEqual([{ key: 'formula.zero.ahead', values: { window: 0 } }])
  })

  test('leaves out what its window has passed', () => {
    const passed = explained('softmax', { window: 1 }, [0, 1, 0, 0, 0, 0], { inputs: [scores] })
    expect(passed?.remarks).toEqual([{ key: 'formula.zero.window', values: { window: 1 } }])
    const own = factsOf('softmax', { window: 1 }, [0, 1, 0, 0, 0, 0], { inputs: [scores], cell: at(1, 1) })
    expect(own).toMatchObject({ count: 1, total: 1, masked: null })
    expect(textOf(lawOf(stepOf('softmax', { window: 1 }, 6)))).toContain('position − 1 &lt; u ≤ position')
  })

  test('weighs the values of the positions it sees', () => {
    const probs = row(0.25, 0.75, 0, 0.5, 0.5, 0)
    const request = { inputs: [probs], cache: CACHE, cell: at(1, 4) }
    const all = factsOf('context', { ...HEADS, window: null }, [0, 0, 0, 0, 100.5, 0, 0, 0], request)
    expect(all).toMatchObject({ sum: { total: 100.5 } })
    const near = factsOf('context', { ...HEADS, window: 1 }, [0, 0, 0, 0, 50.5, 0, 0, 0], request)
    expect(near).toMatchObject({ sum: { total: 50.5, terms: [{ index: 1 }] } })
  })

  test('a row’s strongest cell is one that it sees', () => {
    const step = stepOf('softmax', { window: 2 }, 3)
    const layout = layoutOf(step)
    expect(layout.mask).toEqual({ window: 2 })
    expect(peakColumn(layout, row(9, 1, 2, 0, 0, 0), 0, 2)).toBe(2)
    expect(peakColumn(layout, row(1, 9, 9, 0, 0, 0), 0, 0)).toBe(0)
  })
})

test('gates and activations name what they apply', () => {
  const how = explained('gate', { activation: 'silu' }, [1], { inputs: [row(2), row(3)] })
  expect(how?.facts).toMatchObject({ activation: 'silu', gate: 2, up: 3 })
  const { activated } = (how?.facts ?? {}) as { activated?: number }
  expect(activated).toBeCloseTo(2 / (1 + Math.exp(-2)), 6)
  expect(textOf(how?.numbers)).toContain('SiLU')
})

test('an embedding says its scale, and a second table', async () => {
  const scaled = factsOf('embed', { scale: 7 }, [14, 0], {})
  expect(scaled).toMatchObject({ token: 6, scale: 7, learned: false })
  const [gpt2] = await recordedSteps('gpt2')
  expect(textOf(lawOf(gpt2!))).toBe('x=Etoken+Pposition')
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

test.each([
  [50, '50'],
  [1e-6, '0.000001'],
  [1e-8, '1e−8'],
  [Math.sqrt(48), '6.928'],
])('the constant %d is written %s', (value, text) => {
  expect(formatConstant(value)).toBe(text)
})

describe('words', () => {
  test('adapters’ steps go by their op, parts of a replaced module as the module', async () => {
    const steps = await adaptedSteps('llama', ['layers.0.mlp.gate'])
    const named = (name: string) => steps.find((step) => step.name === name)!
    expect(roleName(t, steps, named('layers.0.attn.q_k_v.lora_a'))).toBe(t('role.lora_a'))
    expect(aboutStep(t, steps, named('layers.0.mlp.gate.base'))).toBe(t('about.gate'))
    expect(aboutStep(t, steps, named('final_norm'))).toBe(t('about.final_norm'))
  })

  test('an unknown op has words of its own kind, an unknown place those of its op', () => {
    const novel = { name: 'novel', op: 'novel', layer: null, inputs: [], axes: [] }
    expect(aboutStep(t, [novel], novel)).toBe(t('about.other'))
    const stray = stepOf('linear', { matrix: 'stray', scale: 1, softcap: null }, 4)
    expect(aboutStep(t, [stray], stray)).toBe(t('about.linear'))
  })

  test.each(['qwen3', 'gemma2', 'gemma3', 'gpt2'])(
    'every step of %s has words in both languages',
    async (name) => {
      const steps = await recordedSteps(name)
      for (const step of steps) {
        expect(roleName(t, steps, step), step.name).not.toMatch(/^$|compute/)
        expect(aboutStep(t, steps, step), step.name).not.toMatch(/[{}]|undefined/)
      }
    },
  )

  test('say what of a step is this model’s own', async () => {
    const steps = await recordedSteps('gemma2')
    const about = (name: string) =>
      aboutStep(
        t,
        steps,
        steps.find((step) => step.name === name)!,
      )
    expect(about('embed')).toContain('multiplied by 6.928')
    expect(about('layers.0.attn.scores')).toContain('between −4 and 4')
    expect(about('layers.0.attn.scores')).toContain('12 positions')
    expect(about('layers.1.attn.scores')).not.toContain('12 positions')
    expect(about('layers.0.attn_post_norm')).toContain('less 1')
    expect(about('layers.0.attn.q_rope')).toContain('θ = 10000')
    expect(about('logits')).toContain('between −5 and 5')
  })
})
