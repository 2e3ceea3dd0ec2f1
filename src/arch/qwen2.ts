import type { Architecture } from './common.ts'
import { parseLlamaFamily } from './llama.ts'

/** Qwen2 and Qwen2.5: the Llama body with biases on q, k and v. */
export const qwen2: Architecture = {
  modelTypes: ['qwen2'],
  parse: (config, tensors) =>
    parseLlamaFamily(config, tensors, {
      bias: { qkv: true, o: false, mlp: false },
      // Off in every published model, which nevertheless states a window.
      slidingWindow: config.flag('use_sliding_window', false)
        ? config.count('sliding_window', { fallback: 4096 })
        : null,
      defaults: { positions: 32_768, bos: [], eos: [] },
    }),
}
