import type { ConfigReader } from '../formats/configReader.ts'
import { architecture } from './architecture.ts'
import { attention, gatedMlp, type AttentionOptions } from './blocks.ts'
import { parseDecoder, parseLayerTypes, windowBy, type DecoderDefaults } from './common.ts'
import { mixture, parseExperts, parseSparseLayers, type ExpertPlaces, type ExpertsSpec } from './experts.ts'
import { LLAMA_TENSORS } from './llama.ts'
import type { MixtureSpec } from './mixtral.ts'
import type { ModelRecorder } from './recorder.ts'
import type { DecoderSpec } from './spec.ts'

interface QwenMoeSpec extends MixtureSpec {
  /** Layers with experts; the others have an MLP. */
  readonly isSparse: (layer: number) => boolean
}

const PLACES: ExpertPlaces = {
  router: ['mlp.gate'],
  at: 'mlp.experts',
  fused: [['mlp.experts.gate_up_proj', 'mlp.experts.down_proj']],
}

const QWEN: DecoderDefaults = { positions: 32_768, bos: [], eos: [] }

function parseQwenExperts(
  config: ConfigReader,
  { activation }: DecoderSpec,
  defaults: { count: number; chosen: number; width: number },
): Omit<ExpertsSpec, 'shared'> {
  const fields = { count: ['num_experts', 'num_local_experts'], width: 'moe_intermediate_size' }
  const over = config.flag('norm_topk_prob', false) ? 'chosen' : 'all'
  return { ...parseExperts(config, fields, defaults), over, gate: { activation }, bias: false }
}

function record(p: ModelRecorder, s: QwenMoeSpec, options: AttentionOptions): void {
  const embed = p.embed('embed_tokens.weight', [s.vocab, s.hidden])
  let x = embed
  for (const layer of p.layers(s.layers, 'layers')) {
    x = p.add('resid_attn', x, attention(p, s, p.norm('attn_norm', x, 'input_layernorm', s.norm), options))
    const h = p.norm('mlp_norm', x, 'post_attention_layernorm', s.norm)
    x = p.add('resid', x, s.isSparse(layer) ? mixture(p, s, h, s.experts, PLACES) : gatedMlp(p, s, h))
  }
  p.logits(embed, s.vocab, () => p.norm('final_norm', x, 'norm', s.norm))
}

/** Qwen1.5-MoE and Qwen2-MoE (Yang et al. 2024): an expert that every row takes beside those it chooses. */
export const qwen2Moe = architecture<QwenMoeSpec>({
  tensors: LLAMA_TENSORS,
  parse(config) {
    const intermediate = { field: 'intermediate_size', fallback: 5632 }
    const decoder = parseDecoder(config, { ...QWEN, intermediate, kvHeads: { fallback: 16 } })
    const uses = config.flag('use_sliding_window', false)
    const window = uses ? config.count('sliding_window', { fallback: 4096 }) : null
    const first = config.count('max_window_layers', { fallback: 28, min: 0 })
    const isSliding = parseLayerTypes(config, decoder.layers, (n) => n % 2 === 0 && n < first)
    const shared = config.count('shared_expert_intermediate_size', { fallback: 5632 })
    const experts = parseQwenExperts(config, decoder, { count: 60, chosen: 4, width: 1408 })
    return {
      ...decoder,
      bias: { qkv: config.flag('qkv_bias', true), o: false, mlp: false },
      window: windowBy(isSliding, window),
      experts: { ...experts, shared },
      isSparse: parseSparseLayers(config),
    }
  },
  record: (p, s) => record(p, s, {}),
})

/** Qwen3-MoE (Yang et al. 2025): norms over query and key heads, no shared expert. */
export const qwen3Moe = architecture<QwenMoeSpec>({
  tensors: LLAMA_TENSORS,
  parse(config) {
    const intermediate = { field: 'intermediate_size', fallback: 6144 }
    const decoder = parseDecoder(config, { ...QWEN, intermediate, kvHeads: { fallback: 4 } })
    const bias = config.flag('attention_bias', false)
    const uses = config.flag('use_sliding_window', false)
    const window = uses ? config.count('sliding_window', { fallback: 4096 }) : null
    const experts = parseQwenExperts(config, decoder, { count: 128, chosen: 8, width: 768 })
    return {
      ...decoder,
      bias: { qkv: bias, o: bias, mlp: false },
      window: () => window,
      experts: { ...experts, shared: null },
      isSparse: parseSparseLayers(config),
    }
  },
  record: (p, s) => record(p, s, { qkNorm: { norm: s.norm } }),
})
