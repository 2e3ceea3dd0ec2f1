import { KV_FORMATS } from '../api/load.ts'
import type { LoadRequest } from './sessionParts.ts'
import { readLocal, writeLocal } from './storage.ts'

const KEY = 'tokenscope.loads.1'
type LoadChoice = NonNullable<LoadRequest['how']>

const FORMATS: readonly unknown[] = ['f32', 'f16', 'bf16', 'q8_0', 'q4_0']
const KV: readonly unknown[] = KV_FORMATS

function readAll(): Record<string, LoadChoice> {
  const saved = readLocal(KEY)
  return typeof saved === 'object' && saved !== null && !Array.isArray(saved)
    ? (saved as Record<string, LoadChoice>)
    : {}
}

/** How a model was loaded when a person chose it: the next visit loads it so again. */
export function loadsOf(model: string): LoadChoice | undefined {
  const all = readAll()
  const choice = Object.hasOwn(all, model) ? all[model] : undefined
  if (typeof choice !== 'object') return undefined
  const { weights, contextLength, kvCache } = choice
  return {
    ...(FORMATS.includes(weights) ? { weights } : {}),
    ...(Number.isInteger(contextLength) ? { contextLength } : {}),
    ...(KV.includes(kvCache) ? { kvCache } : {}),
  }
}

export function keepLoads(model: string, choice: LoadChoice): void {
  writeLocal(KEY, { ...readAll(), [model]: choice })
}
