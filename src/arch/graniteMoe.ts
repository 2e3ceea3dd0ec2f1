import { architecture } from './architecture.ts'
import { mixture, parseExperts, type ExpertPlaces } from './experts.ts'
import { parseGranite, recordGranite, type GraniteSpec } from './granite.ts'
import { LLAMA_TENSORS } from './llama.ts'
import type { MixtureSpec } from './mixtral.ts'

const PLACES: ExpertPlaces = {
  router: ['block_sparse_moe.router.layer', 'block_sparse_moe.router'],
  at: 'mlp.experts',
  fused: [
    ['block_sparse_moe.input_linear.weight', 'block_sparse_moe.output_linear.weight'],
    ['block_sparse_moe.experts.gate_up_proj', 'block_sparse_moe.experts.down_proj'],
  ],
  isFused: true,
}

/** Granite 3 MoE (IBM 2024): Granite's factors around experts, whose weights are a softmax over those a row takes. */
export const graniteMoe = architecture<GraniteSpec & MixtureSpec>({
  tensors: LLAMA_TENSORS,
  parse(config) {
    const spec = parseGranite(config, { intermediate: { field: 'intermediate_size', fallback: 11_008 } })
    const sizes = parseExperts(
      config,
      { count: ['num_local_experts'], width: 'intermediate_size' },
      { count: 8, chosen: 2, width: spec.intermediate },
    )
    const gate = { activation: spec.activation }
    return { ...spec, experts: { ...sizes, over: 'chosen', gate, bias: false, shared: null } }
  },
  record: (p, s) => recordGranite(p, s, (h) => mixture(p, s, h, s.experts, PLACES)),
})
