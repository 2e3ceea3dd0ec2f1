import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openCheckpoint } from '../../src/formats/checkpoint.ts'
import { decodeFloats } from '../../src/formats/floats.ts'
import { dequantise } from '../../src/formats/gguf/dequantise.ts'
import type { GgufField } from '../../src/formats/gguf/fields.ts'
import { tensorNames, type NameTable } from '../../src/formats/gguf/names.ts'
import { rowsOfFile } from '../../src/formats/gguf/quirks.ts'
import { writeGguf, type GgufOutput } from '../../src/formats/gguf/write.ts'
import { nodeFolderSource } from '../../src/sources/nodeFolder.ts'
import { number, text, u32Field } from '../formats/ggufBuild.ts'
import { maxDifference } from '../nmse.ts'
import { randomSource, type RandomSource } from '../random.ts'
import { readJson, TINY, withModel } from './modelFixtures.ts'

interface Floats {
  shape: readonly number[]
  data: Float32Array
}

type Config = Record<string, unknown>

/** `[experts, a, b]` as experts one by one; of turned ones, and of every `step`-th column or of a run of rows, `take` says which. */
function split(
  { shape, data }: Floats,
  take: (row: number) => number,
  rows: number,
  turned: boolean,
): Floats[] {
  const [experts = 0, a = 0, b = 0] = shape
  const cols = turned ? a : b
  return Array.from({ length: experts }, (_, e) => {
    const at = e * a * b
    const values = Float32Array.from({ length: rows * cols }, (_value, i) => {
      const [row, col] = [take(Math.floor(i / cols)), i % cols]
      return data[at + (turned ? col * b + row : row * b + col)]!
    })
    return { shape: [rows, cols], data: values }
  })
}

/** Tensors that hold all experts as converters split them: each expert's gate, up and down under names of its own. */
function apart(tensors: ReadonlyMap<string, Floats>): Map<string, Floats> {
  const result = new Map(tensors)
  const put = (module: string, part: string, list: readonly Floats[], end: string): void =>
    list.forEach((one, e) => result.set(`${module}.experts.${e}.${part}_proj.${end}`, one))
  for (const [name, full] of tensors) {
    const granite = /^(.*)\.(input|output)_linear\.weight$/.exec(name)
    const oss = /^(.*)\.experts\.(gate_up|down)_proj(_bias)?$/.exec(name)
    const [, block = '', kind = '', bias] = granite ?? oss ?? []
    const module = block.replace('block_sparse_moe', 'mlp')
    if (!granite && !oss) continue
    result.delete(name)
    const as3 = bias ? { ...full, shape: [...full.shape, 1] } : full
    const turned = oss !== null && !bias
    const outer = as3.shape[turned ? 2 : 1]!
    const end = bias ? 'bias' : 'weight'
    if (kind === 'output' || kind === 'down')
      put(
        module,
        'down',
        split(as3, (r) => r, outer, turned),
        end,
      )
    else {
      const half = outer / 2
      put(
        module,
        'gate',
        split(as3, (r) => (oss ? 2 * r : r), half, turned),
        end,
      )
      put(
        module,
        'up',
        split(as3, (r) => (oss ? 2 * r + 1 : half + r), half, turned),
        end,
      )
    }
  }
  return result
}

async function readTensors(folder: string): Promise<Map<string, Floats>> {
  const checkpoint = await openCheckpoint(nodeFolderSource(folder))
  const tensors = new Map<string, Floats>()
  await checkpoint.read(
    () => true,
    ({ name, dtype, shape }, _, chunk) => {
      tensors.set(name, { shape, data: decodeFloats(dtype, chunk) })
    },
  )
  return tensors
}

/** The file a converter would write: lines of the name table, experts of a line stacked. */
function outputsOf(table: NameTable, tensors: ReadonlyMap<string, Floats>, config: Config): GgufOutput[] {
  const heads = Number(config['num_attention_heads'])
  const headDim = Number(config['head_dim'] ?? Number(config['hidden_size']) / heads)
  const used = new Set<string>()
  const take = (name: string): Floats[] => {
    const result = tensors.get(name) ?? tensors.get(name.replace(/\.weight$/, ''))
    if (result) used.add(tensors.has(name) ? name : name.replace(/\.weight$/, ''))
    return result ? [result] : []
  }
  const outputs = [0, 1].flatMap((n) =>
    tensorNames(table).flatMap(({ gguf, hf, quirk }) =>
      ['weight', 'bias'].flatMap((end): GgufOutput[] => {
        if (gguf.includes('{e}') || (!gguf.includes('{n}') && n > 0)) return []
        const name = `${hf}.${end}`.replace('{n}', String(n))
        const list = hf.includes('{e}')
          ? Array.from({ length: 16 }, (_, e) => name.replace('{e}', String(e))).flatMap(take)
          : take(name)
        const [first] = list
        if (!first) return []
        const stacked = Float32Array.from(list.flatMap(({ data }) => [...data]))
        const rows = first.shape[0]!
        const data = quirk === 'interleavedRows' ? rowsOfFile(stacked, rows, headDim) : stacked
        const own = end === 'bias' && hf.includes('{e}') ? first.shape.slice(0, 1) : first.shape
        const shape = quirk === 'expandedRow' ? own.slice(1) : own
        return [
          {
            name: `${gguf}.${end}`.replace('{n}', String(n)),
            type: 'F32',
            shape: hf.includes('{e}') ? [list.length, ...shape] : shape,
            data: new Uint8Array(data.buffer),
          },
        ]
      }),
    ),
  )
  expect([...tensors.keys()].filter((name) => !used.has(name))).toEqual([])
  return outputs
}

const COUNTS: Record<string, string> = {
  num_hidden_layers: 'block_count',
  max_position_embeddings: 'context_length',
  hidden_size: 'embedding_length',
  intermediate_size: 'feed_forward_length',
  num_attention_heads: 'attention.head_count',
  num_key_value_heads: 'attention.head_count_kv',
  sliding_window: 'attention.sliding_window',
  head_dim: 'attention.key_length',
  num_local_experts: 'expert_count',
  num_experts: 'expert_count',
  num_experts_per_tok: 'expert_used_count',
  moe_intermediate_size: 'expert_feed_forward_length',
  shared_expert_intermediate_size: 'expert_shared_feed_forward_length',
}
const FLOATS: Record<string, string> = {
  rms_norm_eps: 'attention.layer_norm_rms_epsilon',
  attention_multiplier: 'attention.scale',
  embedding_multiplier: 'embedding_scale',
  residual_multiplier: 'residual_scale',
  logits_scaling: 'logit_scale',
}

function fieldsOf(architecture: string, config: Config): Map<string, GgufField> {
  const fields = new Map<string, GgufField>([['general.architecture', text(architecture)]])
  const put = (key: string, field: GgufField): void => void fields.set(`${architecture}.${key}`, field)
  for (const [key, value] of Object.entries(config)) {
    if (typeof value !== 'number') continue
    if (COUNTS[key] !== undefined && value > 0) put(COUNTS[key], u32Field(value))
    if (FLOATS[key] !== undefined) put(FLOATS[key], number('float32', value))
  }
  const rope = config['rope_parameters'] as Record<string, number | string>
  put('rope.freq_base', number('float32', Number(rope['rope_theta'])))
  if (typeof config['head_dim'] === 'number')
    for (const key of ['attention.value_length', 'rope.dimension_count'])
      put(key, u32Field(config['head_dim']))
  if (rope['rope_type'] !== 'yarn') return fields
  put('rope.scaling.type', text('yarn'))
  put('rope.scaling.factor', number('float32', Number(rope['factor'])))
  put('rope.scaling.original_context_length', u32Field(Number(rope['original_max_position_embeddings'])))
  put('rope.scaling.yarn_beta_fast', number('float32', Number(rope['beta_fast'])))
  return fields
}

test.each([
  // What files of an architecture have no word for: a window, another limit.
  ['mixtral', 'llama', 'mixtral', { sliding_window: null }],
  ['qwen2-moe', 'qwen2moe', 'qwen2moe', {}],
  ['olmoe', 'olmoe', 'olmoe', {}],
  ['granitemoe', 'granitemoe', 'granitemoe', {}],
  ['gpt-oss', 'gpt-oss', 'gpt-oss', { swiglu_limit: 7 }],
] as const)(
  '%s as a GGUF file computes what the folder computes',
  async (name, architecture, table, changes) => {
    const folder = join(TINY, name)
    const config = { ...(readJson(join(folder, 'config.json')) as Config), ...changes }
    const { ids } = readJson(join(folder, 'expected.json')) as { ids: number[] }
    const outputs = outputsOf(table, apart(await readTensors(folder)), config)
    const file = writeGguf(fieldsOf(architecture, config), outputs)
    const files = new Map<string, Uint8Array>([
      ['config.json', new TextEncoder().encode(JSON.stringify(config))],
    ])
    const { readFile } = await import('node:fs/promises')
    files.set('model.safetensors', new Uint8Array(await readFile(join(folder, 'model.safetensors'))))
    await withModel(files, { weights: 'f32' }, async (plain) => {
      const expected = await plain.logits(ids)
      await withModel(new Map([['tiny.gguf', file]]), {}, async (model) => {
        expect(model.info.parameters).toBe(plain.info.parameters)
        expect(maxDifference((await model.logits(ids)).data, expected.data)).toBeLessThanOrEqual(1e-4)
      })
    })
  },
)

/** Random blocks of MXFP4 in the place of a tensor's values, and the floats they stand for. */
function inBlocks(output: GgufOutput, random: RandomSource): [blocks: GgufOutput, floats: GgufOutput] {
  const count = output.shape.reduce((product, size) => product * size, 1) / 32
  const bytes = Uint8Array.from({ length: 17 * count }, (_, i) =>
    i % 17 === 0 ? 122 + random.integer(4) : random.integer(256),
  )
  const floats = dequantise('MXFP4', bytes)
  return [
    { ...output, type: 'MXFP4', data: bytes },
    { ...output, data: new Uint8Array(floats.buffer) },
  ]
}

test('experts of MXFP4 in a GGUF file compute what their floats compute', async () => {
  const folder = join(TINY, 'gpt-oss')
  const config = readJson(join(folder, 'config.json')) as Config
  const { ids } = readJson(join(folder, 'expected.json')) as { ids: number[] }
  const random = randomSource(5)
  const outputs = outputsOf('gpt-oss', apart(await readTensors(folder)), config).map((output) =>
    /ffn_(gate|up)_exps\.weight$/.test(output.name) ? inBlocks(output, random) : ([output, output] as const),
  )
  const files = [0, 1].map(
    (which) =>
      new Map([
        [
          'tiny.gguf',
          writeGguf(
            fieldsOf('gpt-oss', config),
            outputs.map((pair) => pair[which]!),
          ),
        ],
      ]),
  )
  await withModel(files[1]!, {}, async (plain) => {
    const expected = await plain.logits(ids)
    await withModel(files[0]!, {}, async (model) => {
      expect((await model.memory()).gpuBytes).toBeLessThan((await plain.memory()).gpuBytes)
      expect(maxDifference((await model.logits(ids)).data, expected.data)).toBeLessThanOrEqual(1e-4)
    })
  })
})
