import { TokenscopeError } from '../errors.ts'
import type { GenerateOptions, SamplingOptions } from '../api/model.ts'
import { checkSampling } from './samplingOptions.ts'

/** Generation options, checked and filled in. */
export interface CheckedOptions {
  sampling: SamplingOptions
  maxTokens: number
  topLogprobs: number
  stopStrings: readonly string[]
  stopIds: ReadonlySet<number>
  signal: AbortSignal | undefined
  onPrefill: ((done: number, total: number) => void) | undefined
}

function wholeNumber(field: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  const allowed = `a whole number from ${min} to ${max}`
  throw new TokenscopeError('bad-argument', `Option ${field} is ${value}; allowed is ${allowed}.`, {
    hint: `Set ${field} to ${allowed}.`,
    details: { field, got: value, expected: allowed },
  })
}

const DEFAULT_MAX_TOKENS = 256
const DEFAULT_TOP = 10

/** Fills in defaults. Throws `bad-argument` naming field, value and what is allowed. */
export function checkOptions(options: GenerateOptions, eosIds: readonly number[]): CheckedOptions {
  const stop = options.stop ?? []
  const stopStrings = stop.filter((entry): entry is string => typeof entry === 'string')
  if (stopStrings.includes('')) {
    throw new TokenscopeError('bad-argument', 'A stop string is empty.', {
      hint: 'Leave empty strings out of stop.',
      details: { field: 'stop', got: '', expected: 'a non-empty string or a token id' },
    })
  }
  return {
    sampling: checkSampling(options),
    maxTokens: wholeNumber('maxTokens', options.maxTokens ?? DEFAULT_MAX_TOKENS, 1, 1_000_000),
    topLogprobs: wholeNumber('topLogprobs', options.topLogprobs ?? DEFAULT_TOP, 0, 256),
    stopStrings,
    stopIds: new Set([...eosIds, ...stop.filter((entry): entry is number => typeof entry === 'number')]),
    signal: options.signal,
    onPrefill: options.onPrefill,
  }
}

/** Throws `bad-argument` for ids the model does not have, `context-full` when they leave no room for an answer. */
export function checkIds(ids: readonly number[], vocab: number, context: number): void {
  if (ids.length === 0) {
    throw new TokenscopeError(
      'bad-argument',
      'The prompt is empty, and this model has no token that starts a text.',
      {
        hint: 'Give at least one token.',
        details: { field: 'prompt', got: 0, expected: 'at least 1 token' },
      },
    )
  }
  ids.forEach((id, index) => {
    if (Number.isInteger(id) && id >= 0 && id < vocab) return
    throw new TokenscopeError(
      'bad-argument',
      `Token ${index} of the prompt is ${id}; ids go from 0 to ${vocab - 1}.`,
      {
        hint: 'Encode the text with this model’s own tokenizer.',
        details: { field: 'prompt', index, got: id, expected: `0 to ${vocab - 1}` },
      },
    )
  })
  if (ids.length >= context) {
    throw new TokenscopeError(
      'context-full',
      `The prompt has ${ids.length} tokens; this model was loaded for ${context} positions.`,
      {
        hint: `Shorten the prompt to at most ${context - 1} tokens, or load the model with a longer context: in the page under Models.`,
        details: { tokens: ids.length, context },
      },
    )
  }
}
