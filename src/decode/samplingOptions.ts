import { TokenscopeError } from '../errors.ts'
import type { SamplingOptions } from '../api/model.ts'

export const DEFAULT_SAMPLING: Readonly<SamplingOptions> = {
  temperature: 0.8,
  topK: 40,
  topP: 0.95,
  minP: 0,
  repetitionPenalty: 1,
  seed: 0,
}

export type PresetName = 'greedy' | 'balanced' | 'creative' | 'exact'

/** Named settings; the seed is not part of them. `exact` draws from the model's own distribution, unfiltered. */
export const PRESETS: Readonly<Record<PresetName, Readonly<Omit<SamplingOptions, 'seed'>>>> = {
  greedy: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 },
  balanced: { temperature: 0.8, topK: 40, topP: 0.95, minP: 0, repetitionPenalty: 1 },
  creative: { temperature: 1.1, topK: 0, topP: 1, minP: 0.05, repetitionPenalty: 1 },
  exact: { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 },
}

interface OptionRule {
  allowed: string
  holds: (value: number) => boolean
}

const RULES: Readonly<Record<keyof SamplingOptions, OptionRule>> = {
  temperature: { allowed: 'a number ≥ 0 (0 is greedy)', holds: (v) => v >= 0 && v < Infinity },
  topK: { allowed: 'a whole number ≥ 0 (0 keeps all)', holds: (v) => Number.isSafeInteger(v) && v >= 0 },
  topP: { allowed: 'a number > 0 and ≤ 1 (1 keeps all)', holds: (v) => v > 0 && v <= 1 },
  minP: { allowed: 'a number from 0 to 1 (0 keeps all)', holds: (v) => v >= 0 && v <= 1 },
  repetitionPenalty: { allowed: 'a number > 0 (1 changes nothing)', holds: (v) => v > 0 && v < Infinity },
  seed: { allowed: 'a whole number from 0 to 2⁵³ − 1', holds: (v) => Number.isSafeInteger(v) && v >= 0 },
}

export type SamplingInput = { readonly [K in keyof SamplingOptions]?: SamplingOptions[K] | undefined }

/**
 * Fills in {@link DEFAULT_SAMPLING} and checks every field; other fields are ignored.
 * Throws `bad-argument` with `details: { field, got, expected }`.
 */
export function checkSampling(input: SamplingInput = {}): SamplingOptions {
  const options: SamplingOptions = { ...DEFAULT_SAMPLING }
  for (const field of Object.keys(RULES) as (keyof SamplingOptions)[]) {
    const got: unknown = input[field]
    if (got === undefined) continue
    const { allowed, holds } = RULES[field]
    if (typeof got !== 'number' || !holds(got)) {
      const shown = typeof got === 'number' ? String(got) : `of type ${got === null ? 'null' : typeof got}`
      throw new TokenscopeError(
        'bad-argument',
        `Sampling option ${field} is ${shown}; allowed is ${allowed}.`,
        {
          hint: `Set ${field} to ${allowed}.`,
          details: { field, got: typeof got === 'number' ? got : shown, expected: allowed },
        },
      )
    }
    options[field] = got === 0 ? 0 : got // −0 becomes 0
  }
  return options
}
