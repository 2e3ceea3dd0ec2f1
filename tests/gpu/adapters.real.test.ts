import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openSafetensors } from '../../src/formats/checkpoint.ts'
import { nodeFolderSource } from '../../src/sources/nodeFolder.ts'
import { safetensorsHeader } from '../../src/adapters/writeSafetensors.ts'
import { dtypeBytes } from '../../src/formats/safetensors.ts'
import { loadModel } from '../../src/index.ts'
import { decodeFloats } from '../../src/formats/floats.ts'
import { SHARED, WITHOUT_SHARED } from '../adapters/fixture.ts'
import { casesOf } from '../all.ts'
import { randomSource } from '../random.ts'
import { testDevice } from './device.ts'
import { worst } from './fixtureModel.ts'

const IDS = [3, 170, 42, 991, 5, 610]
/** No adapter here touches the embedding, nor those of Qwen and SmolLM the MLP: these sizes are free, and kept small. */
const VOCAB = 1024
const INTERMEDIATE = 256

interface Base {
  config: Record<string, unknown>
  shapes: Record<string, readonly number[]>
  /** Conv1D keeps its weight as [in, out]. */
  transposed: boolean
}

function gpt2(): Base {
  const h = 768
  const shapes: Record<string, number[]> = {
    'transformer.wte.weight': [VOCAB, h],
    'transformer.wpe.weight': [64, h],
    'transformer.ln_f.weight': [h],
    'transformer.ln_f.bias': [h],
  }
  const linear = (at: string, shape: [number, number]): void => {
    shapes[`${at}.weight`] = shape
    shapes[`${at}.bias`] = [shape[1]]
  }
  for (let n = 0; n < 12; n++) {
    const at = `transformer.h.${n}`
    for (const norm of ['ln_1', 'ln_2']) {
      shapes[`${at}.${norm}.weight`] = [h]
      shapes[`${at}.${norm}.bias`] = [h]
    }
    linear(`${at}.attn.c_attn`, [h, 3 * h])
    linear(`${at}.attn.c_proj`, [h, h])
    linear(`${at}.mlp.c_fc`, [h, 4 * h])
    linear(`${at}.mlp.c_proj`, [4 * h, h])
  }
  const config = {
    model_type: 'gpt2',
    n_layer: 12,
    n_head: 12,
    n_embd: h,
    n_positions: 64,
    vocab_size: VOCAB,
  }
  return { config, shapes, transposed: true }
}

function llamaLike(
  type: 'llama' | 'qwen2',
  layers: number,
  hidden: number,
  heads: number,
  kvHeads: number,
): Base {
  const kv = (kvHeads * hidden) / heads
  const shapes: Record<string, readonly number[]> = {
    'model.embed_tokens.weight': [VOCAB, hidden],
    'model.norm.weight': [hidden],
  }
  for (let n = 0; n < layers; n++) {
    const at = `model.layers.${n}`
    shapes[`${at}.input_layernorm.weight`] = [hidden]
    shapes[`${at}.post_attention_layernorm.weight`] = [hidden]
    for (const [name, out] of [
      ['q', hidden],
      ['k', kv],
      ['v', kv],
    ] as const) {
      shapes[`${at}.self_attn.${name}_proj.weight`] = [out, hidden]
      if (type === 'qwen2') shapes[`${at}.self_attn.${name}_proj.bias`] = [out]
    }
    shapes[`${at}.self_attn.o_proj.weight`] = [hidden, hidden]
    shapes[`${at}.mlp.gate_proj.weight`] = [INTERMEDIATE, hidden]
    shapes[`${at}.mlp.up_proj.weight`] = [INTERMEDIATE, hidden]
    shapes[`${at}.mlp.down_proj.weight`] = [hidden, INTERMEDIATE]
  }
  const config = {
    model_type: type,
    hidden_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    intermediate_size: INTERMEDIATE,
    vocab_size: VOCAB,
    max_position_embeddings: 64,
    tie_word_embeddings: true,
  }
  return { config, shapes, transposed: false }
}

const size = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1)

/** A checkpoint of normal weights (norms near 1), and where each tensor's values lie in it. */
function randomCheckpoint({ shapes }: Base): { bytes: Uint8Array; values: Map<string, Float32Array> } {
  const tensors = Object.entries(shapes).map(([name, shape]) => ({ name, dtype: 'F32' as const, shape }))
  const sizes = tensors.map(({ shape }) => size(shape))
  const header = safetensorsHeader(tensors)
  const bytes = new Uint8Array(header.byteLength + 4 * sizes.reduce((sum, count) => sum + count, 0))
  bytes.set(header)
  // A table of prime length repeated: 85 million draws of their own would take longer than the test.
  const table = Float32Array.from(randomSource(11).normal(100_003, 0.03))
  const values = new Map<string, Float32Array>()
  let at = header.byteLength
  let drawn = 0
  for (const [i, { name, shape }] of tensors.entries()) {
    const list = new Float32Array(bytes.buffer, at, sizes[i])
    const centre = shape.length === 1 && name.endsWith('weight') ? 1 : 0
    for (let j = 0; j < list.length; j++) list[j] = centre + table[drawn++ % table.length]!
    values.set(name, list)
    at += list.byteLength
  }
  return { bytes, values }
}

interface Product {
  shape: readonly number[]
  values: Float32Array
}

/** The adapter's own tensors, by module and side. */
async function readProducts(folder: string): Promise<Map<string, { a?: Product; b?: Product }>> {
  const products = new Map<string, { a?: Product; b?: Product }>()
  const checkpoint = await openSafetensors(nodeFolderSource(folder), 'adapter_model.safetensors')
  await checkpoint.read(
    () => true,
    ({ name, dtype, shape }, offset, chunk) => {
      const [, module = '', side] = /^base_model\.model\.(.*)\.lora_([AB])\.weight$/.exec(name) ?? []
      const result = products.get(module) ?? {}
      const product = (result[side === 'A' ? 'a' : 'b'] ??= { shape, values: new Float32Array(size(shape)) })
      product.values.set(decodeFloats(dtype, chunk), offset / dtypeBytes(dtype))
      products.set(module, result)
    },
  )
  return products
}

/** W + scaling · BA in f64, in place. */
function mergeInto(weight: Float32Array, a: Product, b: Product, scaling: number, transposed: boolean): void {
  const [rank = 0, inner = 0] = a.shape
  const [out = 0] = b.shape
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < inner; i++) {
      let sum = 0
      for (let r = 0; r < rank; r++) sum += b.values[o * rank + r]! * a.values[r * inner + i]!
      const at = transposed ? i * out + o : o * inner + i
      weight[at] = weight[at]! + scaling * sum
    }
  }
}

const PUBLISHED = casesOf<readonly [string, typeof gpt2]>({
  main: [
    ['gpt2-customersupport', gpt2],
    ['qwen2.5-0.5b', () => llamaLike('qwen2', 24, 896, 14, 2)],
  ],
  more: [
    ['gpt2-tigrinya', gpt2],
    ['smollm-135m-instruct', () => llamaLike('llama', 30, 576, 9, 3)],
  ],
})

describe.skipIf(WITHOUT_SHARED !== '')(`published adapters on the GPU${WITHOUT_SHARED}`, () => {
  it.each(PUBLISHED)('%s beside random weights equals the weights merged in f64', async (name, makeBase) => {
    const { device } = await testDevice()
    const folder = join(SHARED, name)
    expect(existsSync(folder)).toBe(true)
    const base = makeBase()
    const { bytes, values } = randomCheckpoint(base)
    const config = new TextEncoder().encode(JSON.stringify(base.config))
    const source = new Map([
      ['config.json', config],
      ['model.safetensors', bytes],
    ])
    const model = await loadModel(source, { device, weights: 'f32' })
    const plain = (await model.logits(IDS)).data
    const { report } = await model.addAdapter(folder)
    expect(report.unmatchedEntries).toEqual([])
    const beside = (await model.logits(IDS)).data
    await model.dispose()

    const { r, lora_alpha } = JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8')) as {
      r: number
      lora_alpha: number
    }
    for (const [module, { a, b }] of await readProducts(folder)) {
      mergeInto(values.get(`${module}.weight`)!, a!, b!, lora_alpha / r, base.transposed)
    }
    const merged = await loadModel(source, { device, weights: 'f32' })
    const folded = (await merged.logits(IDS)).data
    await merged.dispose()
    const [difference, effect] = [worst(beside, folded), worst(beside, plain)]
    process.stdout.write(`${JSON.stringify({ name: `published adapter ${name}`, difference, effect })}\n`)
    expect(difference).toBeLessThanOrEqual(1e-3)
    // The adapter does something, or equality would say nothing.
    expect(effect).toBeGreaterThan(20 * difference)
  })
})
