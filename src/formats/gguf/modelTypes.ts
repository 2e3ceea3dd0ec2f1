/** What llama.cpp calls the architecture of a `model_type`, where its files have a name table here. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  llama: 'llama',
  mistral: 'llama',
  granite: 'granite',
  smollm3: 'smollm3',
  qwen2: 'qwen2',
  qwen3: 'qwen3',
  olmo2: 'olmo2',
  olmo3: 'olmo2',
  gemma: 'gemma',
  gemma2: 'gemma2',
  gemma3: 'gemma3',
  gemma3_text: 'gemma3',
  phi3: 'phi3',
  gpt2: 'gpt2',
}

/** Null where there is none. */
export function ggufArchitecture(modelType: string): string | null {
  return Object.hasOwn(ARCHITECTURES, modelType) ? (ARCHITECTURES[modelType] ?? null) : null
}
