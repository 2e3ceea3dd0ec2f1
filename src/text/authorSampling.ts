import type { SamplingOptions } from '../api/generate.ts'
import type { JsonRecord } from './parts.ts'

/** What Transformers takes where a generation_config.json that samples names none. */
const TOP_K = 50

/** What a null switches off. */
const OFF: Readonly<Record<string, number>> = { top_k: 0, top_p: 1 }

/**
 * How the model's author would have it sampled: generation_config.json as Transformers reads it, greedy where `do_sample` is
 * off. Null when the file says nothing of it.
 */
export function readAuthorSampling(config: JsonRecord): Omit<SamplingOptions, 'seed'> | null {
  const number = (field: string, fallback: number): number => {
    const value = config[field]
    if (value === null) return OFF[field] ?? fallback
    return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : fallback
  }
  const says = ['do_sample', 'temperature', 'top_k', 'top_p', 'min_p', 'repetition_penalty']
  if (!says.some((field) => field in config)) return null
  const repetitionPenalty = number('repetition_penalty', 1) || 1
  const off = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty }
  if (config['do_sample'] === false) return off
  return {
    ...off,
    temperature: number('temperature', 1),
    topK: Math.round(number('top_k', TOP_K)),
    topP: Math.min(1, number('top_p', 1) || 1),
    minP: Math.min(1, number('min_p', 0)),
  }
}
