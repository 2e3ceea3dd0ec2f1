import type { Variant } from '../api/model.ts'
import type { ModelDescription } from '../arch/spec.ts'
import { TokenscopeError } from '../errors.ts'
import type { BufferLedger } from '../gpu/ledger.ts'
import type { KvFormat } from '../ops/kvFormats.ts'
import { bindablePositions } from '../run/reach.ts'

/** Fewest positions that anything can be written in: a token, and the one behind it. */
const LEAST = 2

interface Fitting {
  readonly asked: number | undefined
  readonly variant: Variant
  readonly kv: KvFormat
  readonly ledger: Pick<BufferLedger, 'largestBinding'>
}

/** The context asked for, or all of the model's. Throws `bad-argument` for what the model does not have. */
export function checkContext(asked: number | undefined, { maxPositions }: ModelDescription): number {
  if (asked === undefined) return maxPositions
  if (Number.isInteger(asked) && asked >= LEAST && asked <= maxPositions) return asked
  const allowed = `a whole number from ${LEAST} to ${maxPositions}`
  throw new TokenscopeError('bad-argument', `contextLength is ${asked}; this model allows ${allowed}.`, {
    hint: `Set contextLength to ${allowed}.`,
    details: { field: 'contextLength', got: asked, expected: allowed },
  })
}

/**
 * Of a context, what this device can bind the buffers of, and what to say where that is less. Throws `limit` where more was asked for.
 * Nothing of it is allocated yet.
 */
export function bindableContext(
  model: ModelDescription,
  context: number,
  { asked, variant, kv, ledger }: Fitting,
): { context: number; warnings: string[] } {
  const { largestBinding } = ledger
  const forward = model.record({ rows: 1, logitRows: 0, positions: context })
  const most = bindablePositions(forward, { variant, kv, limit: largestBinding })
  if (most >= context) return { context, warnings: [] }
  const why = `buffers that this device can bind, of ${largestBinding} bytes, hold ${most}`
  if (asked === undefined && most >= LEAST)
    return {
      context: most,
      warnings: [`The context is ${most} positions of the model's ${context}: ${why}.`],
    }
  throw new TokenscopeError('limit', `A context of ${context} positions does not fit: ${why}.`, {
    hint: `Set contextLength to at most ${most}.`,
    details: { contextLength: context, most, largestBinding },
  })
}
