import { ConfigReader } from '../formats/configReader.ts'
import type { TensorInfo } from '../formats/tensors.ts'
import type { Architecture } from './architecture.ts'
import { bert, roberta } from './bert.ts'
import { cohere2 } from './cohere2.ts'
import { distilBert } from './distilBert.ts'
import { exaone4 } from './exaone4.ts'
import { falcon } from './falcon.ts'
import { gemma2 } from './gemma2.ts'
import { gemma3 } from './gemma3.ts'
import { glm4 } from './glm4.ts'
import { gpt2 } from './gpt2.ts'
import { gptNeox } from './gptNeox.ts'
import { granite, hyperclovax } from './granite.ts'
import { graniteHybrid } from './graniteHybrid.ts'
import { llama, mistral, qwen2 } from './llama.ts'
import { ministral3 } from './ministral3.ts'
import { modernBert } from './modernBert.ts'
import { olmo2, olmo3 } from './olmo2.ts'
import { opt } from './opt.ts'
import { phi } from './phi.ts'
import { phi3 } from './phi3.ts'
import { qwen3 } from './qwen3.ts'
import { smollm3 } from './smollm3.ts'
import { stablelm } from './stablelm.ts'
import { starcoder2 } from './starcoder2.ts'
import type { ModelDescription } from './spec.ts'

/** Every architecture there is. A new one is a file beside these and a line here. */
export const ARCHITECTURES: readonly Architecture[] = [
  llama,
  mistral,
  qwen2,
  gpt2,
  qwen3,
  gemma2,
  gemma3,
  bert,
  cohere2,
  distilBert,
  exaone4,
  falcon,
  glm4,
  gptNeox,
  granite,
  graniteHybrid,
  hyperclovax,
  ministral3,
  modernBert,
  olmo2,
  olmo3,
  opt,
  phi,
  phi3,
  roberta,
  smollm3,
  stablelm,
  starcoder2,
]

/**
 * The description of a model from its parsed `config.json` and the tensors of its checkpoint.
 *
 * @throws `unsupported` for what is known but not built (model type, activation, RoPE scaling, quantised weights),
 * `bad-file` for values that contradict themselves or the tensors; both name the file and the field.
 */
export function describeModel(
  config: unknown,
  tensors: ReadonlyMap<string, TensorInfo>,
  file = 'config.json',
): ModelDescription {
  const reader = new ConfigReader(config, file)
  const modelType = reader.text('model_type')
  const architecture = ARCHITECTURES.find(({ modelTypes }) => modelTypes.includes(modelType))
  if (!architecture) {
    const known = ARCHITECTURES.flatMap(({ modelTypes }) => modelTypes).join(', ')
    throw reader.fail('model_type', `one of ${known}`, 'unsupported')
  }
  if (reader.get('quantization_config') !== undefined) {
    const hint = 'Use the unquantised checkpoint; weights can be quantised here while loading.'
    throw reader.fail('quantization_config', 'none', 'unsupported', hint)
  }
  return architecture.open(reader, tensors)
}
