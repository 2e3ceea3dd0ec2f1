import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { loadAdapter, WEIGHTS_FILE } from '../../src/adapters/load.ts'
import { CONFIG_FILE } from '../../src/adapters/config.ts'
import { transpose } from '../../src/adapters/parse.ts'
import type { ParsedAdapter } from '../../src/adapters/types.ts'
import { openCheckpoint } from '../../src/formats/checkpoint.ts'
import { mapSource } from '../../src/sources/dropped.ts'
import { nodeFolderSource } from '../../src/sources/nodeFolder.ts'
import type { TensorInfo } from '../../src/formats/tensors.ts'
import { describeModel } from '../describeModel.ts'
import type { ModelDescription } from '../../src/arch/spec.ts'
import { takeOutputs } from '../../src/program/outputs.ts'
import type { ParamRef } from '../../src/program/step.ts'
import { decodeFloats } from '../../src/formats/floats.ts'
import { writeSafetensors } from '../../src/adapters/writeSafetensors.ts'

const ROOT = resolve(import.meta.dirname, '../..')
export const FIXTURES = join(ROOT, 'tests/fixtures')
/** Real adapters; not part of the project. */
export const SHARED = resolve(process.env['TOKENSCOPE_SHARED'] ?? join(ROOT, '../shared'), 'adapters')
export const WITHOUT_SHARED = existsSync(SHARED) ? '' : ' (skipped: needs shared data)'

export interface Base {
  model: ModelDescription
  /** Values by parameter, `logits` included, as the steps use them. */
  weights: ReadonlyMap<string, Float32Array>
}

/** A tiny checkpoint of tests/fixtures/models. */
export async function readBase(name: string): Promise<Base> {
  const folder = join(FIXTURES, 'models', name)
  const checkpoint = await openCheckpoint(nodeFolderSource(folder))
  const stored = new Map<string, Float32Array>()
  await checkpoint.read(
    // Old checkpoints hold causal masks of other types.
    (name) => !name.endsWith('.attn.bias'),
    ({ name, dtype }, _, chunk) => void stored.set(name, decodeFloats(dtype, chunk)),
  )
  const config: unknown = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
  const model = describeModel(config, checkpoint.tensors)
  const named = model.params.map((param): [string, ParamRef] => [param.name, param])
  const embed = model.params.find(({ name }) => name === 'embed')
  if (model.tiedLmHead && embed) named.push(['logits', embed])
  const weights = new Map(
    named.map(([name, ref]) => [name, valuesOf(ref, checkpoint.tensors, stored.get(ref.tensor))]),
  )
  return { model, weights }
}

function valuesOf(
  ref: ParamRef,
  tensors: ReadonlyMap<string, TensorInfo>,
  stored: Float32Array | undefined,
): Float32Array {
  const shape = tensors.get(ref.tensor)?.shape ?? []
  if (!stored) throw new Error(`no ${ref.tensor}`)
  const turned = ref.layout === 'in_out' ? transpose(stored, shape[0] ?? 0, shape[1] ?? 0) : stored
  const width = ref.shape[1] ?? 1
  return takeOutputs(ref, turned, width)
}

/** A model of real size without weights: `config` and the tensor table that its architecture asks for. */
export function syntheticModel(
  config: Record<string, unknown>,
  shapes: Record<string, readonly number[]>,
): ModelDescription {
  const tensors = Object.entries(shapes).map(([name, shape]): [string, TensorInfo] => [
    name,
    { name, dtype: 'F32', shape, file: 'model.safetensors', begin: 0, end: 0 },
  ])
  return describeModel(config, new Map(tensors))
}

/** A Llama or Qwen2 of any size, head tied. */
export function syntheticLlama(modelType: string, sizes: Record<string, number>): ModelDescription {
  const { layers = 0, hidden = 0, heads = 0, kvHeads = 0, intermediate = 0, vocab = 0 } = sizes
  const kv = (kvHeads * hidden) / heads
  const shapes: Record<string, number[]> = {
    'model.embed_tokens.weight': [vocab, hidden],
    'model.norm.weight': [hidden],
  }
  for (let n = 0; n < layers; n++) {
    const at = `model.layers.${n}`
    shapes[`${at}.input_layernorm.weight`] = [hidden]
    shapes[`${at}.post_attention_layernorm.weight`] = [hidden]
    const outs = { q_proj: hidden, k_proj: kv, v_proj: kv }
    for (const [name, out] of Object.entries(outs)) {
      shapes[`${at}.self_attn.${name}.weight`] = [out, hidden]
      shapes[`${at}.self_attn.${name}.bias`] = [out]
    }
    shapes[`${at}.self_attn.o_proj.weight`] = [hidden, hidden]
    shapes[`${at}.mlp.gate_proj.weight`] = [intermediate, hidden]
    shapes[`${at}.mlp.up_proj.weight`] = [intermediate, hidden]
    shapes[`${at}.mlp.down_proj.weight`] = [hidden, intermediate]
  }
  const config = {
    model_type: modelType,
    hidden_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    intermediate_size: intermediate,
    vocab_size: vocab,
    tie_word_embeddings: true,
  }
  return syntheticModel(config, shapes)
}

export function loadCase(name: string, model: ModelDescription): Promise<ParsedAdapter> {
  return loadAdapter(nodeFolderSource(join(FIXTURES, 'peft', name)), model)
}

/** An adapter's files taken apart, to be changed and loaded again. */
export interface Parts {
  config: Record<string, unknown>
  tensors: Record<string, { shape: number[]; values: number[] }>
}

/** Writes the parts, leaves out or adds files by `files` (null removes), and loads them. */
export function loadParts(
  { config, tensors }: Parts,
  model: ModelDescription,
  files: Record<string, Uint8Array | null> = {},
  baseNames: readonly string[] = [],
): Promise<ParsedAdapter> {
  const list = Object.entries(tensors).map(([name, tensor]) => ({ name, dtype: 'F32' as const, ...tensor }))
  const all = new Map<string, Uint8Array>([
    [CONFIG_FILE, new TextEncoder().encode(JSON.stringify(config))],
    [WEIGHTS_FILE, writeSafetensors(list)],
  ])
  for (const [name, content] of Object.entries(files)) {
    if (content) all.set(name, content)
    else all.delete(name)
  }
  return loadAdapter(mapSource(all, 'test adapter'), model, { baseNames })
}
