import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decodeFloats } from '../../src/formats/floats.ts'
import { openCheckpoint } from '../../src/formats/checkpoint.ts'
import type { GgufField } from '../../src/formats/gguf/fields.ts'
import { NameMap, type NameTable } from '../../src/formats/gguf/names.ts'
import { rowsOfFile } from '../../src/formats/gguf/quirks.ts'
import { writeGguf, type GgufOutput } from '../../src/formats/gguf/write.ts'
import type { TensorInfo } from '../../src/formats/tensors.ts'
import { nodeFolderSource } from '../../src/sources/nodeFolder.ts'
import { number, text, u32Field } from '../formats/ggufBuild.ts'
import { maxDifference } from '../nmse.ts'
import { readJson, SHARED, TINY, withConfig, withModel } from './modelFixtures.ts'

const FIELDS: Record<string, string> = {
  num_hidden_layers: 'block_count',
  n_layer: 'block_count',
  max_position_embeddings: 'context_length',
  n_positions: 'context_length',
  hidden_size: 'embedding_length',
  n_embd: 'embedding_length',
  intermediate_size: 'feed_forward_length',
  n_inner: 'feed_forward_length',
  num_attention_heads: 'attention.head_count',
  n_head: 'attention.head_count',
  num_key_value_heads: 'attention.head_count_kv',
  sliding_window: 'attention.sliding_window',
}
const FLOAT_FIELDS: Record<string, string> = {
  rms_norm_eps: 'attention.layer_norm_rms_epsilon',
  layer_norm_epsilon: 'attention.layer_norm_epsilon',
}

interface Rope {
  rope_theta?: number
  full_attention?: { rope_theta: number }
}

/** The metadata a converter writes for a config. */
function fieldsOf(architecture: string, config: Record<string, unknown>): Map<string, GgufField> {
  const fields = new Map<string, GgufField>([['general.architecture', text(architecture)]])
  const put = (key: string, field: GgufField): void => void fields.set(`${architecture}.${key}`, field)
  for (const [key, value] of Object.entries(config)) {
    if (typeof value !== 'number') continue
    if (FIELDS[key] !== undefined) put(FIELDS[key], u32Field(value))
    if (FLOAT_FIELDS[key] !== undefined) put(FLOAT_FIELDS[key], number('float32', value))
  }
  const { head_dim: headDim, rope_parameters: rope } = config
  if (typeof headDim === 'number') {
    for (const key of ['attention.key_length', 'attention.value_length', 'rope.dimension_count'])
      put(key, u32Field(headDim))
  }
  const { full_attention: full, rope_theta: theta = full?.rope_theta } = (rope ?? {}) as Rope
  if (theta !== undefined) put('rope.freq_base', number('float32', theta))
  return fields
}

/** What a converter does to a tensor: see `GgufQuirk`. */
function converted(
  map: NameMap,
  { name, shape }: TensorInfo,
  values: Float32Array,
  headDim: number,
): GgufOutput {
  const [, module = '', suffix = ''] = /^(.*)(\.weight|\.bias)$/.exec(name) ?? []
  const found = map.fileName(module)
  if (!found) throw new Error(`no name for ${name}`)
  const quirk = suffix === '.bias' && found.quirk === 'transposed' ? null : found.quirk
  const [rows = 1, cols = 1] = shape
  let data = values
  if (quirk === 'interleavedRows') data = rowsOfFile(values, rows, headDim)
  if (quirk === 'normPlusOne') data = values.map((value) => value + 1)
  if (quirk === 'transposed')
    data = Float32Array.from(values, (_, i) => values[(i % rows) * cols + Math.floor(i / rows)] ?? 0)
  return {
    name: found.gguf + suffix,
    type: 'F32',
    shape: quirk === 'transposed' ? [cols, rows] : shape,
    data: new Uint8Array(data.slice().buffer),
  }
}

async function asGguf(
  folder: string,
  config: Record<string, unknown>,
  architecture: NameTable,
): Promise<Uint8Array> {
  const checkpoint = await openCheckpoint(nodeFolderSource(folder))
  const map = new NameMap(architecture)
  const values = new Map<string, Float32Array>()
  await checkpoint.read(
    () => true,
    ({ name: tensor, dtype }, _, chunk) =>
      void values.set(tensor, Float32Array.of(...(values.get(tensor) ?? []), ...decodeFloats(dtype, chunk))),
  )
  const headDim = Number(config['head_dim'] ?? 0)
  const tensors = [...checkpoint.tensors.values()]
    .filter((tensor) => map.fileName(tensor.name.replace(/\.(weight|bias)$/, '')) !== null)
    .map((tensor) => converted(map, tensor, values.get(tensor.name) ?? new Float32Array(), headDim))
  return writeGguf(fieldsOf(architecture, config), tensors)
}

const GEMMA_ROPE = {
  full_attention: { rope_theta: 1e6, rope_type: 'default' },
  sliding_attention: { rope_theta: 1e4, rope_type: 'default' },
}

describe('a GGUF file computes what the folder it was made of computes', () => {
  test.each([
    ['llama', {}],
    ['qwen3', {}],
    ['gpt2', {}],
    // What a file of this architecture has no word for.
    ['gemma3', { query_pre_attn_scalar: 16, rope_parameters: GEMMA_ROPE }],
  ] as const)('%s', async (name, changes) => {
    const files = withConfig(join(TINY, name), 'config.json')
    const config = { ...(readJson(join(TINY, name, 'config.json')) as Record<string, unknown>), ...changes }
    files.set('config.json', new TextEncoder().encode(JSON.stringify(config)))
    const file = await asGguf(join(TINY, name), config, name)
    const { ids } = readJson(join(TINY, name, 'expected.json')) as { ids: number[] }
    await withModel(files, {}, async (folder) => {
      const want = await folder.logits(ids)
      await withModel(new Map([['tiny.gguf', file]]), {}, async (model) => {
        expect(model.info.weights).toBe('f32')
        const { data } = await model.logits(ids)
        expect(data.length).toBe(want.data.length)
        expect(maxDifference(data, want.data)).toBeLessThanOrEqual(1e-4)
      })
    })
  })
})

interface Published {
  prompts: {
    ids: number[]
    text: string
    forced_logprobs: number[]
    greedy: number[]
    margin: number[]
  }[]
  strings: { text: string; ids: number[] }[]
}

/** Another order of adding may choose otherwise below. */
const MARGIN = 0.02

describe('a published file', () => {
  const folder = join(SHARED, 'models/smollm2-135m-instruct')
  const file = join(folder, 'SmolLM2-135M-Instruct.Q4_1.gguf')
  const there = existsSync(file)
  test.skipIf(!there)(there ? 'opens as it is' : 'skipped: needs shared data', async () => {
    const { prompts, strings } = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Published
    await withModel(file, { contextLength: 512 }, async (model) => {
      expect(model.info.weights).toBe('q4_1')
      expect(model.info.hasChatTemplate).toBe(true)
      for (const { text: words, ids } of strings)
        expect(await model.encode(words, { parseSpecial: true })).toEqual(ids)
      for (const prompt of prompts.slice(0, 3)) {
        const { shape, data } = await model.logits(prompt.ids)
        const vocab = shape[1] ?? 0
        prompt.forced_logprobs.forEach((want, i) => {
          const row = data.subarray(i * vocab, (i + 1) * vocab)
          expect(Math.abs(logProbability(row, prompt.ids[i + 1] ?? 0) - want)).toBeLessThanOrEqual(MARGIN)
        })
        const sure = prompt.margin.findIndex((margin) => margin < MARGIN)
        const count = Math.min(8, sure < 0 ? prompt.greedy.length : sure)
        const ids: number[] = []
        for await (const { id } of model.generate(prompt.ids, { temperature: 0, maxTokens: count }))
          ids.push(id)
        expect(ids).toEqual(prompt.greedy.slice(0, count))
      }
    })
  })
})

function logProbability(logits: Float32Array, id: number): number {
  const most = logits.reduce((a, b) => Math.max(a, b))
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - most), 0)
  return (logits[id] ?? 0) - most - Math.log(sum)
}
