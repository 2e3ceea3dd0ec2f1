import { architecture } from './architecture.ts'
import { parseDecoder } from './common.ts'
import { parseExperts, type ExpertPlaces } from './experts.ts'
import { LLAMA_TENSORS } from './llama.ts'
import { recordMixture, type MixtureSpec } from './mixtral.ts'

const PLACES: ExpertPlaces = {
  router: ['mlp.gate'],
  at: 'mlp.experts',
  whole: [['mlp.experts.gate_up_proj', 'mlp.experts.down_proj']],
}

/** OLMoE (Muennighoff et al. 2024): queries and keys are normed over their whole width. */
export const olmoe = architecture<MixtureSpec>({
  tensors: LLAMA_TENSORS,
  parse(config) {
    if (config.get('clip_qkv') !== undefined) throw config.fail('clip_qkv', 'null', 'unsupported')
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
      experts: { ...sizes, over, gate, bias: false, shared: null },
    }
  },
  record: (p, s) => recordMixture(p, s, PLACES, { qkNorm: { norm: s.norm, over: 'row' } }),
})
