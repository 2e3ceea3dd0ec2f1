import { ConfigReader } from '../formats/configReader.ts'
import { architecture } from './architecture.ts'
import { always, parseDecoder, parseLayerTypes, parseOptional, windowBy } from './common.ts'
import { parseExperts, type ExpertPlaces } from './experts.ts'
import { LLAMA_TENSORS } from './llama.ts'
import { recordMixture, type MixtureSpec } from './mixtral.ts'
import { parseRope } from './rope.ts'

const PLACES: ExpertPlaces = {
  router: ['mlp.router'],
  at: 'mlp.experts',
  fused: [['mlp.experts.gate_up_proj', 'mlp.experts.down_proj']],
  isFused: true,
  turned: true,
}

/** The rotation of a config that says nothing of it. */
const YARN = {
  rope_type: 'yarn',
  factor: 32,
  beta_fast: 32,
  beta_slow: 1,
  truncate: false,
  original_max_position_embeddings: 4096,
}

function ropeConfig(config: ConfigReader): ConfigReader {
  if (config.section('rope_scaling') ?? config.section('rope_parameters')) return config
  const theta = config.positive('rope_theta', 150_000)
  return new ConfigReader({ rope_theta: theta, rope_scaling: YARN }, config.file)
}

/** gpt-oss (OpenAI 2025): a sink for each head, windows on every second layer, experts whose gates are bounded. */
export const gptOss = architecture<MixtureSpec>({
  tensors: LLAMA_TENSORS,
  parse(config) {
    const decoder = parseDecoder(config, {
      positions: 131_072,
      bos: [],
      eos: [],
      headDim: 64,
      kvHeads: { fallback: 8 },
      norm: { eps: 1e-5 },
      intermediate: { field: 'intermediate_size', fallback: 2880 },
      rope: (headDim, trained) => always(parseRope(ropeConfig(config), headDim, trained, { theta: 150_000 })),
    })
    const bias = config.flag('attention_bias', true)
    const isSliding = parseLayerTypes(config, decoder.layers, (n) => n % 2 === 0)
    const sizes = parseExperts(
      config,
      { count: ['num_local_experts', 'num_experts'], width: 'intermediate_size' },
      { count: 128, chosen: 4, width: decoder.intermediate },
    )
    const clamp = {
      limit: config.positive('swiglu_limit', 7),
      alpha: config.positive('swiglu_alpha', 1.702),
    }
    const gate = { activation: 'silu', clamp } as const
    return {
      ...decoder,
      bias: { qkv: bias, o: bias, mlp: false },
      window: windowBy(isSliding, parseOptional(config, 'sliding_window', 128)),
      experts: { ...sizes, over: 'chosen', gate, bias: true, shared: null },
    }
  },
  record: (p, s) => recordMixture(p, s, PLACES, { sinks: 'self_attn.sinks' }),
})
