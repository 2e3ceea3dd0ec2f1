import { architecture } from './architecture.ts'
import { attention, type AttentionOptions } from './blocks.ts'
import { always, parseDecoder, parseOptional } from './common.ts'
import { mixture, parseExperts, type ExpertPlaces, type ExpertsSpec } from './experts.ts'
import { LLAMA_TENSORS } from './llama.ts'
import type { ModelRecorder } from './recorder.ts'
import { parseRope } from './rope.ts'
import type { DecoderSpec } from './spec.ts'

export interface MixtureSpec extends DecoderSpec {
  readonly experts: ExpertsSpec
}

const PLACES: ExpertPlaces = {
  router: ['block_sparse_moe.gate', 'mlp.gate'],
  at: 'block_sparse_moe.experts',
  modules: { gate: 'w1', up: 'w3', down: 'w2' },
  fused: [['mlp.experts.gate_up_proj', 'mlp.experts.down_proj']],
}

/** The Llama body with experts in the place of every MLP. */
export function recordMixture(
  p: ModelRecorder,
  s: MixtureSpec,
  places: ExpertPlaces,
  options: AttentionOptions = {},
): void {
  const embed = p.embed('embed_tokens.weight', [s.vocab, s.hidden])
  let x = embed
  for (const _ of p.layers(s.layers, 'layers')) {
    x = p.add('resid_attn', x, attention(p, s, p.norm('attn_norm', x, 'input_layernorm', s.norm), options))
    const h = p.norm('mlp_norm', x, 'post_attention_layernorm', s.norm)
    x = p.add('resid', x, mixture(p, s, h, s.experts, places))
  }
  p.logits(embed, s.vocab, () => p.norm('final_norm', x, 'norm', s.norm))
}

/** Mixtral (Jiang et al. 2024): weights of the experts a row takes add up to 1. */
export const mixtral = architecture<MixtureSpec>({
  tensors: LLAMA_TENSORS,
  parse(config) {
    const decoder = parseDecoder(config, {
      positions: 131_072,
      bos: [1],
      eos: [2],
      norm: { eps: 1e-5 },
      kvHeads: { fallback: 8 },
      intermediate: { field: 'intermediate_size', fallback: 14_336 },
      rope: (headDim, trained) => always(parseRope(config, headDim, trained, { theta: 1e6 })),
    })
    const window = parseOptional(config, 'sliding_window', null)
    const sizes = parseExperts(
      config,
      { count: ['num_local_experts', 'num_experts'], width: 'intermediate_size' },
      { count: 8, chosen: 2, width: decoder.intermediate },
    )
    const gate = { activation: decoder.activation }
    return {
      ...decoder,
      window: () => window,
      experts: { ...sizes, over: 'chosen', gate, bias: false, shared: null },
    }
  },
  record: (p, s) => recordMixture(p, s, PLACES),
})
