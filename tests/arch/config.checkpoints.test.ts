import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openCheckpoint } from '../../src/formats/checkpoint.ts'
import { nodeFolderSource } from '../../src/sources/nodeFolder.ts'
import { parseStrictJson } from '../../src/formats/strictJson.ts'
import type { TensorInfo } from '../../src/formats/tensors.ts'
import { MODEL_TYPES, describeModel } from '../describeModel.ts'
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

/** Rows that nothing reads: OPT's positions begin at the third, RoBERTa's at the padding's; tokens are of the first type. */
const UNREAD: Readonly<Record<string, number>> = {
  'model.decoder.embed_positions.weight': 2,
  'roberta.embeddings.position_embeddings.weight': 1,
  'roberta.embeddings.token_type_embeddings.weight': 1,
  'bert.embeddings.token_type_embeddings.weight': 1,
}

/** Every parameter lies inside its tensors, and every tensor is used in full. */
function expectCovered(model: ModelDescription, tensors: ReadonlyMap<string, TensorInfo>): void {
  const used = new Map<string, number>()
  for (const { name: param, tensor, more = [], shape } of model.params) {
    // A tied head with a bias reads a copy.
    if (param === 'logits' && model.tiedLmHead) continue
    const names = [tensor, ...more]
    for (const name of names) used.set(name, (used.get(name) ?? 0) + elements(shape) / names.length)
  }
  const own = [...tensors.values()].filter(({ name }) => !/\.attn\.(bias|masked_bias)$/.test(name))
  for (const { name, shape } of own) {
    const [rows = 0, ...rest] = shape
    expect(used.get(name), name).toBe(elements([rows - (UNREAD[name] ?? 0), ...rest]))
  }
  expect(model.parameters).toBe(own.reduce((sum, { shape }) => sum + elements(shape), 0))
}

/** What two descriptions of one model have in common: their numbers and their forward pass. */
function comparable(model: ModelDescription): unknown {
  const numbers = Object.entries(model).filter(([, value]) => typeof value !== 'function')
  return { ...Object.fromEntries(numbers), program: model.record({ rows: 3, logitRows: 1, positions: 5 }) }
}

describe('checkpoints written by Transformers', () => {
  const known = MODEL_TYPES
  const folders = readdirSync(FIXTURES)
    .map((name) => ({ name, config: readConfig(join(FIXTURES, name)) }))
    .filter(({ config }) => known.includes(String(config['model_type'])))

  test.each(folders)('$name: every tensor has its place, in both config spellings', async ({ name }) => {
    const at = join(FIXTURES, name)
    const { tensors } = await openCheckpoint(nodeFolderSource(at))
    const model = await open(at)
    expectCovered(model, tensors)
    expect(model.warnings).toEqual([])
    if (existsSync(join(at, 'config.transformers4.json'))) {
      expect(comparable(await open(at, 'config.transformers4.json'))).toEqual(comparable(model))
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
        tiedLmHead: true,
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
        tiedLmHead: true,
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
        tiedLmHead: false,
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
