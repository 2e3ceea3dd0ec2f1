import { createStopMatcher, type StopMatcher } from '../../text/stopMatcher.ts'
import type { Detokenizer } from '../../text/detokenizer.ts'
import type { TextTokenizer } from '../../text/tokenizer.ts'
import type { FinishReason, GeneratedToken } from '../../api/model.ts'
import type { CheckedOptions } from '../options.ts'
import { pushToken } from '../tokenStream.ts'
import type { Prediction } from './rowReader.ts'

interface WriterOptions {
  tokenizer: TextTokenizer | null
  prompt: readonly number[]
  /** Positions the model was loaded for. */
  context: number
  options: CheckedOptions
}

/** Turns chosen ids into a text that ends where plain generation would end it. */
export class TextWriter {
  /** Prompt and text. */
  readonly ids: number[]
  private readonly parts: WriterOptions
  private readonly matcher: StopMatcher
  private readonly detokenizer: Detokenizer | null

  constructor(parts: WriterOptions) {
    const { tokenizer, prompt, options } = parts
    this.parts = parts
    this.ids = [...prompt]
    this.matcher = createStopMatcher(options.stopStrings)
    this.detokenizer = tokenizer?.detokenizer({ after: prompt }) ?? null
  }

  /** Generated tokens so far. */
  get count(): number {
    return this.ids.length - this.parts.prompt.length
  }

  /** Adds a token that was predicted so; `random` is the number it was drawn by, null for a draft token and for one that was not drawn. */
  write(id: number, prediction: Prediction, random: number | null): GeneratedToken {
    const { record } = prediction
    const { options } = this.parts
    const index = this.count
    const position = this.ids.length
    const top = this.alternatives(prediction)
    this.ids.push(id)
    const isStop = options.stopIds.has(id)
    const { tokenizer } = this.parts
    const { text, stopped } = pushToken(this.matcher, tokenizer, isStop ? null : this.detokenizer, id)
    const finish = isStop || stopped ? 'stop' : this.limit(index, position)
    return {
      index,
      position,
      id,
      text: finish === null || stopped ? text : text + this.ending(),
      logprob: logitOf(prediction, id) - record.logSumExp,
      top,
      random,
      finish,
    }
  }

  /** Texts of tokens that may follow. */
  spell(ids: readonly number[]): string[] {
    const { tokenizer } = this.parts
    const detokenizer = tokenizer?.detokenizer({ after: this.ids }) ?? null
    // A token that ends inside a character is shown by its bytes.
    return ids.map(
      (id, at) => detokenizer?.push(id) || (tokenizer?.speller([...this.ids, ...ids.slice(0, at)])(id) ?? ''),
    )
  }

  private alternatives({ record }: Prediction): GeneratedToken['top'] {
    const { tokenizer, options } = this.parts
    const spell = tokenizer?.speller(this.ids)
    return Array.from(record.ids.subarray(0, options.topLogprobs), (id, i) => ({
      id,
      text: spell?.(id) ?? '',
      logprob: (record.logits[i] ?? NaN) - record.logSumExp,
    }))
  }

  private limit(index: number, position: number): FinishReason | null {
    const { options, context } = this.parts
    if (options.signal?.aborted) return 'abort'
    if (index + 1 >= options.maxTokens) return 'length'
    return position >= context ? 'context-full' : null
  }

  /** Text held back for a stop string or an unfinished character that will not come any more. */
  private ending(): string {
    const { text, stopped } = this.matcher.push(this.detokenizer?.flush() ?? '')
    return stopped ? text : text + this.matcher.flush()
  }
}

/** The model's own logit of a token, before temperature and filters. */
function logitOf({ record, logits, next }: Prediction, id: number): number {
  const at = record.ids.indexOf(id)
  if (at >= 0) return record.logits[at]!
  if (logits) return logits[id] ?? NaN
  return next?.id === id ? next.logit : NaN
}

/** The model's probability of the token proposed behind a row, before temperature and filters. */
export function ownProbability({ record, next }: Prediction): number {
  return Math.exp((next?.logit ?? NaN) - record.logSumExp)
}
