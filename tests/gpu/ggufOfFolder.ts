import { decodeFloats } from '../../src/formats/floats.ts'
import { openCheckpoint } from '../../src/formats/checkpoint.ts'
import type { GgufField } from '../../src/formats/gguf/fields.ts'
import { NameMap, type NameTable } from '../../src/formats/gguf/names.ts'
import { rowsOfFile } from '../../src/formats/gguf/quirks.ts'
import type { GgufOutput } from '../../src/formats/gguf/write.ts'
import type { TensorInfo } from '../../src/formats/tensors.ts'
import { nodeFolderSource } from '../../src/sources/nodeFolder.ts'
import { number, text, u32Field } from '../formats/ggufBuild.ts'

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
  const result = map.fileName(module)
  if (!result) throw new Error(`no name for ${name}`)
  const quirk = suffix === '.bias' && result.quirk === 'transposed' ? null : result.quirk
  const [rows = 1, cols = 1] = shape
  let data = values
  if (quirk === 'interleavedRows') data = rowsOfFile(values, rows, headDim)
  if (quirk === 'normPlusOne') data = values.map((value) => value + 1)
  if (quirk === 'transposed')
    data = Float32Array.from(values, (_, i) => values[(i % rows) * cols + Math.floor(i / rows)] ?? 0)
  return {
    name: result.gguf + suffix,
    type: 'F32',
    shape: quirk === 'transposed' ? [cols, rows] : shape,
    data: new Uint8Array(data.slice().buffer),
  }
}

/** What a converter makes of a checkpoint: metadata and tensors of a file. */
export async function asGguf(
  folder: string,
  config: Record<string, unknown>,
  architecture: NameTable,
): Promise<{ fields: Map<string, GgufField>; tensors: GgufOutput[] }> {
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
  return { fields: fieldsOf(architecture, config), tensors }
}
