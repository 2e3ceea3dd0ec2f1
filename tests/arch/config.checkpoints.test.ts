import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openCheckpoint } from '../../src/formats/checkpoint.ts'
import { nodeFolderSource } from '../../src/sources/nodeFolder.ts'
import { parseStrictJson } from '../../src/formats/strictJson.ts'
import type { TensorInfo } from '../../src/formats/tensors.ts'
import { parseSpec } from '../../src/arch/index.ts'
import { listWeights, type DecoderSpec } from '../../src/arch/spec.ts'

const SHARED = resolve(process.env['TOKENSCOPE_SHARED'] ?? join(import.meta.dirname, '../../../shared'))
const FIXTURES = join(import.meta.dirname, '../fixtures/models')

async function open(folder: string, config = 'config.json'): Promise<DecoderSpec> {
  const { tensors } = await openCheckpoint(nodeFolderSource(folder))
  return parseSpec(parseStrictJson(readFileSync(join(folder, config)), config), tensors)
}

/** Every weight lies inside its tensor, and every tensor is used in full. */
function expectCovered(spec: DecoderSpec, tensors: ReadonlyMap<string, TensorInfo>): void {
  const used = new Map<string, number>()
  for (const { ref } of listWeights(spec)) {
    used.set(ref.tensor, (used.get(ref.tensor) ?? 0) + ref.shape.reduce((a, b) => a * b, 1))
  }
  for (const [name, { shape }] of tensors) {
    if (/attn\.(bias|masked_bias)$/.test(name)) continue
    expect(`${name}: ${used.get(name)}`).toBe(`${name}: ${shape.reduce((a, b) => a * b, 1)}`)
  }
  expect(spec.parameters).toBe([...used.values()].reduce((a, b) => a + b))
}

describe('checkpoints written by Transformers', () => {
  const folders = existsSync(FIXTURES) ? readdirSync(FIXTURES).map((name) => ({ name })) : []

  test.each(folders)('$name: every tensor has its place, in both config spellings', async ({ name }) => {
    const at = join(FIXTURES, name)
    const { tensors } = await openCheckpoint(nodeFolderSource(at))
    const spec = await open(at)
    expectCovered(spec, tensors)
    expect(spec.warnings).toEqual([])
    if (existsSync(join(at, 'config.transformers4.json'))) {
      expect(await open(at, 'config.transformers4.json')).toEqual(spec)
    }
  })
})

describe('real models', () => {
  const at = join(SHARED, 'models')
  const missing = existsSync(at) ? '' : 'skipped: needs shared data'

  test.for([
    {
      model: 'stories260K',
      expected: {
        heads: 8,
        kvHeads: 4,
        headDim: 8,
        tiedHead: true,
        storedAs: 'F32',
        parameters: 260_032,
        bosId: 1,
        eosIds: [2],
      },
    },
    {
      model: 'tales-stand-in',
      expected: {
        heads: 6,
        kvHeads: 3,
        headDim: 32,
        tiedHead: true,
        storedAs: 'F16',
        parameters: 3_221_952,
        bosId: 0,
        eosIds: [0],
      },
    },
    {
      model: 'gpt-nano-sort',
      expected: {
        heads: 3,
        kvHeads: 3,
        headDim: 16,
        tiedHead: false,
        storedAs: 'F32',
        parameters: 85_728,
        bosId: null,
        eosIds: [],
        activation: 'gelu_tanh',
        maxPositions: 11,
      },
    },
  ])('$model', async ({ model, expected }, context) => {
    if (missing) return context.skip(missing)
    const spec = await open(join(at, model))
    expect(spec).toMatchObject(expected)
    expect(spec.warnings).toEqual([])
    expectCovered(spec, (await openCheckpoint(nodeFolderSource(join(at, model)))).tensors)
  })

  test('gpt-nano-sort takes q, k and v from c_attn', async (context) => {
    if (missing) return context.skip(missing)
    const layer = (await open(join(at, 'gpt-nano-sort'))).weights.layers[1]
    const tensor = 'transformer.h.1.attn.c_attn.weight'
    expect(layer?.q.weight).toEqual({ tensor, layout: 'in_out', rows: [0, 48], shape: [48, 48] })
    expect(layer?.v.weight).toEqual({ tensor, layout: 'in_out', rows: [96, 144], shape: [48, 48] })
    expect(layer?.k.bias).toEqual({
      tensor: 'transformer.h.1.attn.c_attn.bias',
      layout: 'out_in',
      rows: [48, 96],
      shape: [48],
    })
    expect(layer?.gate).toBeNull()
  })
})
