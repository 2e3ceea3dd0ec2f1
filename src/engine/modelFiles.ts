import type { JsonValue } from '../formats/strictJson.ts'
import type { Checkpoint } from '../formats/tensors.ts'
import type { TokenizerFiles } from '../text/tokenizer.ts'

/** What may stand beside weights in a folder without a listing. */
export const COMPANIONS = [
  'config.json',
  'tokenizer.json',
  'vocab.json',
  'merges.txt',
  'tokenizer.model',
  'tokenizer_config.json',
  'generation_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.json',
  'chat_template.jinja',
] as const

/** What a model source holds, whichever way its files are laid out. */
export interface ModelFiles {
  readonly label: string
  /** What config.json says, or would. */
  readonly config: JsonValue
  readonly checkpoint: Checkpoint
  /** Lasting remarks on the files. */
  readonly remarks: readonly string[]
  /** Files of the tokenizer of a model with so many rows of embedding; null when there is none. */
  tokenizer(vocabRows: number, signal?: AbortSignal): Promise<TokenizerFiles | null>
  /** What stands beside the weights: configuration and tokenizer, as Hugging Face lays them out. */
  companions(): Promise<Map<string, Uint8Array>>
}
