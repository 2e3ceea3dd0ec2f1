import type { ChatOptions } from '../api/chat.ts'
import type { ForwardOptions } from '../api/forward.ts'
import type { Prompt } from '../api/generate.ts'
import type { ModelInfo } from '../api/load.ts'
import type { Conditions } from '../run/conditions.ts'
import type { Runner } from '../run/runner.ts'
import type { TextTokenizer } from '../text/tokenizer.ts'

/** What decoding uses of the model it decodes with. */
export interface DecodeContext {
  readonly info: ModelInfo
  readonly runner: Runner
  readonly tokenizer: TextTokenizer | null
  /** Throws when the model was disposed of or its device has failed. */
  checkHealth(): void
  /** What a run is made under. */
  conditionsOf(options: ForwardOptions): Conditions
  /** Ids of a prompt; an empty text is the token that starts one. */
  promptIds(prompt: Prompt, chat?: ChatOptions): Promise<number[]>
  /** Runs work that owns buffers: `dispose` waits for it. */
  read<T>(work: () => Promise<T>): Promise<T>
}
