import type { AdapterScale, Model } from '../../../../api/model.ts'
import { throwIfAborted } from '../../../../errors.ts'
import type { EncodedExample } from './encodeRecords.ts'

/** How many of so many prompts were answered word for word. */
export interface ExactCount {
  exact: number
  of: number
}

interface Asked {
  adapters: readonly AdapterScale[]
  signal: AbortSignal
  /** Hears how many have been asked. */
  onAsked: (count: number) => void
}

/** Examples that have one right answer, and were not cut short. */
export const answerable = (examples: readonly EncodedExample[]): readonly EncodedExample[] =>
  examples.filter(({ answer, cut }) => answer !== null && cut === 0)

/** Tokens that an answer may take more than its own: the same words may be cut otherwise. */
const SPARE_TOKENS = 8

/** True if the model, asked greedily, answers word for word and ends there. It is stopped at the first word that differs. */
async function answersExactly(
  model: Pick<Model, 'generate'>,
  { ids, promptIds, answer }: EncodedExample,
  { adapters, signal }: Omit<Asked, 'onAsked'>,
): Promise<boolean> {
  const maxTokens = ids.length - promptIds.length + SPARE_TOKENS
  const options = { adapters, signal, temperature: 0, topLogprobs: 1, maxTokens }
  let text = ''
  for await (const token of model.generate(promptIds, options)) {
    text += token.text
    if (answer === null || !answer.startsWith(text)) return false
    if (token.finish === 'stop') return text === answer
  }
  return false
}

/** Asks for every answer, one after the other. */
export async function countExact(
  model: Pick<Model, 'generate'>,
  examples: readonly EncodedExample[],
  { onAsked, ...under }: Asked,
): Promise<ExactCount> {
  let exact = 0
  for (const [at, example] of examples.entries()) {
    throwIfAborted(under.signal)
    const isExact = await answersExactly(model, example, under)
    // An answer that was cut off says nothing.
    throwIfAborted(under.signal)
    if (isExact) exact += 1
    onAsked(at + 1)
  }
  return { exact, of: examples.length }
}
