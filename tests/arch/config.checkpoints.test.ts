import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openCheckpoint } from '../../src/formats/checkpoint.ts'
import { nodeFolderSource } from '../../src/sources/nodeFolder.ts'
import { parseStrictJson } from '../../src/formats/strictJson.ts'
import type { TensorInfo } from '../../src/formats/tensors.ts'
import { ARCHITECTURES, describeModel } from '../../src/arch/index.ts'
import type { ModelDescription } from '../../src/arch/spec.ts'
import { elements, isOp } from '../../src/program/step.ts'

const SHARED = resolve(process.env['TOKENSCOPE_SHARED'] ?? join(import.meta.dirname, '../../../shared'))
const FIXTURES = join(import.meta.dirname, '../fixtures/models')

async function open(folder: string, config = 'config.json'): Promise<ModelDescription> {
  const { tensors } = await openCheckpoint(nodeFolderSource(folder))
  return describeModel(parseStrictJson(readFileSync(join(folder, config)), config), tensors)
}

function readConfig(folder: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>
}

/** Every parameter lies inside its tensor, and every tensor is used in full. */
function expectCovered(model: ModelDescription, tensors: ReadonlyMap<string, TensorInfo>): void {
  const used = new Map<string, number>()
  for (const { tensor, shape } of model.params) used.set(tensor, (used.get(tensor) ?? 0) + elements(shape))
  for (const [name, { shape }] of tensors) {
    if (/attn\.(bias|masked_bias)$/.test(name)) continue
    expect(`${name}: ${used.get(name)}`).toBe(`${name}: ${elements(shape)}`)
  }
  expect(model.parameters).toBe([...used.values()].reduce((a, b) => a + b))
}

/** What two descriptions of one model have in common: their numbers and their forward pass. */
function comparable(model: ModelDescription): unknown {
  const numbers = Object.entries(model).filter(([, value]) => typeof value !== 'function')
  return { ...Object.fromEntries(numbers), program: model.record({ rows: 3, logitRows: 1, positions: 5 }) }
}

/** Checkpoints that an architecture knows and refuses for now, and the field it names. */
const REFUSED = new Map(
  Object.entries({
    'gpt2-inverse-layer': 'scale_attn_by_inverse_layer_idx',
    'gpt2-unscaled': 'activation_function',
    'llama-yarn-rope': 'rope_type',
  }),
)

describe('checkpoints written by Transformers', () => {
  const known = ARCHITECTURES.flatMap(({ modelTypes }) => modelTypes)
  const folders = readdirSync(FIXTURES)
    .map((name) => ({ name, config: readConfig(join(FIXTURES, name)) }))
    .filter(({ config }) => known.includes(String(config['model_type'])))

  test.each(folders.filter(({ name }) => !REFUSED.has(name)))(
    '$name: every tensor has its place, in both config spellings',
    async ({ name }) => {
      const at = join(FIXTURES, name)
      const { tensors } = await openCheckpoint(nodeFolderSource(at))
      const model = await open(at)
      expectCovered(model, tensors)
      expect(model.warnings).toEqual([])
      if (existsSync(join(at, 'config.transformers4.json'))) {
        expect(comparable(await open(at, 'config.transformers4.json'))).toEqual(comparable(model))
      }
    },
  )

  test.each(folders.filter(({ name }) => REFUSED.has(name)))('$name: refused by name', async ({ name }) => {
    await expect(open(join(FIXTURES, name))).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining(REFUSED.get(name) ?? '') as string,
    })
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
        maxPositions: 11,
      },
    },
  ])('$model', async ({ model, expected }, context) => {
    if (missing) return context.skip(missing)
    const read = await open(join(at, model))
    expect(read).toMatchObject(expected)
    expect(read.warnings).toEqual([])
    expectCovered(read, (await openCheckpoint(nodeFolderSource(join(at, model)))).tensors)
  })

  test('gpt-nano-sort takes q, k and v from c_attn', async (context) => {
    if (missing) return context.skip(missing)
    const model = await open(join(at, 'gpt-nano-sort'))
    const lies = (name: string) => {
      const { tensor, layout, rows, shape } = model.params.find((param) => param.name === name) ?? {}
      return { tensor, layout, rows, shape }
    }
    const tensor = 'transformer.h.1.attn.c_attn.weight'
    expect(lies('layers.1.attn.q')).toEqual({ tensor, layout: 'in_out', rows: [0, 48], shape: [48, 48] })
    expect(lies('layers.1.attn.v')).toEqual({ tensor, layout: 'in_out', rows: [96, 144], shape: [48, 48] })
    expect(lies('layers.1.attn.k.bias')).toEqual({
      tensor: 'transformer.h.1.attn.c_attn.bias',
      layout: 'out_in',
      rows: [48, 96],
      shape: [48],
    })
    const { steps } = model.record({ rows: 1, logitRows: 1, positions: 1 })
    expect(steps.some(({ op }) => op === 'gate')).toBe(false)
    expect(steps.filter((step) => isOp(step, 'activation')).map(({ attrs }) => attrs)).toEqual(
      Array.from({ length: model.layers }, () => ({ activation: 'gelu_tanh' })),
    )
  })
})
