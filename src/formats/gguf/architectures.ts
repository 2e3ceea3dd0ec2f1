import type { ArchitectureFields } from './archFields.ts'
import type { NameTable } from './names.ts'

/** A `config.json` as Transformers' config class of the architecture has it. */
export type HfConfig = Record<string, unknown>

/** An architecture of GGUF: which names its tensors have, and what its config says beyond the usual fields. */
export interface GgufArchitecture {
  /** `general.architecture`. */
  name: string
  names(fields: ArchitectureFields): NameTable
  config(fields: ArchitectureFields): HfConfig
}

/** Fields that nearly every decoder has. */
function decoder(fields: ArchitectureFields, modelType: string, className: string): HfConfig {
  return {
    model_type: modelType,
    architectures: [className],
    hidden_size: fields.hidden,
    num_hidden_layers: fields.layers,
    num_attention_heads: fields.heads,
    num_key_value_heads: fields.kvHeads,
    head_dim: fields.headDim,
    max_position_embeddings: fields.context,
    rms_norm_eps: fields.positive('attention.layer_norm_rms_epsilon'),
    hidden_act: 'silu',
    ...fields.rope(),
  }
}

const dense = (fields: ArchitectureFields): HfConfig => ({ intermediate_size: fields.feedForward })

/** Which attention each layer has: every `period`-th sees all, the others a window, unless the file says otherwise. */
function layerTypes(fields: ArchitectureFields, period: number): string[] {
  const full = fields.fullAttentionLayers(period)
  return full.map((isFull) => (isFull ? 'full_attention' : 'sliding_attention'))
}

function experts(fields: ArchitectureFields): HfConfig {
  return {
    num_experts: fields.count('expert_count', { min: 1, max: 4096 }),
    num_experts_per_tok: fields.count('expert_used_count', { min: 1, max: 4096 }),
    moe_intermediate_size: fields.count('expert_feed_forward_length', { min: 1 }),
  }
}

function localExperts(fields: ArchitectureFields): HfConfig {
  return {
    num_local_experts: fields.count('expert_count', { min: 1, max: 4096 }),
    num_experts_per_tok: fields.count('expert_used_count', { min: 1, max: 4096 }),
  }
}

function gemma(fields: ArchitectureFields, modelType: string, className: string): HfConfig {
  const activation = 'gelu_pytorch_tanh'
  return {
    ...decoder(fields, modelType, className),
    ...dense(fields),
    hidden_act: activation,
    hidden_activation: activation,
  }
}

/** Queries are scaled by 1/√head size, but in the largest of each family by 1/√(width / heads). */
function queryScalar(fields: ArchitectureFields, layersOfTheLargest: number): number {
  return fields.layers === layersOfTheLargest ? fields.hidden / fields.heads : fields.headDim
}

const llama: GgufArchitecture = {
  name: 'llama',
  names: (fields) => (isMixtral(fields) ? 'mixtral' : 'llama'),
  config(fields) {
    if (isMixtral(fields)) {
      return {
        ...decoder(fields, 'mixtral', 'MixtralForCausalLM'),
        ...dense(fields),
        ...localExperts(fields),
        sliding_window: null,
      }
    }
    return {
      ...decoder(fields, 'llama', 'LlamaForCausalLM'),
      ...dense(fields),
      attention_bias: fields.hasTensor('blk.0.attn_q.bias'),
      mlp_bias: fields.hasTensor('blk.0.ffn_up.bias'),
    }
  },
}

function isMixtral(fields: ArchitectureFields): boolean {
  return fields.count('expert_count', { fallback: 0, max: 4096 }) > 0
}

function granitesOwn(fields: ArchitectureFields): HfConfig {
  return {
    attention_bias: fields.hasTensor('blk.0.attn_q.bias'),
    attention_multiplier: fields.positive('attention.scale', 1 / Math.sqrt(fields.headDim)),
    embedding_multiplier: fields.positive('embedding_scale', 1),
    residual_multiplier: fields.positive('residual_scale', 1),
    logits_scaling: fields.positive('logit_scale', 1),
  }
}

const granite: GgufArchitecture = {
  name: 'granite',
  names: () => 'granite',
  config: (fields) => ({
    ...decoder(fields, 'granite', 'GraniteForCausalLM'),
    ...dense(fields),
    ...granitesOwn(fields),
    mlp_bias: fields.hasTensor('blk.0.ffn_up.bias'),
  }),
}

const granitemoe: GgufArchitecture = {
  name: 'granitemoe',
  names: () => 'granitemoe',
  config(fields) {
    const isShared = fields.count('expert_shared_feed_forward_length', { fallback: 0 }) > 0
    const [modelType, className] = isShared
      ? (['granitemoeshared', 'GraniteMoeSharedForCausalLM'] as const)
      : (['granitemoe', 'GraniteMoeForCausalLM'] as const)
    return {
      ...decoder(fields, modelType, className),
      ...dense(fields),
      ...granitesOwn(fields),
      ...localExperts(fields),
    }
  },
}

const gptOss: GgufArchitecture = {
  name: 'gpt-oss',
  names: () => 'gpt-oss',
  config(fields) {
    const { rope_scaling: scaling, ...decoded } = decoder(fields, 'gpt_oss', 'GptOssForCausalLM')
    return {
      ...decoded,
      intermediate_size: fields.count('expert_feed_forward_length', { fallback: fields.feedForward, min: 1 }),
      ...localExperts(fields),
      attention_bias: fields.hasTensor('blk.0.attn_q.bias'),
      sliding_window: fields.slidingWindow() ?? 128,
      layer_types: layerTypes(fields, 2),
      // The model was trained with a ramp whose ends are not rounded, which no file says.
      rope_scaling: scaling === undefined ? { rope_type: 'default' } : { ...scaling, truncate: false },
    }
  },
}

const smollm3: GgufArchitecture = {
  name: 'smollm3',
  names: () => 'smollm3',
  config: (fields) => ({
    ...decoder(fields, 'smollm3', 'SmolLM3ForCausalLM'),
    ...dense(fields),
    // No file says which layers go without positions: every fourth, as in the one model there is.
    no_rope_layer_interval: 4,
    no_rope_layers: Array.from({ length: fields.layers }, (_, n) => ((n + 1) % 4 === 0 ? 0 : 1)),
    use_sliding_window: false,
    attention_bias: false,
    mlp_bias: false,
  }),
}

const qwen2: GgufArchitecture = {
  name: 'qwen2',
  names: () => 'qwen2',
  config: (fields) => ({
    ...decoder(fields, 'qwen2', 'Qwen2ForCausalLM'),
    ...dense(fields),
    use_sliding_window: false,
  }),
}

const qwen2moe: GgufArchitecture = {
  name: 'qwen2moe',
  names: () => 'qwen2moe',
  config: (fields) => ({
    ...decoder(fields, 'qwen2_moe', 'Qwen2MoeForCausalLM'),
    ...dense(fields),
    ...experts(fields),
    shared_expert_intermediate_size: fields.count('expert_shared_feed_forward_length', { min: 1 }),
    norm_topk_prob: false,
    decoder_sparse_step: 1,
    mlp_only_layers: [],
    use_sliding_window: false,
  }),
}

const qwen3: GgufArchitecture = {
  name: 'qwen3',
  names: () => 'qwen3',
  config: (fields) => ({
    ...decoder(fields, 'qwen3', 'Qwen3ForCausalLM'),
    ...dense(fields),
    attention_bias: fields.hasTensor('blk.0.attn_q.bias'),
    use_sliding_window: false,
  }),
}

const qwen3moe: GgufArchitecture = {
  name: 'qwen3moe',
  names: () => 'qwen3moe',
  config: (fields) => ({
    ...decoder(fields, 'qwen3_moe', 'Qwen3MoeForCausalLM'),
    ...dense(fields),
    ...experts(fields),
    norm_topk_prob: true,
    decoder_sparse_step: 1,
    mlp_only_layers: [],
    attention_bias: fields.hasTensor('blk.0.attn_q.bias'),
    use_sliding_window: false,
  }),
}

/** OLMo 2 and, told by its window, OLMo 3. */
const olmo2: GgufArchitecture = {
  name: 'olmo2',
  names: () => 'olmo2',
  config(fields) {
    const bias = { attention_bias: fields.hasTensor('blk.0.attn_q.bias') }
    const window = fields.slidingWindow()
    if (window === null) return { ...decoder(fields, 'olmo2', 'Olmo2ForCausalLM'), ...dense(fields), ...bias }
    return {
      ...decoder(fields, 'olmo3', 'Olmo3ForCausalLM'),
      ...dense(fields),
      ...bias,
      sliding_window: window,
      layer_types: layerTypes(fields, 4),
    }
  },
}

const olmoe: GgufArchitecture = {
  name: 'olmoe',
  names: () => 'olmoe',
  config: (fields) => ({
    ...decoder(fields, 'olmoe', 'OlmoeForCausalLM'),
    ...dense(fields),
    num_experts: fields.count('expert_count', { min: 1, max: 4096 }),
    num_experts_per_tok: fields.count('expert_used_count', { min: 1, max: 4096 }),
    norm_topk_prob: false,
    clip_qkv: fields.has('attention.clamp_kqv') ? fields.positive('attention.clamp_kqv') : null,
    attention_bias: false,
  }),
}

const gemma1: GgufArchitecture = {
  name: 'gemma',
  names: () => 'gemma',
  config: (fields) => gemma(fields, 'gemma', 'GemmaForCausalLM'),
}

const gemma2: GgufArchitecture = {
  name: 'gemma2',
  names: () => 'gemma2',
  config: (fields) => ({
    ...gemma(fields, 'gemma2', 'Gemma2ForCausalLM'),
    query_pre_attn_scalar: queryScalar(fields, 46),
    attn_logit_softcapping: fields.positive('attn_logit_softcapping', 50),
    final_logit_softcapping: fields.positive('final_logit_softcapping', 30),
    sliding_window: fields.slidingWindow() ?? 4096,
    layer_types: layerTypes(fields, 2),
  }),
}

const gemma3: GgufArchitecture = {
  name: 'gemma3',
  names: () => 'gemma3',
  config: (fields) => ({
    ...gemma(fields, 'gemma3_text', 'Gemma3ForCausalLM'),
    query_pre_attn_scalar: queryScalar(fields, 62),
    attn_logit_softcapping: null,
    final_logit_softcapping: fields.has('final_logit_softcapping')
      ? fields.positive('final_logit_softcapping')
      : null,
    sliding_window: fields.count('attention.sliding_window', { min: 1 }),
    sliding_window_pattern: 6,
    layer_types: layerTypes(fields, 6),
    // Layers with a window keep the base of short contexts, which most files leave unsaid.
    rope_local_base_freq: fields.positive('rope.freq_base_swa', 10_000),
  }),
}

const phi3: GgufArchitecture = {
  name: 'phi3',
  names: () => 'phi3',
  config: (fields) => ({
    ...decoder(fields, 'phi3', 'Phi3ForCausalLM'),
    ...dense(fields),
    sliding_window: fields.slidingWindow(),
    ...(fields.has('rope.scaling.original_context_length')
      ? { original_max_position_embeddings: fields.count('rope.scaling.original_context_length', { min: 1 }) }
      : {}),
  }),
}

const gpt2: GgufArchitecture = {
  name: 'gpt2',
  names: () => 'gpt2',
  config: (fields) => ({
    model_type: 'gpt2',
    architectures: ['GPT2LMHeadModel'],
    n_embd: fields.hidden,
    n_layer: fields.layers,
    n_head: fields.heads,
    n_positions: fields.context,
    n_inner: fields.feedForward,
    layer_norm_epsilon: fields.positive('attention.layer_norm_epsilon'),
    activation_function: 'gelu_new',
  }),
}

/** Every architecture that is read. A new one is a record here and a table in names.ts. */
export const GGUF_ARCHITECTURES: readonly GgufArchitecture[] = [
  llama,
  granite,
  granitemoe,
  smollm3,
  qwen2,
  qwen2moe,
  qwen3,
  qwen3moe,
  olmo2,
  olmoe,
  gemma1,
  gemma2,
  gemma3,
  phi3,
  gptOss,
  gpt2,
]
