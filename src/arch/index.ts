import { ConfigReader } from '../formats/configReader.ts'
import type { TensorInfo } from '../formats/tensors.ts'
import type { Architecture } from './architecture.ts'
import type { ModelDescription } from './spec.ts'

type LoadArchitecture = () => Promise<Architecture>

/** Every architecture there is by its `model_type`, read when a model asks for it. A new one is a file beside these and a line here. */
export const ARCHITECTURES: Readonly<Record<string, LoadArchitecture>> = {
  llama: async () => (await import('./llama.ts')).llama,
  mistral: async () => (await import('./llama.ts')).mistral,
  qwen2: async () => (await import('./llama.ts')).qwen2,
  gpt2: async () => (await import('./gpt2.ts')).gpt2,
  qwen3: async () => (await import('./qwen3.ts')).qwen3,
  gemma2: async () => (await import('./gemma2.ts')).gemma2,
  gemma3_text: async () => (await import('./gemma3.ts')).gemma3,
  bert: async () => (await import('./bert.ts')).bert,
  camembert: async () => (await import('./roberta.ts')).roberta,
  cohere2: async () => (await import('./cohere2.ts')).cohere2,
  distilbert: async () => (await import('./distilBert.ts')).distilBert,
  exaone4: async () => (await import('./exaone4.ts')).exaone4,
  falcon: async () => (await import('./falcon.ts')).falcon,
  glm4: async () => (await import('./glm4.ts')).glm4,
  gpt_neox: async () => (await import('./gptNeox.ts')).gptNeox,
  granite: async () => (await import('./granite.ts')).granite,
  granitemoehybrid: async () => (await import('./graniteHybrid.ts')).graniteHybrid,
  hyperclovax: async () => (await import('./granite.ts')).hyperclovax,
  ministral3: async () => (await import('./ministral3.ts')).ministral3,
  modernbert: async () => (await import('./modernBert.ts')).modernBert,
  olmo2: async () => (await import('./olmo2.ts')).olmo2,
  olmo3: async () => (await import('./olmo2.ts')).olmo3,
  opt: async () => (await import('./opt.ts')).opt,
  phi: async () => (await import('./phi.ts')).phi,
  phi3: async () => (await import('./phi3.ts')).phi3,
  roberta: async () => (await import('./roberta.ts')).roberta,
  smollm3: async () => (await import('./smollm3.ts')).smollm3,
  stablelm: async () => (await import('./stablelm.ts')).stablelm,
  mixtral: async () => (await import('./mixtral.ts')).mixtral,
  qwen2_moe: async () => (await import('./qwenMoe.ts')).qwen2Moe,
  qwen3_moe: async () => (await import('./qwenMoe.ts')).qwen3Moe,
  olmoe: async () => (await import('./olmoe.ts')).olmoe,
  granitemoe: async () => (await import('./graniteMoe.ts')).graniteMoe,
  gpt_oss: async () => (await import('./gptOss.ts')).gptOss,
  starcoder2: async () => (await import('./starcoder2.ts')).starcoder2,
  'xlm-roberta': async () => (await import('./roberta.ts')).roberta,
}

/** What reads the architecture that a config names. @throws `unsupported` for a model type or a quantisation that is not built. */
export function findArchitecture(config: ConfigReader): LoadArchitecture {
  const modelType = config.text('model_type')
  const load = Object.hasOwn(ARCHITECTURES, modelType) ? ARCHITECTURES[modelType] : undefined
  if (!load) {
    const supported = Object.keys(ARCHITECTURES).join(', ')
    throw config.fail('model_type', `one of ${supported}`, 'unsupported')
  }
  if (config.get('quantization_config') !== undefined) {
    const hint = 'Use the unquantised checkpoint; weights can be quantised here while loading.'
    throw config.fail('quantization_config', 'none', 'unsupported', hint)
  }
  return load
}

/**
 * The description of a model from its parsed `config.json` and the tensors of its checkpoint.
 *
 * @throws `unsupported` for what is known but not built (model type, activation, RoPE scaling, quantised weights),
 * `bad-file` for values that contradict themselves or the tensors; both name the file and the field.
 */
export async function describeModel(
  config: unknown,
  tensors: ReadonlyMap<string, TensorInfo>,
  file = 'config.json',
): Promise<ModelDescription> {
  const reader = new ConfigReader(config, file)
  const architecture = await findArchitecture(reader)()
  return architecture.open(reader, tensors)
}
