import type { ModelDescription } from '../arch/spec.ts'
import { ConfigReader } from '../formats/configReader.ts'
import { parseStrictJson } from '../formats/strictJson.ts'
import type { AdapterTensor } from './adapterTensors.ts'
import { WRAPPER } from './adapterTensors.ts'
import { CONFIG_FILE, type AdapterConfig } from './config.ts'
import { transpose } from './parse.ts'

/** Where mlx-lm keeps the factors; checkpoints of its training lie beside it under other names. */
export const MLX_WEIGHTS_FILE = 'adapters.safetensors'
const MAX_RANK = 65_536

/** True for the `adapter_config.json` of mlx-lm, which says how it was trained and names no kind of PEFT's. */
export function isMlxConfig(bytes: Uint8Array): boolean {
  const json = parseStrictJson(bytes, CONFIG_FILE)
  const has = (field: string): boolean =>
    typeof json === 'object' && json !== null && Object.hasOwn(json, field)
  return !has('peft_type') && (has('lora_parameters') || has('fine_tune_type'))
}

interface MlxAdapter {
  config: AdapterConfig
  tensors: Map<string, AdapterTensor>
}

/**
 * An adapter of mlx-lm in PEFT's terms: y = Wx + scale·(x·A)·B with A `[in, rank]` and B `[rank, out]`, so both are turned. The
 * modules are those the file has factors for.
 * @throws `unsupported` for a full fine-tune and for DoRA on an embedding, `bad-file` for wrong values.
 */
export function readMlxAdapter(
  bytes: Uint8Array,
  tensors: ReadonlyMap<string, AdapterTensor>,
  model: ModelDescription,
): MlxAdapter {
  const reader = new ConfigReader(parseStrictJson(bytes, CONFIG_FILE), CONFIG_FILE)
  const kind = reader.text('fine_tune_type', 'lora')
  if (kind !== 'lora' && kind !== 'dora')
    throw reader.fail(
      'fine_tune_type',
      'lora or dora',
      'unsupported',
      'Fuse it into its base and load the result.',
    )
  const parameters = new ConfigReader(reader.get('lora_parameters') ?? {}, CONFIG_FILE, 'lora_parameters.')
  const rank = parameters.count('rank', { fallback: 8, max: MAX_RANK })
  const turned = turnAll(tensors, model)
  return {
    config: configOf(reader, {
      rank,
      alpha: scaleOf(parameters, rank) * rank,
      dora: kind === 'dora',
      turned,
    }),
    tensors: turned,
  }
}

/** What B·A is multiplied by. Releases of before wrote an `alpha`, which counts by the rank. */
function scaleOf(parameters: ConfigReader, rank: number): number {
  const number = (name: string, fallback: number): number => {
    const value = parameters.get(name) ?? fallback
    if (typeof value === 'number' && Number.isFinite(value)) return value
    throw parameters.fail(name, 'a finite number')
  }
  if (parameters.get('alpha') === undefined) return number('scale', 20)
  return number('scale', 10) * (number('alpha', 16) / rank)
}

/** Factors under PEFT's names and in its shapes; what is no factor keeps its name, to be refused by it. */
function turnAll(
  tensors: ReadonlyMap<string, AdapterTensor>,
  model: ModelDescription,
): Map<string, AdapterTensor> {
  const turned = new Map<string, AdapterTensor>()
  for (const [key, tensor] of tensors) {
    const [, module, factor] = /^(.*)\.(lora_a|lora_b|m)$/.exec(key) ?? []
    if (module === undefined || factor === undefined) {
      turned.set(key, tensor)
      continue
    }
    const name = `${WRAPPER}${module}`
    const isEmbedding = `${module}.weight` === model.embeddingTensor || /(?:embed_tokens|wte)$/.test(module)
    if (factor === 'm') turned.set(`${name}.lora_magnitude_vector`, tensor)
    else if (!isEmbedding) turned.set(`${name}.lora_${factor === 'lora_a' ? 'A' : 'B'}.weight`, turn(tensor))
    else {
      turned.set(`${name}.lora_embedding_${factor === 'lora_a' ? 'A' : 'B'}`, turn(tensor))
      // A tied head is the same layer, read the other way: its A is the embedding's B.
      if (model.tiedLmHead)
        turned.set(`${WRAPPER}lm_head.lora_${factor === 'lora_a' ? 'B' : 'A'}.weight`, tensor)
    }
  }
  return turned
}

function turn(tensor: AdapterTensor): AdapterTensor {
  const [rows, columns] = tensor.shape
  if (tensor.shape.length !== 2 || rows === undefined || columns === undefined) return tensor
  return { ...tensor, shape: [columns, rows], values: transpose(tensor.values, rows, columns) }
}

function configOf(
  reader: ConfigReader,
  {
    rank,
    alpha,
    dora,
    turned,
  }: { rank: number; alpha: number; dora: boolean; turned: ReadonlyMap<string, AdapterTensor> },
): AdapterConfig {
  const factors = [...turned.keys()].filter((key) => /\.lora_(?:embedding_)?A/.test(key))
  if (dora && factors.some((key) => key.includes('lora_embedding')))
    throw reader.fail(
      'fine_tune_type',
      'lora where an embedding is adapted',
      'unsupported',
      'Its gains go by token, which PEFT knows no form of. Fuse it into its base and load the result.',
    )
  const names = factors.map((key) => key.replace(WRAPPER, '').replace(/\.lora_.*$/, ''))
  const model = reader.get('model')
  return {
    rank,
    alpha,
    targets: { kind: 'names', names: [...new Set(names)] },
    parameters: [],
    exclude: null,
    layers: null,
    layersPatterns: [],
    rankPattern: [],
    alphaPattern: [],
    rslora: false,
    dora,
    bias: 'none',
    modulesToSave: [],
    savedNames: [],
    patterns: [],
    ensureWeightTying: false,
    baseModel: typeof model === 'string' ? model : null,
    remarks: [
      'Written by mlx-lm: A and B were turned into PEFT’s shapes, its scale stands as alpha over rank.',
    ],
  }
}
