import type { Mask } from '../api/model.ts'
import { TokenscopeError } from '../errors.ts'

/** The mask asked for. Throws `bad-argument` for what is none. */
export function checkMask(mask: Mask): Mask {
  if (mask === 'causal' || mask === 'bidirectional') return mask
  // Callers without types may hand over anything.
  const given: unknown = mask
  const prefix = typeof given === 'object' && given !== null && 'prefix' in given ? given.prefix : undefined
  if (typeof prefix === 'number' && Number.isSafeInteger(prefix) && prefix >= 0) return { prefix }
  const got = JSON.stringify(given, (_, value: unknown) =>
    typeof value === 'number' ? String(value) : value,
  )
  const expected = "'causal', 'bidirectional' or { prefix: a whole number from 0 }"
  throw new TokenscopeError('bad-argument', `Option mask is ${got}; allowed is ${expected}.`, {
    hint: 'Leave mask out for the model’s own.',
    details: { field: 'mask', got, expected },
  })
}
