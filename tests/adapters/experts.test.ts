import { describe, expect, test } from 'vitest'
import { combineAdapters } from '../../src/adapters/combine.ts'
import { loadParts, readBase, type Parts } from './fixture.ts'

const { model } = await readBase('qwen3-moe')
/** Layer 1 has 7 experts of 20 × 32; layer 0 is dense. */
const AT = 'base_model.model.model.layers.1.mlp.experts'

const tensor = (...shape: number[]): Parts['tensors'][string] => ({
  shape,
  values: Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, n) =>
    Math.sin(n + 1),
  ),
})

/** Rank 2 on gate and up, rank 3 on down. */
const good = (fields: Record<string, unknown> = {}, tensors: Parts['tensors'] = {}): Parts => ({
  config: {
    peft_type: 'LORA',
    r: 2,
    lora_alpha: 4,
    target_modules: [],
    target_parameters: ['experts.gate_up_proj', 'down_proj'],
    rank_pattern: { 'experts.down_proj': 3 },
    ...fields,
  },
  tensors: {
    [`${AT}.base_layer.lora_A.weight`]: tensor(14, 32),
    [`${AT}.base_layer.lora_B.weight`]: tensor(40, 14),
    [`${AT}.lora_A.weight`]: tensor(21, 20),
    [`${AT}.lora_B.weight`]: tensor(32, 21),
    ...tensors,
  },
})

test('low ranks on parameters of experts become those of the products', async () => {
  const parsed = await loadParts(good(), model)
  expect(parsed.modules).toEqual([])
  expect(
    parsed.experts?.map(({ step, source, experts, rank, scaling }) => ({
      step,
      source,
      experts,
      rank,
      scaling,
    })),
  ).toEqual([
    {
      step: 'layers.1.mlp.gate',
      source: 'model.layers.1.mlp.experts.gate_up_proj',
      experts: 7,
      rank: 2,
      scaling: 2,
    },
    {
      step: 'layers.1.mlp.up',
      source: 'model.layers.1.mlp.experts.gate_up_proj',
      experts: 7,
      rank: 2,
      scaling: 2,
    },
    {
      step: 'layers.1.mlp.down',
      source: 'model.layers.1.mlp.experts.down_proj',
      experts: 7,
      rank: 3,
      scaling: 4 / 3,
    },
  ])
  // B[o, r, e] of the file: output 20 + n of both is output n of up.
  const [gate, up] = parsed.experts ?? []
  const at = (o: number, r: number, e: number): number => Math.fround(Math.sin((o * 2 + r) * 7 + e + 1))
  expect(gate?.b[(3 * 20 + 5) * 2 + 1]).toBe(at(5, 1, 3))
  expect(up?.b[(6 * 20 + 19) * 2]).toBe(at(39, 0, 6))
  expect(parsed.report.features).toContain('target_parameters')
  expect(parsed.report.matched.map(({ shapes }) => shapes.a)).toEqual([
    [14, 32],
    [14, 32],
    [21, 20],
  ])
  expect(() => combineAdapters([{ adapter: parsed, scale: 1 }], { baseModel: null })).toThrow(/experts/)
})

describe('what does not fit is refused by name', () => {
  const cases: readonly [string, Parts, RegExp][] = [
    [
      'an entry that names nothing',
      good({ target_parameters: ['gate_up_proj', 'down_proj', 'w2'] }),
      /target_parameters is "w2"/,
    ],
    [
      'a parameter that is no target',
      good({ target_parameters: ['down_proj'] }),
      /base_layer\.lora_A.*cannot be used/,
    ],
    [
      'another rank',
      good({ r: 4 }),
      /base_layer\.lora_A\.weight: the shape is \[14, 32\], expected \[28, 32\]/,
    ],
    ['magnitudes beside', good({ use_dora: true }), /use_dora/],
    [
      'experts of another layer',
      good({}, { [`${AT.replace('1', '0')}.lora_A.weight`]: tensor(21, 20) }),
      /layers\.0\.mlp\.experts/,
    ],
    ['no factor B', good({}, { [`${AT}.lora_B.weight`]: tensor(32, 20) }), /lora_B\.weight: the shape/],
  ]
  test.each(cases)('%s', async (_, parts, message) => {
    await expect(loadParts(parts, model)).rejects.toThrow(message)
  })
})
