import type { ParsedAdapter, AdapterEffect } from '../adapters/types.ts'
import { TokenscopeError } from '../errors.ts'

export { claimedTwice } from '../adapters/claims.ts'

interface Claimant {
  readonly id: string
  readonly parsed: ParsedAdapter
  readonly apart: ReadonlyMap<string, string>
}

/** @throws `unsupported` when one of these replaces a module that another changes. */
export function checkTogether(acting: readonly Claimant[]): void {
  for (const [at, { parsed, apart }] of acting.entries()) {
    const other = acting.slice(at + 1).find(({ id }) => apart.has(id))
    if (other === undefined) continue
    const [step, names] = [apart.get(other.id), [parsed.name, other.parsed.name]]
    throw new TokenscopeError(
      'unsupported',
      `The adapters "${names[0]}" and "${names[1]}" both change ${step}, and one of them replaces all of it.`,
      {
        hint: 'They can act one at a time: set the scale of one of them to 0.',
        details: { step, adapters: names },
      },
    )
  }
}

/** What is said of an adapter whose effect was measured. */
export function effectWarnings({ maxDeltaLogit }: AdapterEffect): string[] {
  if (maxDeltaLogit > 0) return []
  return [
    'This adapter changes nothing: every logit of the probe prompt is the base’s. It is untrained or made for another model.',
  ]
}
