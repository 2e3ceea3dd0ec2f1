import { architecture } from './architecture.ts'
import { parseDecoder, parseOptional } from './common.ts'
import { parseExperts, type ExpertPlaces } from './experts.ts'
import { LLAMA_TENSORS } from './llama.ts'
import { recordMixture, type MixtureSpec } from './mixtral.ts'

const PLACES: ExpertPlaces = {
  router: ['mlp.gate'],
  at: 'mlp.experts',
  fused: [['mlp.experts.gate_up_proj', 'mlp.experts.down_proj']],
}

interface OlmoeSpec extends MixtureSpec {
  /** Bound on queries, keys and values. */
  readonly clip: number | null
}

/** OLMoE (Muennighoff et al. 2024): queries and keys are normed over their whole width. */
export const olmoe = architecture<OlmoeSpec>({
  tensors: LLAMA_TENSORS,
  parse(config) {
    const decoder = parseDecoder(config, {
      positions: 4096,
      bos: [],
      eos: [50_279],
      norm: { eps: 1e-5 },
      intermediate: { field: 'intermediate_size', fallback: 2048 },
    })
    const bias = config.flag('attention_bias', false)
    const sizes = parseExperts(
      config,
      { count: ['num_experts', 'num_local_experts'], width: 'intermediate_size' },
      { count: 64, chosen: 8, width: decoder.intermediate },
    )
    const over = config.flag('norm_topk_prob', false) ? 'chosen' : 'all'
    const gate = { activation: decoder.activation }
    return {
      ...decoder,
      bias: { qkv: bias, o: bias, mlp: false },
      clip: parseOptional(config, 'clip_qkv', null),
      experts: { ...sizes, over, gate, bias: false, shared: null },
    }
  },
  record: (p, s) => recordMixture(p, s, PLACES, { qkNorm: { norm: s.norm, over: 'row' }, clip: s.clip }),
})
