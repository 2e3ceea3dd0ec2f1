/**
 * What a converter did to a tensor beside renaming it.
 *
 * `interleavedRows`: rows of each head reordered for rotary pairs (2i, 2i + 1): row h·D + 2i + j of the file is row
 * h·D + j·D/2 + i of the checkpoint. `normPlusOne`: the file holds the checkpoint's values + 1. `transposed`: the file
 * has `[out, in]` where the checkpoint has `[in, out]`. `expandedRow`: `[in]` where the checkpoint has `[1, in]`.
 */
export type QuirkKind = 'interleavedRows' | 'normPlusOne' | 'transposed' | 'expandedRow'

/**
 * One line of a name table: the file's name and the checkpoint's, without `.weight` or `.bias`, which both share. `{n}` is
 * the layer; `{e}` an expert, over which a tensor of three axes is cut where the file's name has none.
 */
export interface TensorName {
  gguf: string
  hf: string
  quirk: QuirkKind | null
}

/** `file name → checkpoint name`, a quirk behind it where there is one. */
type Line = readonly [gguf: string, hf: string, quirk?: QuirkKind]

const LAYER = 'model.layers.{n}.'

const ENDS: readonly Line[] = [
  ['token_embd', 'model.embed_tokens'],
  ['output_norm', 'model.norm'],
  ['output', 'lm_head'],
]

const V_AND_O: readonly Line[] = [
  ['blk.{n}.attn_v', `${LAYER}self_attn.v_proj`],
  ['blk.{n}.attn_output', `${LAYER}self_attn.o_proj`],
]
const ATTENTION: readonly Line[] = [
  ['blk.{n}.attn_q', `${LAYER}self_attn.q_proj`],
  ['blk.{n}.attn_k', `${LAYER}self_attn.k_proj`],
  ...V_AND_O,
]
/** As Meta's own checkpoints have them; Hugging Face's conversion is undone. */
const ATTENTION_INTERLEAVED: readonly Line[] = [
  ['blk.{n}.attn_q', `${LAYER}self_attn.q_proj`, 'interleavedRows'],
  ['blk.{n}.attn_k', `${LAYER}self_attn.k_proj`, 'interleavedRows'],
  ...V_AND_O,
]
const QK_NORMS: readonly Line[] = [
  ['blk.{n}.attn_q_norm', `${LAYER}self_attn.q_norm`],
  ['blk.{n}.attn_k_norm', `${LAYER}self_attn.k_norm`],
]
const NORMS: readonly Line[] = [
  ['blk.{n}.attn_norm', `${LAYER}input_layernorm`],
  ['blk.{n}.ffn_norm', `${LAYER}post_attention_layernorm`],
]
const NORMS_AFTER: readonly Line[] = [
  ['blk.{n}.post_attention_norm', `${LAYER}post_attention_layernorm`],
  ['blk.{n}.post_ffw_norm', `${LAYER}post_feedforward_layernorm`],
]
const MLP: readonly Line[] = [
  ['blk.{n}.ffn_gate', `${LAYER}mlp.gate_proj`],
  ['blk.{n}.ffn_up', `${LAYER}mlp.up_proj`],
  ['blk.{n}.ffn_down', `${LAYER}mlp.down_proj`],
]
const EXPERTS: readonly Line[] = [
  ['blk.{n}.ffn_gate_inp', `${LAYER}mlp.gate`],
  ['blk.{n}.ffn_gate_exps', `${LAYER}mlp.experts.{e}.gate_proj`],
  ['blk.{n}.ffn_up_exps', `${LAYER}mlp.experts.{e}.up_proj`],
  ['blk.{n}.ffn_down_exps', `${LAYER}mlp.experts.{e}.down_proj`],
]
const SHARED_EXPERT: readonly Line[] = [
  ['blk.{n}.ffn_gate_inp_shexp', `${LAYER}mlp.shared_expert_gate`, 'expandedRow'],
  ['blk.{n}.ffn_gate_shexp', `${LAYER}mlp.shared_expert.gate_proj`],
  ['blk.{n}.ffn_up_shexp', `${LAYER}mlp.shared_expert.up_proj`],
  ['blk.{n}.ffn_down_shexp', `${LAYER}mlp.shared_expert.down_proj`],
]
const MIXTRAL_EXPERTS: readonly Line[] = [
  ['blk.{n}.ffn_gate_inp', `${LAYER}block_sparse_moe.gate`],
  ['blk.{n}.ffn_gate_exps', `${LAYER}block_sparse_moe.experts.{e}.w1`],
  ['blk.{n}.ffn_up_exps', `${LAYER}block_sparse_moe.experts.{e}.w3`],
  ['blk.{n}.ffn_down_exps', `${LAYER}block_sparse_moe.experts.{e}.w2`],
  // Files from before April 2024 have a tensor for each expert.
  ['blk.{n}.ffn_gate.{e}', `${LAYER}block_sparse_moe.experts.{e}.w1`],
  ['blk.{n}.ffn_up.{e}', `${LAYER}block_sparse_moe.experts.{e}.w3`],
  ['blk.{n}.ffn_down.{e}', `${LAYER}block_sparse_moe.experts.{e}.w2`],
]

/** Experts with another router before them. */
const expertsBehind = (router: string): Line[] =>
  EXPERTS.map(([gguf, hf]) => [gguf, hf.replace(/mlp\.gate$/, router)])

const plusOne = (lines: readonly Line[]): Line[] => lines.map(([gguf, hf]) => [gguf, hf, 'normPlusOne'])
const isNorm = ([gguf]: Line): boolean => gguf.endsWith('norm')

const LLAMA: readonly Line[] = [...ENDS, ...NORMS, ...ATTENTION_INTERLEAVED, ...MLP]
const QWEN: readonly Line[] = [...ENDS, ...NORMS, ...ATTENTION]
const GEMMA: readonly Line[] = [
  ...ENDS.filter((line) => !isNorm(line)),
  ...plusOne(ENDS.filter(isNorm)),
  ...ATTENTION,
  ...MLP,
]
const GEMMA_2: readonly Line[] = [
  ...GEMMA,
  ...plusOne([
    ['blk.{n}.attn_norm', `${LAYER}input_layernorm`],
    ['blk.{n}.ffn_norm', `${LAYER}pre_feedforward_layernorm`],
    ...NORMS_AFTER,
  ]),
]

const GPT_OSS: readonly Line[] = [
  ...ENDS,
  ['blk.{n}.attn_norm', `${LAYER}input_layernorm`],
  ['blk.{n}.post_attention_norm', `${LAYER}post_attention_layernorm`],
  ...ATTENTION,
  ['blk.{n}.attn_sinks', `${LAYER}self_attn.sinks`],
  ...expertsBehind('mlp.router'),
]

const PHI_3: readonly Line[] = [
  ...ENDS,
  ...NORMS,
  // Fused in the checkpoint too.
  ['blk.{n}.attn_qkv', `${LAYER}self_attn.qkv_proj`],
  ['blk.{n}.attn_output', `${LAYER}self_attn.o_proj`],
  ['blk.{n}.ffn_up', `${LAYER}mlp.gate_up_proj`],
  ['blk.{n}.ffn_down', `${LAYER}mlp.down_proj`],
]

const GPT_2: readonly Line[] = [
  ['token_embd', 'transformer.wte'],
  ['position_embd', 'transformer.wpe'],
  ['output_norm', 'transformer.ln_f'],
  ['output', 'lm_head'],
  ['blk.{n}.attn_norm', 'transformer.h.{n}.ln_1'],
  ['blk.{n}.attn_qkv', 'transformer.h.{n}.attn.c_attn', 'transposed'],
  ['blk.{n}.attn_output', 'transformer.h.{n}.attn.c_proj', 'transposed'],
  ['blk.{n}.ffn_norm', 'transformer.h.{n}.ln_2'],
  ['blk.{n}.ffn_up', 'transformer.h.{n}.mlp.c_fc', 'transposed'],
  ['blk.{n}.ffn_down', 'transformer.h.{n}.mlp.c_proj', 'transposed'],
]

const TABLES = {
  llama: LLAMA,
  mixtral: [...ENDS, ...NORMS, ...ATTENTION_INTERLEAVED, ...MIXTRAL_EXPERTS],
  granite: LLAMA,
  granitemoe: [
    ...ENDS,
    ...NORMS,
    ...ATTENTION_INTERLEAVED,
    ...expertsBehind('block_sparse_moe.router.layer'),
  ],
  smollm3: LLAMA,
  qwen2: [...QWEN, ...MLP],
  qwen2moe: [...QWEN, ...EXPERTS, ...SHARED_EXPERT],
  qwen3: [...QWEN, ...QK_NORMS, ...MLP],
  qwen3moe: [...QWEN, ...QK_NORMS, ...MLP, ...EXPERTS],
  olmo2: [...ENDS, ...NORMS_AFTER, ...ATTENTION, ...QK_NORMS, ...MLP],
  olmoe: [...QWEN, ...QK_NORMS, ...EXPERTS],
  gemma: [...GEMMA, ...plusOne(NORMS)],
  gemma2: GEMMA_2,
  gemma3: [...GEMMA_2, ...plusOne(QK_NORMS)],
  phi3: PHI_3,
  'gpt-oss': GPT_OSS,
  gpt2: GPT_2,
} as const satisfies Record<string, readonly Line[]>

export type NameTable = keyof typeof TABLES

/** Tensors that hold no weights: they become fields of the config, or follow from it. */
export const DERIVED_TENSORS =
  /^(rope_freqs|rope_factors_(long|short)|blk\.\d+\.(attn_rot_embd|rope_freqs))(\.weight)?$/

/** The name table called as an architecture is, null when there is none. */
export function nameTable(architecture: string): NameTable | null {
  return Object.hasOwn(TABLES, architecture) ? (architecture as NameTable) : null
}

/** The name table of an architecture. */
export function tensorNames(table: NameTable): readonly TensorName[] {
  return TABLES[table].map(([gguf, hf, quirk]: Line) => ({ gguf, hf, quirk: quirk ?? null }))
}

/** Where a tensor of a file belongs. */
export interface PlacedName {
  /** `{e}` is left standing where the tensor holds all experts. */
  hf: string
  quirk: QuirkKind | null
}

/** Numbers between dots: the layer, then the expert. */
const INDEX = /\.(\d+)(?=\.|$)/g

const PLACES = ['{n}', '{e}'] as const

/** A name with its numbers taken out; null when one is written in another way, such as `01`. */
function patternOf(name: string): { pattern: string; numbers: string[] } | null {
  const numbers = [...name.matchAll(INDEX)].map(([, digits = '']) => digits)
  if (numbers.some((digits) => String(Number(digits)) !== digits)) return null
  let place = 0
  return { pattern: name.replace(INDEX, () => `.${PLACES[place++] ?? '?'}`), numbers }
}

function fill(pattern: string, numbers: readonly string[]): string {
  return numbers.reduce((name, digits, n) => name.replace(PLACES[n] ?? '?', digits), pattern)
}

/** Looks names up in a table, either way. */
export class NameMap {
  readonly #byGguf: ReadonlyMap<string, TensorName>
  readonly #byHf: ReadonlyMap<string, TensorName>

  constructor(table: NameTable) {
    const names = tensorNames(table)
    this.#byGguf = new Map(names.map((name) => [name.gguf, name]))
    // Where two names of a file mean one of the checkpoint, the first is today's.
    this.#byHf = new Map(names.toReversed().map((name) => [name.hf, name]))
  }

  /** The checkpoint's name of a tensor, null when the architecture has none of that name. */
  place(name: string): PlacedName | null {
    const [, stem = name, suffix = ''] = /^(.*?)(\.weight|\.bias)?$/s.exec(name) ?? []
    const taken = patternOf(stem)
    const mapping = taken && this.#byGguf.get(taken.pattern)
    if (!taken || !mapping) return null
    // Biases are vectors, which lie the same either way.
    const quirk = suffix === '.bias' && mapping.quirk === 'transposed' ? null : mapping.quirk
    return { hf: fill(mapping.hf, taken.numbers) + suffix, quirk }
  }

  /** The file's name of a module, without `.weight`; null when the file has none or keeps it in one tensor with others. */
  fileName(module: string): { gguf: string; quirk: QuirkKind | null } | null {
    const taken = patternOf(module)
    const mapping = taken && this.#byHf.get(taken.pattern)
    if (!taken || !mapping) return null
    const gguf = fill(mapping.gguf, taken.numbers)
    return taken.numbers.length > 1 && !mapping.gguf.includes('{e}') ? null : { gguf, quirk: mapping.quirk }
  }
}
